//! Where `sse-eventsource` and Chromium are not the same, and why. What both of them do is written down,
//! so that it is noticed when one of them no longer does.

/// Cases in which the clients differ in the same way.
pub(crate) struct Departure {
    pub(crate) cases: &'static [&'static str],
    /// What the standard says, and why we do what we do.
    pub(crate) reason: &'static str,
    pub(crate) ours: &'static str,
    pub(crate) theirs: &'static str,
}

const FAILURES_MAY_PASS: &str = "HTML § 9.2.2: any status but 200 fails the connection for good. \
                                 We try again after those that may pass, as services restart; \
                                 `EventSourceBuilder::retry_if` decides otherwise.";

const FIRST_URL: &str = "HTML § 9.2.3 fetches the same request again, whose URL a redirect has \
                         moved. We begin at the first URL again, which still knows where the \
                         stream is when the place that it named is gone; for 302, RFC 9110 \
                         § 15.4.3 asks for that.";

const NO_LOCATION: &str = "Fetch: an empty location is the URL itself, which we ask again, up to \
                           the limit on redirects. Chromium takes it for none.";

const BAD_REDIRECT: &str = "A redirect that cannot be followed is a network error, after which \
                            HTML § 9.2.3 connects again \"unless the user agent knows that to be \
                            futile\". It would be the same again, so we stop there.";

const CONTROL_CHARACTERS: &str = "HTTP does not allow a control character in a header (RFC 9110 \
                                  § 5.5). To come back without the id would repeat or lose \
                                  events, so that is an error of its own.";

const CHARSET: &str = "HTML § 9.2.2 asks for the essence of the content type, and § 9.2.6 for \
                       UTF-8 whatever its parameters say.";

const EMPTY_RETRY: &str = "HTML § 9.2.6: \"if the field value consists of only ASCII digits\". We \
                           ignore an empty one, as there is no number. Chromium returns to its \
                           default.";

