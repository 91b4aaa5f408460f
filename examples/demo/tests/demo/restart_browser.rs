//! The pages behind nginx while their server restarts: nginx answers 502 meanwhile, which ends the
//! browser's `EventSource` for good.

use serde_json::json;
use sse_browser::Browser;
use sse_engines::{Server, redis};
use sse_proxies::Nginx;

use crate::browser::{appears, run};
use crate::process::Process;
use crate::speaker::Speaker;
use crate::tab::Tab;

async fn browser() -> Browser {
    let browser = Browser::start().await;
    browser.unwrap_or_else(|error| panic!("{error}"))
}

#[tokio::test]
async fn the_page_of_the_ticks_comes_back_after_a_502() {
    if sse_browser::skipped() || sse_proxies::skipped() {
        return;
    }
    let demo = Process::start().await;
    let hyper = &demo.addresses[0];
    let (_, port) = hyper.split_once(':').expect("a port");
    // To the page, nginx is the server on hyper. The others are reached without it.
    let nginx = Nginx::start(&format!(
        "location / {{
            proxy_pass http://{hyper};
            proxy_http_version 1.1;
            sub_filter '\"port\":{port}' '\"port\":$server_port';
            sub_filter_types application/json;
        }}"
    ));
    let nginx = nginx.expect("an nginx");
    let browser = browser().await;
    let page = format!("http://{}/", nginx.address());
    browser.client().goto(&page).await.expect("the page");
    let becomes = async |transport: &str, attributes: &str| {
        let column = format!("[data-transport={transport}]{attributes}");
        appears(&browser, &column).await;
    };
    for transport in ["hyper", "tcp"] {
        becomes(transport, "[data-state=open][data-arrivals=live]").await;
    }

    let mut demo = demo;
    demo.kill().await;
    becomes("tcp", "[data-state=reconnecting]").await;
    becomes("hyper", "[data-state=refused]").await;
    let state = "return document.querySelector('[data-transport=hyper] .state').textContent";
    assert_eq!(run(&browser, state).await, "no stream, trying again");

    let _demo = demo.restart().await;
    for transport in ["hyper", "tcp"] {
        let back = "[data-state=open][data-reconnects='1'][data-arrivals=live]";
        becomes(transport, back).await;
        let lost = format!("return demo.{transport}.lostTicks");
        assert_eq!(run(&browser, &lost).await, 0);
    }
    browser.close().await.expect("the browser ends");
}

#[tokio::test]
async fn the_chat_comes_back_after_a_502_and_has_lost_nothing() {
    if sse_browser::skipped() || sse_proxies::skipped() {
        return;
    }
    let redis = Server::start(redis::in_memory).await;
    let engine = format!("--redis={}", redis::url(redis.port()));
    let mut node = Process::start_on(&engine).await;
    let other = Process::start_on(&engine).await;
    let nginx = Nginx::balance(&[node.addresses[0].clone()]).expect("an nginx");
    let browser = browser().await;
    let ada = Tab::first(&browser).await;
    ada.open(&nginx.address().to_string(), "Ada").await;
    let mut speaker = Speaker::default();
    let said = say_three(&mut speaker, &other).await;
    ada.becomes(&format!("[data-count='{said}']")).await;

    // A new EventSource, with the last event ID in its URL.
    node.kill().await;
    ada.becomes("[data-state=refused]").await;
    shows_state(&ada, "502 Bad Gateway, trying again").await;
    let said = say_three(&mut speaker, &other).await;
    let _node = node.restart().await;
    ada.becomes(&format!(
        "[data-state=open][data-resumes='1'][data-count='{said}']"
    ))
    .await;
    // Only those that it had missed.
    assert_eq!(ada.run("return chat.resumes[0].replayed").await, 3);

    // A reconnection of that EventSource: the header is newer than its URL.
    ada.press_drop().await;
    ada.becomes("[data-state=reconnecting]").await;
    let said = say_three(&mut speaker, &other).await;
    ada.becomes(&format!(
        "[data-state=open][data-resumes='2'][data-count='{said}']"
    ))
    .await;

    let expected: Vec<_> = (1..=speaker.said)
        .map(|text| format!("message {text}"))
        .collect();
    assert_eq!(ada.texts().await, expected);
    let faults = "return [chat.lost, chat.doubled, chat.gaps.length]";
    assert_eq!(ada.run(faults).await, json!([0, 0, 0]));
    browser.close().await.expect("the browser ends");
}

#[tokio::test]
async fn the_chat_says_that_a_room_was_rejected_and_asks_no_more() {
    if sse_browser::skipped() {
        return;
    }
    let demo = Process::start().await;
    let browser = browser().await;
    let ada = Tab::first(&browser).await;
    ada.open(&demo.addresses[0], "Ada").await;
    for transport in ["hyper", "actix", "tcp"] {
        let connect = format!("chat.via = '{transport}'; chat.name = '\\x07'; chat.connect()");
        ada.run(&connect).await;
        ada.becomes(&format!(
            "[data-transport={transport}][data-state=rejected]"
        ))
        .await;
        shows_state(&ada, "400 Bad Request: check room and name").await;
    }
    browser.close().await.expect("the browser ends");
}

/// Sends three messages and returns how many were sent in all.
async fn say_three(speaker: &mut Speaker, node: &Process) -> u64 {
    for _ in 0..3 {
        speaker.say(&node.addresses[2]).await;
    }
    speaker.said
}

/// Waits until the page shows this state.
async fn shows_state(tab: &Tab<'_>, text: &str) {
    let script = format!(
        "const done = arguments[0], state = document.querySelector('.state'),
            look = () => state.textContent === {} ? done() : requestAnimationFrame(look);
        look()",
        json!(text)
    );
    tab.run_async(&script).await;
}
