//! What pages of other origins may do (CORS, Fetch § 3.2).

use std::error::Error;
use std::fmt;
use std::time::Duration;

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, HeaderName,
    HeaderValue, ORIGIN, VARY,
};
use http::{HeaderMap, Method, StatusCode, Uri};

use crate::response::{Response, no_content, plain};

/// Which pages of other origins may read responses, and with what they may ask for them.
/// [`Server::cors`](crate::Server::cors) takes it.
///
/// A request that names an origin which is not allowed is answered with 403: CORS keeps a page from
/// reading, not from asking, and any page could open streams with the cookies of those that visit it.
/// Requests of programs have no origin. Those of a page of the server's own origin have one if their
/// method is not `GET` or `HEAD`, so that this origin must be among the allowed ones if there is a
/// `POST` for it.
///
/// The responses to pages that are allowed have `Access-Control-Allow-Origin`, and all have
/// `Vary: Origin`, or a cache would give the answer for one page to another one. Preflights are
/// answered with 204 at every path.
///
/// ```
/// use std::time::Duration;
///
/// use sse_tokio_tcp::{Cors, Server};
///
/// # fn main() -> Result<(), sse_tokio_tcp::CorsError> {
/// let cors = Cors::new(["https://app.example", "https://admin.example:8443"])?
///     .credentials()
///     .headers(["authorization", "content-type", "last-event-id"])?
///     .max_age(Duration::from_secs(600));
/// let server = Server::new().cors(cors);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "it allows nothing until it is given to a server"]
pub struct Cors {
    origins: Vec<HeaderValue>,
    credentials: bool,
    headers: Option<HeaderValue>,
    methods: Option<HeaderValue>,
    max_age: Option<Duration>,
}

impl Cors {
    /// Allows the pages of these origins, as browsers write them, such as `https://app.example:8443`.
    ///
    /// # Errors
    ///
    /// [`CorsError::Origin`] for what no browser sends: a path or a slash at the end, upper-case
    /// letters, the default port. Neither `*` nor `null` is an origin.
    pub fn new<O>(origins: impl IntoIterator<Item = O>) -> Result<Self, CorsError>
    where
        O: AsRef<str>,
    {
        let origins = origins
            .into_iter()
            .map(|origin| parse_origin(origin.as_ref()));
        Ok(Self {
            origins: origins.collect::<Result<_, _>>()?,
            credentials: false,
            headers: None,
            methods: None,
            max_age: None,
        })
    }

    /// Allows requests with credentials, such as cookies.
    pub fn credentials(mut self) -> Self {
        self.credentials = true;
        self
    }

    /// Allows requests with these headers, in place of earlier ones. A page needs no permission for
    /// those that forms can have (Fetch § 2.2.2).
    ///
    /// # Errors
    ///
    /// [`CorsError::Header`] for what is not the name of a header.
    pub fn headers<N>(mut self, names: impl IntoIterator<Item = N>) -> Result<Self, CorsError>
    where
        N: AsRef<str>,
    {
        let parsed = |name: N| {
            let name = name.as_ref();
            // A browser takes it for a name, or for all of them.
            match HeaderName::try_from(name) {
                Ok(parsed) if name != "*" => Ok(parsed),
                _ => Err(CorsError::Header(name.to_owned())),
            }
        };
        let names = names
            .into_iter()
            .map(parsed)
            .collect::<Result<Vec<_>, _>>()?;
        self.headers = join(names.iter().map(HeaderName::as_str));
        Ok(self)
    }

    /// Allows requests of these methods, in place of earlier ones. `GET`, `HEAD` and `POST` are always
    /// allowed (Fetch § 2.2.1).
    pub fn methods(mut self, methods: impl IntoIterator<Item = Method>) -> Self {
        let methods: Vec<_> = methods.into_iter().collect();
        self.methods = join(methods.iter().map(Method::as_str));
        self
    }

    /// Sets for how long a browser may keep the answer to a preflight, in whole seconds. By default, it
    /// decides by itself.
    pub fn max_age(mut self, time: Duration) -> Self {
        self.max_age = Some(time);
        self
    }

