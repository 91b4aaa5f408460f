//! The chat over raw sockets: one room on all three servers.

use crate::process::{Process, Response, TRANSPORTS, get, post};

/// Opens the stream of a room and reads the history.
async fn listen(address: &str, name: &str, header: &str) -> Response {
    let target = format!("/chat/events?room=r&name={name}");
    let mut stream = Response::to(address, &target, header).await;
    stream.read_until("event: present\n").await;
    stream.read_until("id: ").await;
    stream
}

async fn say(address: &str, text: &str) {
    let form = format!("topic=chat/r&data={text}");
    let response = post(address, "/chat/say?room=r&name=Ada", &form).await;
    assert_eq!(response.status(), "204", "{}", response.raw);
}

/// Returns the messages that have arrived, each with its id.
fn messages(stream: &Response) -> Vec<String> {
    let body = stream.body();
    let whole = body.rsplit_once("\n\n").map_or("", |(whole, _)| whole);
    let blocks = whole.split("\n\n");
    blocks
        .filter(|block| block.contains("data: {\"name\":\"Ada\",\"text\":"))
        .map(str::to_owned)
        .collect()
}

fn id(message: &str) -> &str {
    let mut lines = message.lines();
    lines
        .find_map(|line| line.strip_prefix("id: "))
        .expect("an id")
}

#[tokio::test]
async fn a_message_to_one_server_arrives_on_all_with_the_same_id() {
    let demo = Process::start().await;
    let mut listeners = Vec::new();
    for (address, name) in demo.addresses.iter().zip(TRANSPORTS) {
        listeners.push(listen(address, name, "").await);
    }
    for round in 1..=3 {
        for (address, via) in demo.addresses.iter().zip(TRANSPORTS) {
            say(address, &format!("{via}+{round}")).await;
        }
    }
    let mut received = Vec::new();
    for listener in &mut listeners {
        listener.read_until("\"text\":\"tcp 3\"").await;
        listener.read_until("\"via\":\"tcp\"}\nid: ").await;
        received.push(messages(listener));
    }
    assert_eq!(received[0], received[1]);
    assert_eq!(received[0], received[2]);
    assert_eq!(received[0].len(), 9);
    for (index, message) in received[0].iter().enumerate() {
        let (round, via) = (index / 3 + 1, TRANSPORTS[index % 3]);
        let start = format!("{{\"name\":\"Ada\",\"text\":\"{via} {round}\",");
        assert!(message.contains(&start), "{message}");
        assert!(message.contains(&format!("\"via\":\"{via}\"}}\nid: ")));
    }

    // A stream of one server is resumed on each, as all share one log.
    let header = format!("Last-Event-ID: {}\r\n", id(&received[0][3]));
    for address in &demo.addresses {
        let mut resumed = listen(address, "back", &header).await;
        resumed.read_until("\"text\":\"tcp 3\"").await;
        resumed.read_until("\"via\":\"tcp\"}\nid: ").await;
        assert_eq!(messages(&resumed), received[0][4..]);
        assert!(!resumed.body().contains("event: history"));
    }
}

#[tokio::test]
async fn a_new_client_and_one_with_a_gap_receive_the_history() {
    let demo = Process::start().await;
    say(&demo.addresses[0], "before").await;
    for address in &demo.addresses {
        let mut fresh = listen(address, "new", "").await;
        fresh.read_until("event: history\n").await;
        fresh.read_until("\"text\":\"before\"").await;
        assert!(!fresh.body().contains("event: gap"));

        let mut lost = listen(address, "lost", "Last-Event-ID: forged\r\n").await;
        lost.read_until("event: history\n").await;
        lost.read_until("\"text\":\"before\"").await;
        let body = lost.body();
        let gap = body.find("event: gap\n").expect("a gap");
        assert!(body.contains("\"reason\":\"unknown\""), "{body}");
        assert!(gap < body.find("event: history\n").expect("the history"));
    }
}

