//! The three servers over raw sockets.

use crate::process::{FREE_PORTS, Process, Response, TRANSPORTS, get, output};

#[tokio::test]
async fn hello_is_the_same_bytes_on_all_three() {
    let demo = Process::start().await;
    for address in &demo.addresses {
        let response = get(address, "/hello").await;
        assert_eq!(response.status(), "200");
        assert_eq!(
            response.body(),
            "data: hello\n\ndata: {\"foo\":\"bar\"}\n\nevent: greeting\ndata: hello\n\n"
        );
    }
}

#[tokio::test]
async fn ticks_continue_after_the_last_event_id() {
    let demo = Process::start().await;
    let mut fresh = Response::to(&demo.addresses[0], "/ticks", "").await;
    fresh.read_until("id: 3\n").await;
    assert!(fresh.body().contains("\n\n: keep-alive\n"));

    let mut missed = Vec::new();
    for address in &demo.addresses {
        let header = "Last-Event-ID: 0\r\n";
        let mut resumed = Response::to(address, "/ticks", header).await;
        resumed.read_until("id: 3\n").await;
        assert_eq!(resumed.ids()[..3], [1, 2, 3]);
        let body = resumed.body();
        let (ticks, _) = body.split_once("id: 3").expect("the third");
        let start = "retry: 2500\nevent: tick\ndata: {\"count\":1,\"time\":";
        assert!(ticks.starts_with(start), "{ticks}");
        missed.push(ticks.to_owned());
    }
    // All servers share one clock, so the missed ticks are the same.
    assert!(
        missed.windows(2).all(|pair| pair[0] == pair[1]),
        "{missed:?}"
    );
}

#[tokio::test]
async fn an_unusable_last_event_id_is_ignored() {
    let demo = Process::start().await;
    for address in &demo.addresses {
        for header in ["Last-Event-ID: x\r\n", "Last-Event-ID: 4000000000\r\n"] {
            let mut response = Response::to(address, "/ticks", header).await;
            response.read_until("data: ").await;
            assert!(response.ids()[0] < 4_000_000_000, "{}", response.raw);
        }
    }
}

#[tokio::test]
async fn a_dropped_stream_is_cut_short_and_not_completed() {
    let demo = Process::start().await;
    for address in &demo.addresses {
        let mut ticks = Response::to(address, "/ticks?page=a", "").await;
        ticks.read_until("data: ").await;
        assert_eq!(get(address, "/drop?page=b").await.status(), "404");
        assert_eq!(get(address, "/drop?page=a").await.status(), "204");
        ticks.read_to_end().await;
        assert!(ticks.is_chunked());
        assert!(!ticks.is_complete(), "{}", ticks.raw);
        assert_eq!(get(address, "/drop?page=a").await.status(), "404");
    }
}

#[tokio::test]
async fn the_page_and_the_servers_are_the_same_on_all_three() {
    let demo = Process::start().await;
    let mut pages = Vec::new();
    for address in &demo.addresses {
        let (page, servers) = (get(address, "/").await, get(address, "/servers").await);
        assert!(page.raw.contains("text/html"));
        for address in &demo.addresses {
            let port = address.rsplit(':').next().expect("a port");
            assert!(servers.body().contains(&format!("\"port\":{port}")));
        }
        pages.push([page.body().to_owned(), servers.body().to_owned()]);
        assert_eq!(get(address, "/nowhere").await.status(), "404");
    }
    assert!(pages.windows(2).all(|pair| pair[0] == pair[1]));
}

#[tokio::test]
async fn a_port_in_use_is_reported_with_the_flag_that_changes_it() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = taken.local_addr().expect("bound");
    for (transport, name) in TRANSPORTS
        .into_iter()
        .zip(["hyper", "actix-web", "raw TCP"])
    {
        // The last flag applies.
        let flag = format!("--{transport}={address}");
        let [hyper, actix, tcp] = FREE_PORTS;
        let output = output(&[hyper, actix, tcp, &flag]).await;
        assert_eq!(output.status.code(), Some(1));
        assert!(output.stdout.is_empty());
        let error = String::from_utf8(output.stderr).expect("text");
        assert!(
            error.starts_with(&format!("error: {name} cannot listen on {address}: ")),
            "{error}"
        );
        assert!(error.contains(&format!("--{transport} ")), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[tokio::test]
async fn a_signal_completes_open_streams() {
    let mut demo = Process::start().await;
    let mut streams = Vec::new();
    for address in &demo.addresses {
        let mut ticks = Response::to(address, "/ticks", "").await;
        ticks.read_until("data: ").await;
        streams.push(ticks);
    }
    demo.terminate().await;
    for mut ticks in streams {
        ticks.read_to_end().await;
        assert!(ticks.is_complete(), "{}", ticks.raw);
    }
    assert_eq!(demo.exit_code().await, Some(0));
}

#[tokio::test]
async fn help_is_printed_on_request() {
    let output = output(&["--help"]).await;
    assert!(output.status.success());
    let help = String::from_utf8(output.stdout).expect("text");
    for flag in ["--hyper ADDR", "--actix ADDR", "--tcp ADDR"] {
        assert!(help.contains(flag), "{help}");
    }
}