    /// Returns the response to a request that no service is asked for: a preflight, or one that is not
    /// allowed. Sets `origin` to that of the request's page if that is allowed. The response is boxed, as
    /// there is none to most requests.
    pub(crate) fn answer<'a>(
        &'a self,
        method: &Method,
        headers: &HeaderMap,
        origin: &mut Option<&'a HeaderValue>,
    ) -> Option<Box<Response>> {
        let mut origins = headers.get_all(ORIGIN).iter();
        let sent = origins.next()?;
        let allowed = self.origins.iter().find(|allowed| *allowed == sent);
        if allowed.is_none() || origins.next().is_some() {
            let refused = plain(StatusCode::FORBIDDEN, "the origin is not allowed");
            return Some(Box::new(refused));
        }
        *origin = allowed;
        let is_preflight =
            *method == Method::OPTIONS && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        is_preflight.then(|| Box::new(self.preflight()))
    }

    /// Adds to any response what a page of `origin` needs to read it.
    pub(crate) fn mark(&self, origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
        headers.append(VARY, HeaderValue::from_static("Origin"));
        if let Some(origin) = origin {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            if self.credentials {
                let allowed = HeaderValue::from_static("true");
                headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, allowed);
            }
        }
    }

    fn preflight(&self) -> Response {
        let mut response = no_content();
        let headers = response.headers_mut();
        if let Some(allowed) = &self.headers {
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, allowed.clone());
        }
        if let Some(allowed) = &self.methods {
            headers.insert(ACCESS_CONTROL_ALLOW_METHODS, allowed.clone());
        }
        if let Some(time) = self.max_age {
            headers.insert(ACCESS_CONTROL_MAX_AGE, time.as_secs().into());
        }
        response
    }
}

/// Returns an origin if it is written as browsers do (HTML § 7.1.1).
fn parse_origin(text: &str) -> Result<HeaderValue, CorsError> {
    let parsed = || {
        let uri = text.parse::<Uri>().ok()?;
        let (scheme, authority) = (uri.scheme_str()?, uri.authority()?);
        let is_default_port = matches!(
            (scheme, authority.port_u16()),
            ("http", Some(80)) | ("https", Some(443))
        );
        let may_be_in_origin = |byte: u8| match byte {
            b'a'..=b'z' | b'0'..=b'9' => true,
            byte => b"-._[]:".contains(&byte),
        };
        let is_origin = text == format!("{scheme}://{authority}")
            && authority.as_str().bytes().all(may_be_in_origin)
            && !authority.host().is_empty()
            && !text.ends_with(':')
            && !is_default_port;
        HeaderValue::from_str(text).ok().filter(|_| is_origin)
    };
    parsed().ok_or_else(|| CorsError::Origin(text.to_owned()))
}

/// Returns a list of tokens, or `None` if there are none.
fn join<'a>(tokens: impl Iterator<Item = &'a str>) -> Option<HeaderValue> {
    let list = tokens.collect::<Vec<_>>().join(", ");
    HeaderValue::try_from(list)
        .ok()
        .filter(|list| !list.is_empty())
}

/// Why a [`Cors`] cannot be made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CorsError {
    /// This is not an origin as browsers write it.
    Origin(String),
    /// This is not the name of a header.
    Header(String),
}

impl fmt::Display for CorsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Origin(text) => write!(
                f,
                "{text:?} is not an origin as browsers write it, such as \"https://app.example\""
            ),
            Self::Header(text) => write!(f, "{text:?} is not the name of a header"),
        }
    }
}

impl Error for CorsError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_taken_as_browsers_write_them_alone() {
        for origin in [
            "https://app.example",
            "http://localhost:3000",
            "https://[::1]:8443",
            "http://127.0.0.1",
            "https://xn--bcher-kva.example",
            "chrome-extension://abcdefghijklmnop",
            "http://app.example:443",
        ] {
            assert!(Cors::new([origin]).is_ok(), "{origin}");
        }
        for origin in [
            "",
            "*",
            "null",
            "app.example",
            "https://",
            "https://app.example/",
            "https://app.example/path",
            "https://app.example?a",
            "https://app.example:443",
            "http://app.example:80",
            "https://app.example:",
            "https://App.example",
            "HTTPS://app.example",
            "https://user@app.example",
            "https://*.example",
            "https://a.example, https://b.example",
            "https://büch.example",
            "https://app.example\r\n",
        ] {
            let error = Cors::new(["https://app.example", origin]).expect_err(origin);
            assert_eq!(error, CorsError::Origin(origin.to_owned()));
        }
    }

    #[test]
    fn headers_are_names_alone() {
        let cors = || Cors::new(["https://app.example"]).expect("an origin");
        assert!(cors().headers(["Authorization", "last-event-id"]).is_ok());
        for name in ["", "*", "a b", "a,b", "a\r\n"] {
            let error = cors().headers([name]).expect_err(name);
            assert_eq!(error, CorsError::Header(name.to_owned()));
        }
    }
}
