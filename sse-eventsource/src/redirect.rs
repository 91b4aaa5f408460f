//! Redirects (Fetch § 4.4, "HTTP-redirect fetch"): their target, and which headers it receives.

use http::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_LOCATION,
    CONTENT_TYPE, COOKIE, HOST, LOCATION, PROXY_AUTHORIZATION,
};
use http::{HeaderMap, HeaderName, Method, Request, Response, StatusCode, Uri};
use url::{Origin, Url};

use crate::credentials::take_credentials;
use crate::error::RedirectError;
use crate::request_body::RequestBody;

/// Which redirects are followed.
#[derive(Debug)]
pub(crate) struct Redirects {
    pub(crate) limit: usize,
    pub(crate) allow_insecure: bool,
    /// The origins that receive credentials, in addition to the one that redirects.
    pub(crate) trusted: Vec<Origin>,
}

/// The headers that are dropped with the body.
const OF_THE_BODY: [HeaderName; 5] = [
    CONTENT_ENCODING,
    CONTENT_LANGUAGE,
    CONTENT_LENGTH,
    CONTENT_LOCATION,
    CONTENT_TYPE,
];

/// The headers that another origin must not receive, even if they are not marked as sensitive: the
/// standard ones, and those that many services use for API keys.
const CREDENTIALS: [HeaderName; 7] = [
    AUTHORIZATION,
    COOKIE,
    PROXY_AUTHORIZATION,
    HeaderName::from_static("api-key"),
    HeaderName::from_static("x-api-key"),
    HeaderName::from_static("x-auth-token"),
    HeaderName::from_static("x-goog-api-key"),
];

impl Redirects {
    /// Changes `head` and `body` to those of the next request, if `response` is a redirect with a
    /// location. Returns whether it is.
    pub(crate) fn follow<B>(
        &self,
        head: &mut Request<()>,
        body: &mut RequestBody,
        response: &Response<B>,
    ) -> Result<bool, RedirectError> {
        let status = response.status();
        let is_redirect = matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308);
        let Some(location) = response.headers().get(LOCATION).filter(|_| is_redirect) else {
            return Ok(false);
        };
        let invalid = || RedirectError::Location {
            location: String::from_utf8_lossy(location.as_bytes()).into_owned(),
        };
        let here = Url::parse(&head.uri().to_string()).map_err(|_| invalid())?;
        let text = str::from_utf8(location.as_bytes()).map_err(|_| invalid())?;
        let mut there = here.join(text).map_err(|_| invalid())?;
        there.set_fragment(None);
        let is_same_origin = here.origin() == there.origin();
        let authorization = take_credentials(&mut there);
        // Fetch § 4.4, step 10: another origin must not choose the credentials.
        if !matches!(there.scheme(), "http" | "https") || authorization.is_some() && !is_same_origin
        {
            return Err(invalid());
        }
        let uri: Uri = there.as_str().parse().map_err(|_| invalid())?;
        if here.scheme() == "https" && there.scheme() == "http" && !self.allow_insecure {
            return Err(RedirectError::Insecure { location: uri });
        }

        *head.uri_mut() = uri;
        let becomes_get = match status {
            StatusCode::SEE_OTHER => !matches!(*head.method(), Method::GET | Method::HEAD),
            StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => *head.method() == Method::POST,
            _ => false,
        };
        if becomes_get {
            *head.method_mut() = Method::GET;
            *body = RequestBody::default();
            remove_body_headers(head.headers_mut());
        } else if body.is_spent() {
            return Err(RedirectError::Body);
        }
        if let Some(authorization) = authorization {
            head.headers_mut().insert(AUTHORIZATION, authorization);
        }
        if !is_same_origin {
            head.headers_mut().remove(HOST);
            if !self.trusted.contains(&there.origin()) {
                remove_credentials(head.headers_mut());
            }
        }
        Ok(true)
    }
}

/// Removes the headers that describe a body.
pub(crate) fn remove_body_headers(headers: &mut HeaderMap) {
    for name in OF_THE_BODY {
        headers.remove(name);
    }
}

