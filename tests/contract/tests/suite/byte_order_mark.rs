//! The byte order mark at the start of a stream (capability `bom`).

use serde_json::json;

use crate::harness::{Client, Connection, Harness};

const BOM: &str = "\u{feff}";

async fn connected(harness: &Harness) -> (Client<'_>, Connection) {
    harness.connected(json!({})).await
}

#[tokio::test]
async fn one_at_the_start_is_skipped() {
    let harness = Harness::start().await;
    for (stream, data) in [
        ("data: a\n\n", &["a"][..]),
        ("data: a\n\ndata: b\n\n", &["a", "b"]),
        ("data: a\ndata: b\n\n", &["a\nb"]),
        ("data:\n\n", &[""]),
    ] {
        for stream in [stream.to_owned(), format!("{BOM}{stream}")] {
            let (mut client, connection) = connected(&harness).await;
            connection.send(stream);
            client.expect_data(data).await;
            client.close().await;
        }
    }
}

#[tokio::test]
async fn any_line_may_follow_it() {
    let harness = Harness::start().await;
    let (mut client, connection) = connected(&harness).await;
    connection.send(format!("{BOM}event: named\nid: 7\ndata: a\n\n"));
    client.expect_event("named", "a", "7").await;
    client.close().await;

    let (mut client, connection) = connected(&harness).await;
    connection.send(format!("{BOM}:comment\ndata: a\n\n"));
    client.expect_comment("comment").await;
    client.expect_data(&["a"]).await;
    client.close().await;
}

#[tokio::test]
async fn it_may_be_cut_in_pieces() {
    let harness = Harness::start().await;
    for pieces in [&[2, 1][..], &[1, 2], &[1, 1, 1]] {
        let (mut client, connection) = connected(&harness).await;
        let mut rest = BOM.as_bytes();
        for len in pieces {
            let piece;
            (piece, rest) = rest.split_at(*len);
            connection.send_in_pieces(piece, *len).await;
        }
        connection.send("data: a\n\n");
        client.expect_data(&["a"]).await;
        client.close().await;
    }
}

#[tokio::test]
async fn any_other_is_data() {
    let harness = Harness::start().await;
    let (mut client, connection) = connected(&harness).await;
    connection.send(format!("{BOM}data: {BOM}a\n\ndata: {BOM}b\n\n"));
    client.expect_data(&["\u{feff}a", "\u{feff}b"]).await;
    // The mark makes the name of the field unknown.
    connection.send(format!("{BOM}data: c\n\ndata: d\n\n"));
    client.expect_data(&["d"]).await;
    client.close().await;
}
