//! A command of the Chrome `DevTools` Protocol, which chromedriver forwards to the browser.

use fantoccini::wd::WebDriverCompatibleCommand;
use http::Method;
use serde_json::{Value, json};
use url::{ParseError, Url};

#[derive(Debug)]
pub(crate) struct Devtools {
    body: String,
}

impl Devtools {
    pub(crate) fn new(command: &str, parameters: Value) -> Self {
        let body = json!({ "cmd": command, "params": parameters });
        Self {
            body: body.to_string(),
        }
    }
}

impl WebDriverCompatibleCommand for Devtools {
    fn endpoint(&self, base_url: &Url, session_id: Option<&str>) -> Result<Url, ParseError> {
        let session = session_id.unwrap_or_default();
        base_url.join(&format!("session/{session}/goog/cdp/execute"))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.clone()))
    }
}
