//! The differences between `sse-eventsource` and Chromium, with their reasons. The behaviour of
//! both is recorded, so that the test fails when either changes.

/// Cases in which the clients differ in the same way.
pub(crate) struct Departure {
    pub(crate) cases: &'static [&'static str],
    /// What the standard says, and why `sse-eventsource` differs.
    pub(crate) reason: &'static str,
    pub(crate) ours: &'static str,
    pub(crate) theirs: &'static str,
}

const FAILURES_MAY_PASS: &str = "HTML § 9.2.2: any status but 200 fails the connection for good. \
                                 `sse-eventsource` retries transient ones, since services \
                                 restart; `EventSourceBuilder::retry_if` can change that.";

const FIRST_URL: &str = "HTML § 9.2.3 fetches the same request again, whose URL a redirect has \
                         changed. `sse-eventsource` starts at the first URL again, which can \
                         redirect to a new target when the old one is gone; for 302, RFC 9110 \
                         § 15.4.3 requires it.";

const NO_LOCATION: &str = "Fetch: an empty location is the URL itself, which is requested again, \
                           up to the limit on redirects. Chromium treats it as missing.";

const BAD_REDIRECT: &str = "A redirect that cannot be followed is a network error, after which \
                            HTML § 9.2.3 connects again \"unless the user agent knows that to be \
                            futile\". The next attempt would fail in the same way, so this error \
                            is final.";

const CONTROL_CHARACTERS: &str = "HTTP does not allow a control character in a header (RFC 9110 \
                                  § 5.5). The stream goes on without the ID, which \
                                  `Update::NotResumed` reports.";

const CHARSET: &str = "HTML § 9.2.2 checks the essence of the content type only, and § 9.2.6 \
                       decodes as UTF-8 whatever its parameters are.";

const EMPTY_RETRY: &str = "HTML § 9.2.6: \"if the field value consists of only ASCII digits\". An \
                           empty value is no number, so `sse-eventsource` ignores it. Chromium \
                           resets the reconnection time to its default.";

pub(crate) const DEPARTURES: &[Departure] = &[
    Departure {
        cases: &[
            "408 Request Timeout",
            "425 Too Early",
            "429 Too Many Requests",
            "500 Internal Server Error",
            "502 Bad Gateway",
            "503 Service Unavailable",
            "504 Gateway Timeout",
            "599 Unknown",
        ],
        reason: FAILURES_MAY_PASS,
        ours: "2 x start -> connecting, closed",
        theirs: "start -> closed",
    },
    Departure {
        cases: &[
            "500 Internal Server Error on reconnecting",
            "503 Busy on reconnecting",
        ],
        reason: FAILURES_MAY_PASS,
        ours: r#"start, 2 x start after "1" -> open, message "x" "1", 2 x connecting, closed"#,
        theirs: r#"start, start after "1" -> open, message "x" "1", connecting, closed"#,
    },
    Departure {
        cases: &["half a head"],
        reason: "An incomplete head is not a response (RFC 9112 § 8), so the connection was lost. \
                 Chromium treats it as status 200 without a content type.",
        ours: "2 x start -> connecting, closed",
        theirs: "start -> closed",
    },
    Departure {
        cases: &["Content-Type: text/event-stream text"],
        reason: "A subtype cannot contain a space (MIME Sniffing § 4.4), so the content type is \
                 invalid.",
        ours: "start -> closed",
        theirs: r#"2 x start -> open, message "ü" "", connecting, closed"#,
    },
    Departure {
        cases: &[
            "Content-Type: text/event-stream; charset=iso-8859-1",
            "Content-Type: text/event-stream; charset=unknown",
        ],
        reason: CHARSET,
        ours: r#"2 x start -> open, message "ü" "", connecting, closed"#,
        theirs: "start -> closed",
    },
    Departure {
        cases: &["Content-Encoding: gzip"],
        reason: "No encoding is requested unless `EventSourceBuilder::compression` is set, so that \
                 no server delays events. An encoding that was not requested is an error.",
        ours: "start -> closed",
        theirs: r#"2 x start -> open, message "x" "", connecting, closed"#,
    },
    Departure {
        cases: &["Set-Cookie"],
        reason: "`sse-eventsource` keeps no cookies. `EventSourceBuilder::header` can set one.",
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
            "301 Moved Permanently on reconnecting",
            "302 Found on reconnecting",
            "303 See Other on reconnecting",
            "307 Temporary Redirect on reconnecting",
            "308 Permanent Redirect on reconnecting",
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
            "301 Moved Permanently with an empty location",
            "302 Found with an empty location",
            "303 See Other with an empty location",
            "307 Temporary Redirect with an empty location",
            "308 Permanent Redirect with an empty location",
        ],
        reason: NO_LOCATION,
        ours: "2 x start -> closed",
        theirs: "start -> closed",
    },
    Departure {
        cases: &[r#""id: \u{1}\n\n" and what follows"#],
        reason: CONTROL_CHARACTERS,
        ours: "3 x start -> open, connecting, open, message \"again\" \"\u{1}\", connecting, closed",
        theirs: concat!(
            r#"start, 2 x start after "\u{1}" -> "#,
            "open, connecting, open, message \"again\" \"\u{1}\", connecting, closed"
        ),
    },
    Departure {
        cases: &[r#""id: a\u{1}b\ndata: x\n\n" and what follows"#],
        reason: CONTROL_CHARACTERS,
        ours: concat!(
            "3 x start -> open, message \"x\" \"a\u{1}b\", connecting, ",
            "open, message \"again\" \"a\u{1}b\", connecting, closed"
        ),
        theirs: concat!(
            r#"start, 2 x start after "a\u{1}b" -> "#,
            "open, message \"x\" \"a\u{1}b\", connecting, ",
            "open, message \"again\" \"a\u{1}b\", connecting, closed"
        ),
    },
    Departure {
        cases: &[r#""id: a\u{7f}b\ndata: x\n\n" and what follows"#],
        reason: CONTROL_CHARACTERS,
        ours: concat!(
            "3 x start -> open, message \"x\" \"a\u{7f}b\", connecting, ",
            "open, message \"again\" \"a\u{7f}b\", connecting, closed"
        ),
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
        reason: "HTML § 9.2.6 has no limit. A number that does not fit into 64 bits becomes the \
                 longest time; Chromium ignores it.",
        ours: "no",
        theirs: "yes",
    },
];
