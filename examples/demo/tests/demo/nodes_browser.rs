//! The chat on an engine: several processes behind nginx, and a page that moves between them.

use serde_json::json;
use sse_browser::Browser;
use sse_engines::{Server, nats, redis};
use sse_proxies::Nginx;

use crate::browser::take_screenshots;
use crate::process::Process;
use crate::speaker::Speaker;
use crate::tab::Tab;

/// The transport of the node at each index, by which the page knows its node.
const VIA: [&str; 2] = ["hyper", "actix"];

#[tokio::test]
async fn a_page_moves_to_another_node_without_a_gap_when_its_own_is_killed_on_redis() {
    if sse_browser::skipped() || sse_proxies::skipped() {
        return;
    }
    let redis = Server::start(redis::in_memory).await;
    let engine = format!("--redis={}", redis::url(redis.port()));
    a_page_moves_to_another_node(&engine, "nodes-redis-").await;
}

#[tokio::test]
async fn a_page_moves_to_another_node_without_a_gap_when_its_own_is_killed_on_nats() {
    if sse_browser::skipped() || sse_proxies::skipped() {
        return;
    }
    let nats = Server::start(nats::durable).await;
    let engine = format!("--nats={}", nats::url(nats.port()));
    a_page_moves_to_another_node(&engine, "nodes-nats-").await;
}

async fn a_page_moves_to_another_node(engine: &str, screenshots: &str) {
    let mut nodes = [
        Process::start_on(engine).await,
        Process::start_on(engine).await,
    ];
    let reached = [0, 1].map(|index| nodes[index].addresses[index].clone());
    let nginx = Nginx::balance(&reached).expect("an nginx");
    let browser = Browser::start().await;
    let browser = browser.unwrap_or_else(|error| panic!("{error}"));
    let ada = Tab::first(&browser).await;
    ada.open(&nginx.address().to_string(), "Ada").await;
    let mut speaker = Speaker::default();
    let mut said = 0;

    // To the other node and back, after the first one has lost its memory.
    for moves in 1..=2 {
        let own = ada.run("return chat.present.find(({ name }) => name === 'Ada').via");
        let own = own.await;
        let own = VIA.iter().position(|via| own == *via).expect("a node");
        let other = nodes[1 - own].addresses[2].clone();
        // Sent to the other node, and received here.
        for _ in 0..3 {
            speaker.say(&other).await;
        }
        said += 3;
        ada.becomes(&format!("[data-state=open][data-count='{said}']"))
            .await;

        nodes[own].kill().await;
        ada.becomes("[data-state=reconnecting]").await;
        for _ in 0..3 {
            speaker.say(&other).await;
        }
        said += 3;
        ada.becomes(&format!(
            "[data-state=open][data-resumes='{moves}'][data-count='{said}']"
        ))
        .await;
        ada.is_present("Ada").await;
        let now = ada.run("return chat.present.find(({ name }) => name === 'Ada').via");
        assert_eq!(now.await, VIA[1 - own]);
        // The page can send there.
        ada.say(&format!("After move {moves}")).await;
        said += 1;
        ada.becomes(&format!("[data-count='{said}']")).await;

        let [first, second] = nodes;
        nodes = if own == 0 {
            [first.restart().await, second]
        } else {
            [first, second.restart().await]
        };
    }

    let expected: Vec<_> = (1..=2)
        .flat_map(|moves| {
            let numbers = (moves - 1) * 6 + 1..=moves * 6;
            numbers
                .map(|number| format!("message {number}"))
                .chain([format!("After move {moves}")])
        })
        .collect();
    assert_eq!(ada.texts().await, expected);
    assert_eq!(
        ada.run("return [chat.lost, chat.doubled, chat.gaps.length]")
            .await,
        json!([0, 0, 0])
    );

    // A new client receives the same on each node.
    let grace = Tab::another(&browser).await;
    grace.open(&nodes[0].addresses[0], "Grace").await;
    grace.becomes(&format!("[data-count='{said}']")).await;
    assert_eq!(grace.texts().await, expected);
    ada.show().await;
    take_screenshots(&browser, screenshots).await;
    browser.close().await.expect("the browser ends");
}