pub(crate) const DEPARTURES: &[Departure] = &[
    Departure {
        cases: &["request headers"],
        reason: "Fetch adds `Pragma` for caches of HTTP/1.0. It is deprecated (RFC 9111 § 5.4).",
        ours: "accept: text/event-stream, cache-control: no-cache",
        theirs: "accept: text/event-stream, cache-control: no-cache, pragma: no-cache",
    },
    Departure {
        cases: &[
            "408 Request Timeout",
            "425 Too Early",
            "429 Too Many Requests",
            "500 Internal Server Error",
            "502 Bad Gateway",
            "503 Service Unavailable",
            "504 Gateway Timeout",
        ],
        reason: FAILURES_MAY_PASS,
        ours: "2 x start -> connecting, closed",
        theirs: "start -> closed",
    },
    Departure {
        cases: &[
            "500 Internal Server Error when it comes back",
            "503 Busy when it comes back",
        ],
        reason: FAILURES_MAY_PASS,
        ours: r#"start, 2 x start after "1" -> open, message "x" "1", 2 x connecting, closed"#,
        theirs: r#"start, start after "1" -> open, message "x" "1", connecting, closed"#,
    },
    Departure {
        cases: &["half a head"],
        reason: "A head that is cut off is no response (RFC 9112 § 8), so the connection was lost. \
                 Chromium takes what came for a 200 without a content type.",
        ours: "2 x start -> connecting, closed",
        theirs: "start -> closed",
    },
    Departure {
        cases: &["Content-Type: text/event-stream text"],
        reason: "A subtype holds no space (MIME Sniffing § 4.4), so there is no content type.",
        ours: "start -> closed",
        theirs: r#"2 x start -> open, message "ü" "", connecting, closed"#,
    },
    Departure {
        cases: &[
            "Content-Type: text/event-stream; charset=iso-8859-1",
            "Content-Type: text/event-stream; charset=nonsense",
        ],
        reason: CHARSET,
        ours: r#"2 x start -> open, message "ü" "", connecting, closed"#,
        theirs: "start -> closed",
    },
    Departure {
        cases: &["Content-Encoding: gzip"],
        reason: "We ask for no encoding unless `EventSourceBuilder::compression` is set, so that no server \
                 holds events back, and say what is wrong if one comes nevertheless.",
        ours: "start -> closed",
        theirs: r#"2 x start -> open, message "x" "", connecting, closed"#,
    },
    Departure {
        cases: &["Set-Cookie"],
        reason: "Cookies are a browser's. We send what `EventSourceBuilder::header` sets.",
        ours: r#"2 x start -> open, message "x" "", connecting, closed"#,
        theirs: r#"start, start with "name=value" -> open, message "x" "", connecting, closed"#,
    },
    Departure {
        cases: &[
            "301 Moved Permanently",
            "302 Found",
            "303 See Other",
            "307 Temporary Redirect",
            "308 Permanent Redirect",
        ],
        reason: FIRST_URL,
        ours: r#"start, there, start after "1" -> open, message "x" "1", connecting, closed"#,
        theirs: r#"start, there, there after "1" -> open, message "x" "1", connecting, closed"#,
    },
    Departure {
        cases: &[
            "301 Moved Permanently when it comes back",
            "302 Found when it comes back",
            "303 See Other when it comes back",
            "307 Temporary Redirect when it comes back",
            "308 Permanent Redirect when it comes back",
        ],
        reason: FIRST_URL,
        ours: concat!(
            r#"start, start after "1", there after "1", start after "1" -> "#,
            r#"open, message "x" "1", connecting, open, message "x" "1", connecting, closed"#
        ),
        theirs: concat!(
            r#"start, start after "1", 2 x there after "1" -> "#,
            r#"open, message "x" "1", connecting, open, message "x" "1", connecting, closed"#
        ),
    },
    Departure {
        cases: &["redirected twice"],
        reason: FIRST_URL,
        ours: r#"start, a, b, start after "1" -> open, message "x" "1", connecting, closed"#,
        theirs: r#"start, a, b, b after "1" -> open, message "x" "1", connecting, closed"#,
    },
    Departure {
        cases: &["redirected to a fragment"],
        reason: FIRST_URL,
        ours: r#"start, a, start after "1" -> open, message "x" "1", connecting, closed"#,
        theirs: r#"start, a, a after "1" -> open, message "x" "1", connecting, closed"#,
    },
    Departure {
        cases: &["redirected 20 times"],
        reason: FIRST_URL,
        ours: r#"start, 20 x a, start after "1" -> open, message "x" "1", connecting, closed"#,
        theirs: r#"start, 20 x a, a after "1" -> open, message "x" "1", connecting, closed"#,
    },
    Departure {
        cases: &["redirected 21 times"],
        reason: BAD_REDIRECT,
        ours: "start, 20 x a -> closed",
        theirs: "start, 20 x a, start -> connecting, closed",
    },
    Departure {
        cases: &[
            "redirected to http://",
            "redirected to data:text/event-stream,data:x",
        ],
        reason: BAD_REDIRECT,
        ours: "start -> closed",
        theirs: "2 x start -> connecting, closed",
    },
    Departure {
        cases: &[
            "301 Moved Permanently, to nothing",
            "302 Found, to nothing",
            "303 See Other, to nothing",
            "307 Temporary Redirect, to nothing",
            "308 Permanent Redirect, to nothing",
        ],
        reason: NO_LOCATION,
        ours: "2 x start -> closed",
        theirs: "start -> closed",
    },
    Departure {
        cases: &[r#""id: \u{1}\n\n" and what follows"#],
        reason: CONTROL_CHARACTERS,
        ours: "start -> open, connecting, closed",
        theirs: concat!(
            r#"start, 2 x start after "\u{1}" -> "#,
            "open, connecting, open, message \"again\" \"\u{1}\", connecting, closed"
        ),
    },
    Departure {
        cases: &[r#""id: a\u{1}b\ndata: x\n\n" and what follows"#],
        reason: CONTROL_CHARACTERS,
        ours: "start -> open, message \"x\" \"a\u{1}b\", connecting, closed",
        theirs: concat!(
            r#"start, 2 x start after "a\u{1}b" -> "#,
            "open, message \"x\" \"a\u{1}b\", connecting, ",
            "open, message \"again\" \"a\u{1}b\", connecting, closed"
        ),
    },
    Departure {
        cases: &[r#""id: a\u{7f}b\ndata: x\n\n" and what follows"#],
        reason: CONTROL_CHARACTERS,
        ours: "start -> open, message \"x\" \"a\u{7f}b\", connecting, closed",
        theirs: concat!(
            r#"start, 2 x start after "a\u{7f}b" -> "#,
            "open, message \"x\" \"a\u{7f}b\", connecting, ",
            "open, message \"again\" \"a\u{7f}b\", connecting, closed"
        ),
    },
    Departure {
        cases: &[
            r#""retry: 50\nretry\n\n" before "retry: 1500\n\n""#,
            r#""retry: 50\nretry:\n\n" before "retry: 1500\n\n""#,
            r#""retry: 50\nretry: \n\n" before "retry: 1500\n\n""#,
        ],
        reason: EMPTY_RETRY,
        ours: "yes",
        theirs: "no",
    },
    Departure {
        cases: &[r#""retry: 60000\nretry:\n\n" before "retry: 5000\n\n""#],
        reason: EMPTY_RETRY,
        ours: "no",
        theirs: "yes",
    },
    Departure {
        cases: &[r#""retry: 50\nretry: 18446744073709551616\n\n" before "retry: 1500\n\n""#],
        reason: "HTML § 9.2.6 knows no limit. We take what does not fit into 64 bits for the \
                 longest time there is; Chromium ignores it.",
        ours: "no",
        theirs: "yes",
    },
];
