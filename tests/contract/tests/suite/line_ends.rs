//! LF, CRLF and CR (HTML § 9.2.5), in any chunks.

use serde_json::json;

use crate::harness::Harness;

/// Streams with `|` for the line end, and the data of their events.
const STREAMS: &[(&str, &[&str])] = &[
    ("data: one||", &["one"]),
    ("data: one||data: two|data: lines||", &["one", "two\nlines"]),
    ("data:|data: second|data: third||", &["\nsecond\nthird"]),
    ("data: first|data:|data: third||", &["first\n\nthird"]),
    ("data: one|||data: two||", &["one", "two"]),
    ("data: one||||data: two||", &["one", "two"]),
];

async fn check(line_end: &str) {
    let harness = Harness::start().await;
    for (stream, data) in STREAMS {
        let stream = stream.replace('|', line_end);
        for len in [stream.len(), 1, 2] {
            println!("{stream:?} by {len}");
            let (mut client, connection) = harness.connected(json!({})).await;
            connection.send_in_pieces(&stream, len).await;
            client.expect_data(data).await;
            client.close().await;
        }
    }
}

#[tokio::test]
async fn lf_ends_a_line() {
    check("\n").await;
}

#[tokio::test]
async fn crlf_ends_a_line() {
    check("\r\n").await;
}

#[tokio::test]
async fn cr_ends_a_line() {
    check("\r").await;
}

#[tokio::test]
async fn crlf_may_be_cut_in_two() {
    let harness = Harness::start().await;
    let (mut client, connection) = harness.connected(json!({})).await;
    let chunks = [
        "data: a\r",
        "\ndata: b\r",
        "\n\r\ndata: c\r",
        "\n",
        "\r",
        "\n",
    ];
    for chunk in chunks {
        connection.send_in_pieces(chunk, chunk.len()).await;
    }
    client.expect_data(&["a\nb", "c"]).await;
    client.close().await;
}