fn remove_credentials(headers: &mut HeaderMap) {
    let secret: Vec<_> = headers
        .iter()
        .filter(|(name, value)| value.is_sensitive() || CREDENTIALS.contains(name))
        .map(|(name, _)| name.clone())
        .collect();
    for name in secret {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use http::header::ACCEPT;
    use http_body::Body as _;

    use super::*;

    const STRICT: Redirects = Redirects {
        limit: 1,
        allow_insecure: false,
        trusted: Vec::new(),
    };

    fn request(method: Method, uri: &str) -> Request<()> {
        let mut secret = HeaderValue::from_static("key");
        secret.set_sensitive(true);
        Request::builder()
            .method(method)
            .uri(uri)
            .header(HOST, "a.test")
            .header(ACCEPT, "text/event-stream")
            .header(AUTHORIZATION, "Bearer x")
            .header(COOKIE, "a=b")
            .header("x-api-key", "key")
            .header("x-own", secret)
            .header(CONTENT_TYPE, "application/json")
            .body(())
            .expect("a request")
    }

    fn body() -> RequestBody {
        "{}".into()
    }

    fn response(status: u16, location: &str) -> Response<()> {
        let builder = Response::builder().status(status);
        builder
            .header(LOCATION, location)
            .body(())
            .expect("a response")
    }

    #[test]
    fn a_location_is_relative_to_the_url_of_its_response() {
        let mut request = request(Method::GET, "https://a.test/x/y?z");
        for (location, uri) in [
            ("../v", "https://a.test/v"),
            ("?w#fragment", "https://a.test/v?w"),
            ("//b.test:8443/ü", "https://b.test:8443/%C3%BC"),
        ] {
            assert_eq!(
                STRICT.follow(&mut request, &mut body(), &response(307, location)),
                Ok(true)
            );
            assert_eq!(request.uri(), uri);
        }
    }

    #[test]
    fn post_becomes_get_as_in_browsers() {
        for (status, becomes_get) in [
            (301, true),
            (302, true),
            (303, true),
            (307, false),
            (308, false),
        ] {
            let (mut request, mut body) = (request(Method::POST, "https://a.test/"), body());
            assert_eq!(
                STRICT.follow(&mut request, &mut body, &response(status, "/b")),
                Ok(true)
            );
            assert_eq!(request.method() == Method::GET, becomes_get, "{status}");
            assert_eq!(body.is_end_stream(), becomes_get, "{status}");
            assert_eq!(
                request.headers().get(CONTENT_TYPE).is_none(),
                becomes_get,
                "{status}"
            );
            assert!(
                request.headers().contains_key(AUTHORIZATION),
                "the origin is the same"
            );
        }
        let mut put = request(Method::PUT, "https://a.test/");
        assert_eq!(
            STRICT.follow(&mut put, &mut body(), &response(302, "/b")),
            Ok(true)
        );
        assert_eq!(put.method(), Method::PUT);
    }

    #[test]
    fn another_origin_receives_no_credentials() {
        for location in ["https://b.test/", "https://a.test:444/"] {
            let mut request = request(Method::GET, "https://a.test/");
            assert_eq!(
                STRICT.follow(&mut request, &mut body(), &response(302, location)),
                Ok(true)
            );
            let mut names: Vec<_> = request.headers().keys().map(HeaderName::as_str).collect();
            names.sort_unstable();
            assert_eq!(names, ["accept", "content-type"], "to {location}");
        }
    }

    #[test]
    fn a_trusted_origin_receives_credentials() {
        let trusting = Redirects {
            trusted: vec![Url::parse("https://b.test/x").expect("a URL").origin()],
            ..STRICT
        };
        for (location, is_trusted) in [
            ("https://b.test/", true),
            ("https://b.test:444/", false),
            ("https://c.b.test/", false),
        ] {
            let mut request = request(Method::GET, "https://a.test/");
            let followed = trusting.follow(&mut request, &mut body(), &response(307, location));
            assert_eq!(followed, Ok(true));
            let headers = request.headers();
            assert!(!headers.contains_key(HOST));
            for name in ["authorization", "cookie", "x-own"] {
                assert_eq!(
                    headers.contains_key(name),
                    is_trusted,
                    "{name} to {location}"
                );
            }
        }
    }

    #[test]
    fn credentials_in_a_location_of_the_same_origin_are_used() {
        let mut request = request(Method::GET, "https://a.test/");
        let location = "https://u:p@a.test/b";
        let followed = STRICT.follow(&mut request, &mut body(), &response(302, location));
        assert_eq!(followed, Ok(true));
        assert_eq!(request.uri(), "https://a.test/b");
        assert_eq!(request.headers()[AUTHORIZATION], "Basic dTpw");
    }

    #[test]
    fn https_is_left_only_if_that_is_allowed() {
        let mut request = request(Method::GET, "https://a.test/");
        let insecure = response(302, "http://a.test/");
        assert!(matches!(
            STRICT.follow(&mut request, &mut body(), &insecure),
            Err(RedirectError::Insecure { location }) if location == "http://a.test/"
        ));
        let lax = Redirects {
            allow_insecure: true,
            ..STRICT
        };
        assert_eq!(lax.follow(&mut request, &mut body(), &insecure), Ok(true));
        assert!(!request.headers().contains_key(AUTHORIZATION));
    }

    #[test]
    fn an_invalid_location_is_an_error() {
        for location in [
            "ftp://a.test/",
            "https://",
            "https://user:pass@b.test/",
            "data:,x",
        ] {
            let mut request = request(Method::GET, "https://a.test/");
            let followed = STRICT.follow(&mut request, &mut body(), &response(302, location));
            let location = location.to_owned();
            assert_eq!(followed, Err(RedirectError::Location { location }));
        }
    }
}
