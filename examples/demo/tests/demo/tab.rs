//! A browser tab with the page of the chat.

use fantoccini::key::Key;
use fantoccini::wd::{Locator, WindowHandle};
use serde_json::{Value, json};
use sse_browser::Browser;

use crate::browser::{appears, run};

/// A browser tab with the page of the chat.
pub(crate) struct Tab<'a> {
    browser: &'a Browser,
    window: WindowHandle,
}

impl<'a> Tab<'a> {
    /// Returns the tab that is open already.
    pub(crate) async fn first(browser: &'a Browser) -> Self {
        let window = browser.client().window().await.expect("a window");
        Self { browser, window }
    }

    pub(crate) async fn another(browser: &'a Browser) -> Self {
        let new = browser.client().new_window(true).await.expect("a tab");
        let window = new.handle;
        Self { browser, window }
    }

    pub(crate) async fn show(&self) {
        let window = self.window.clone();
        let shown = self.browser.client().switch_to_window(window).await;
        shown.expect("a window that is there");
    }

    /// Opens the page and sets the name of the visitor.
    pub(crate) async fn open(&self, address: &str, name: &str) {
        self.show().await;
        let page = format!("http://{address}/chat?room=test");
        self.browser.client().goto(&page).await.expect("the page");
        self.becomes("[data-state=open][data-history=shown]").await;
        let field = Locator::Css("[name=name]");
        let field = self.browser.client().find(field).await.expect("a field");
        // Replaces the current name, which an empty field would restore.
        let (control, release) = (char::from(Key::Control), char::from(Key::Null));
        let text = format!("{control}a{release}{name}{}", char::from(Key::Enter));
        field.send_keys(&text).await.expect("typed");
        self.becomes("[data-state=open][data-history=shown]").await;
        self.is_present(name).await;
    }

    /// Waits until the page matches `attributes`.
    pub(crate) async fn becomes(&self, attributes: &str) {
        self.show().await;
        appears(self.browser, &format!("body{attributes}")).await;
    }

    pub(crate) async fn is_present(&self, name: &str) {
        let script = format!(
            "const done = arguments[0], look = () => chat.present.some(({{ name }}) => name === {})
                ? done() : requestAnimationFrame(look);
            look()",
            json!(name)
        );
        self.run_async(&script).await;
    }

    /// Runs a script in the page until it calls its argument.
    pub(crate) async fn run_async(&self, script: &str) {
        self.show().await;
        let done = self.browser.client().execute_async(script, vec![]).await;
        done.unwrap_or_else(|error| panic!("{script}: {error}"));
    }

    pub(crate) async fn say(&self, text: &str) {
        self.show().await;
        let field = Locator::Css("form.say textarea");
        let field = self.browser.client().find(field).await.expect("a field");
        let enter = format!("{text}{}", char::from(Key::Enter));
        field.send_keys(&enter).await.expect("typed");
    }

    pub(crate) async fn press_drop(&self) {
        self.show().await;
        let button = Locator::Css("button.drop");
        let button = self.browser.client().find(button).await.expect("a button");
        button.click().await.expect("pressed");
    }

    pub(crate) async fn run(&self, script: &str) -> Value {
        self.show().await;
        run(self.browser, script).await
    }

    /// Returns the texts that the page shows.
    pub(crate) async fn texts(&self) -> Vec<String> {
        let script = "return [...document.querySelectorAll('.message p')].map(p => p.textContent)";
        serde_json::from_value(self.run(script).await).expect("texts")
    }

    pub(crate) async fn vias(&self) -> Value {
        self.run("return chat.messages.map(({ name, via }) => `${name} ${via}`)")
            .await
    }
}