#[tokio::test]
async fn joining_and_leaving_members_are_reported_on_all_servers() {
    let demo = Process::start().await;
    let mut listeners = Vec::new();
    for (address, name) in demo.addresses.iter().zip(TRANSPORTS) {
        listeners.push(listen(address, name, "").await);
    }
    let member = |name, via| format!("data: {{\"name\":\"{name}\",\"via\":\"{via}\"}}\n\n");
    for (address, via) in demo.addresses.iter().zip(TRANSPORTS) {
        let guest = listen(address, "guest", "").await;
        for listener in &mut listeners {
            let joined = format!("event: joined\n{}", member("guest", via));
            listener.read_until(&joined).await;
        }
        drop(guest);
        for listener in &mut listeners {
            let left = format!("event: left\n{}", member("guest", via));
            listener.read_until(&left).await;
        }
    }
    let last = listen(&demo.addresses[0], "last", "").await;
    for via in TRANSPORTS {
        let present = format!("{{\"name\":\"{via}\",\"via\":\"{via}\"}}");
        assert!(last.body().contains(&present), "{}", last.body());
    }
    assert!(!last.body().contains("guest"));
}

#[tokio::test]
async fn an_invalid_request_is_rejected_with_a_reason() {
    let demo = Process::start().await;
    let (long_name, long_text) = ("n".repeat(33), "t".repeat(501));
    let invalid = [
        ("events", "".to_owned(), "room is missing"),
        ("events", "room=r".to_owned(), "name is missing"),
        (
            "events",
            "room=a%2Fb&name=n".to_owned(),
            "room may not contain '/'",
        ),
        (
            "events",
            format!("room=r&name={long_name}"),
            "name is longer than 32 characters",
        ),
    ];
    let unsaid = [
        (
            "n",
            "topic=chat/r".to_owned(),
            "400",
            "field \"data\" is missing",
        ),
        (
            "n",
            "topic=chat/r&data=%20%0A".to_owned(),
            "400",
            "text is blank",
        ),
        (
            "n%00",
            "topic=chat/r&data=t".to_owned(),
            "400",
            "name may not contain '\\0'",
        ),
        (
            "n",
            format!("topic=chat/r&data={long_text}"),
            "400",
            "text is longer than 500 characters",
        ),
        (
            "n",
            "topic=chat/other&data=t".to_owned(),
            "403",
            "another room",
        ),
    ];
    for address in &demo.addresses {
        for (path, query, reason) in &invalid {
            let response = get(address, &format!("/chat/{path}?{query}")).await;
            assert_eq!(response.status(), "400", "{query}");
            assert_eq!(response.body(), format!("{reason}\n"));
        }
        for (name, form, status, reason) in &unsaid {
            let target = format!("/chat/say?room=r&name={name}");
            let response = post(address, &target, form).await;
            assert_eq!(response.status(), *status, "{form}");
            assert_eq!(response.body(), format!("{reason}\n"));
        }
        let too_long = "x".repeat(17 * 1024);
        let response = post(address, "/chat/say?room=r&name=n", &too_long).await;
        assert_eq!(response.status(), "413");
        let said = post(address, "/chat/say?room=r&name=n", "topic=chat/r&data=t").await;
        let head = said.raw.to_ascii_lowercase();
        assert!(head.contains("cache-control: no-store\r\n"), "{head}");
        assert!(
            head.contains("access-control-allow-origin: *\r\n"),
            "{head}"
        );
        // A link checker must not send messages.
        let target = "/chat/say?room=r&name=n&topic=chat/r&data=from+a+machine";
        for method in ["HEAD", "GET"] {
            let mut response = Response::to_request(method, address, target, "").await;
            response.read_to_end().await;
            assert_eq!(response.status(), "405");
        }
    }
    let mut room = listen(&demo.addresses[0], "n", "").await;
    room.read_until("event: history\n").await;
    room.read_until("]\nid: ").await;
    assert_eq!(room.body().matches("\"text\":\"t\"").count(), 3);
    assert!(!room.body().contains("from a machine"));
}

#[tokio::test]
async fn the_chat_ends_with_a_reconnection_time_at_shutdown() {
    let mut demo = Process::start().await;
    let mut streams = Vec::new();
    for (address, name) in demo.addresses.iter().zip(TRANSPORTS) {
        streams.push(listen(address, name, "").await);
    }
    demo.terminate().await;
    for mut stream in streams {
        stream.read_to_end().await;
        assert!(stream.is_complete(), "{}", stream.raw);
        let body = stream.body();
        let last = body.trim_end().lines().next_back().unwrap_or_default();
        let retry: u64 = last
            .strip_prefix("retry: ")
            .and_then(|retry| retry.parse().ok())
            .unwrap_or_else(|| panic!("{body}"));
        assert!((1_000..=4_000).contains(&retry), "{retry}");
    }
    assert_eq!(demo.exit_code().await, Some(0));
}
