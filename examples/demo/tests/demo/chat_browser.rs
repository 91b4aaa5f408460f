//! The page of the chat in headless Chromium: two tabs on different transports in one room.

use serde_json::json;
use sse_browser::Browser;

use crate::browser::{appears, take_screenshots};
use crate::process::{Process, post};
use crate::tab::Tab;

/// Markup, line breaks, other scripts and directions, characters beyond the BMP.
const HOSTILE: &str = "<script>chat.name = \"stolen\"</script><img src=x onerror=alert(1)>\n\
    data: &amp; \"quoted\"\n\nשלום, こんにちは \u{202e}👩\u{200d}🚀";

async fn browser() -> Browser {
    let browser = Browser::start().await;
    browser.unwrap_or_else(|error| panic!("{error}"))
}

#[tokio::test]
async fn two_tabs_chat_across_transports_and_a_dropped_one_misses_nothing() {
    if sse_browser::skipped() {
        return;
    }
    let demo = Process::start().await;
    let browser = browser().await;
    let ada = Tab::first(&browser).await;
    let grace = Tab::another(&browser).await;
    ada.open(&demo.addresses[0], "Ada").await;
    grace.open(&demo.addresses[2], "Grace").await;

    // Each page starts on the transport that it was loaded from, and both show both members.
    let both = json!(["Ada hyper", "Grace tcp"]);
    for tab in [&ada, &grace] {
        tab.becomes("[data-present='2']").await;
        let present = "return chat.present.map(({ name, via }) => `${name} ${via}`).sort()";
        assert_eq!(tab.run(present).await, both);
    }

    ada.say("Over hyper").await;
    grace.becomes("[data-count='1']").await;
    grace.say("and over TCP").await;
    ada.becomes("[data-count='2']").await;

    // The other page sends messages until the dropped page has reconnected. This is repeated if the
    // test was too slow to send one within the 2.5 seconds before that.
    let mut said = 2;
    let mut drops = 0;
    let missed = "return chat.resumes.at(-1)?.replayed > 0";
    while drops < 5 && ada.run(missed).await != true {
        ada.press_drop().await;
        drops += 1;
        ada.becomes("[data-state=reconnecting]").await;
        while ada.run("return chat.resumes.length").await != drops {
            said += 1;
            grace.say(&format!("message {said}")).await;
            grace.becomes(&format!("[data-count='{said}']")).await;
        }
        ada.becomes(&format!("[data-count='{said}']")).await;
    }
    assert_eq!(ada.run(missed).await, true);
    said += 1;
    grace.say(&format!("message {said}")).await;

    let mut expected = vec!["Over hyper".to_owned(), "and over TCP".to_owned()];
    expected.extend((3..=said).map(|number| format!("message {number}")));
    for tab in [&ada, &grace] {
        tab.becomes(&format!("[data-count='{said}']")).await;
        assert_eq!(tab.texts().await, expected);
        assert_eq!(
            tab.run("return [chat.lost, chat.doubled]").await,
            json!([0, 0])
        );
    }
    assert_eq!(grace.run("return chat.resumes.length").await, 0);
    assert_eq!(ada.run("return chat.gaps.length").await, 0);

    // Another transport in the same room, which has the same history.
    ada.run("document.querySelector('[name=via][value=actix]').click()")
        .await;
    ada.becomes("[data-transport=actix][data-state=open][data-history=shown]")
        .await;
    assert_eq!(ada.texts().await, expected);
    ada.say("Now over actix-web").await;
    grace.becomes(&format!("[data-count='{}']", said + 1)).await;
    let last = "return chat.messages.at(-1).via";
    assert_eq!(grace.run(last).await, "actix");

    show_a_resumed_room(&demo, &ada, &grace).await;
    take_screenshots(&browser, "chat-").await;
    browser.close().await.expect("the browser ends");
}

/// Shows another room for the screenshots: a conversation with a dropped connection.
async fn show_a_resumed_room(demo: &Process, ada: &Tab<'_>, grace: &Tab<'_>) {
    let change_room = "const field = document.querySelector('[name=room]');
        field.value = 'lobby';
        field.dispatchEvent(new Event('change'))";
    for tab in [grace, ada] {
        tab.run(change_room).await;
        tab.becomes("[data-state=open][data-history=shown]").await;
    }
    ada.becomes("[data-present='2']").await;
    let [hyper, actix, tcp] = &demo.addresses;
    say_as(hyper, "Linus", "Three+servers,+one+hub.").await;
    say_as(
        actix,
        "Barbara",
        "The+id+of+a+message+is+its+place+in+the+log.",
    )
    .await;
    ada.becomes("[data-count='2']").await;
    ada.say("So I can leave at any point?").await;
    ada.becomes("[data-count='3']").await;
    ada.press_drop().await;
    ada.becomes("[data-state=reconnecting]").await;
    say_as(tcp, "Edsger", "At+any+point.").await;
    say_as(
        hyper,
        "Linus",
        "Nothing+is+lost,%0Aand+nothing+comes+twice.",
    )
    .await;
    ada.becomes("[data-resumes='1'][data-state=open][data-count='5']")
        .await;
    grace.say("Welcome back, Ada!").await;
    ada.becomes("[data-count='6']").await;
}

async fn say_as(address: &str, name: &str, text: &str) {
    let target = format!("/chat/say?room=lobby&name={name}");
    let form = format!("topic=chat/lobby&data={text}");
    assert_eq!(post(address, &target, &form).await.status(), "204");
}

#[tokio::test]
async fn messages_are_shown_as_text_and_never_as_markup() {
    if sse_browser::skipped() {
        return;
    }
    let demo = Process::start().await;
    let browser = browser().await;
    let writer = Tab::first(&browser).await;
    writer.open(&demo.addresses[1], "<b>Mallory</b>").await;
    // Line breaks cannot be typed, as Enter sends the message.
    let send = format!("chat.send({})", json!(HOSTILE));
    writer.run(&send).await;
    writer.becomes("[data-count='1']").await;
    let reader = Tab::another(&browser).await;
    reader.open(&demo.addresses[0], "Reader").await;
    reader.becomes("[data-count='1']").await;
    for tab in [&writer, &reader] {
        assert_eq!(tab.texts().await, [HOSTILE]);
        let authors = "return [...document.querySelectorAll('.message b')].map(b => b.textContent)";
        assert_eq!(tab.run(authors).await, json!(["<b>Mallory</b>"]));
        let injected = "return document.querySelectorAll('main script, main img, main b b').length";
        assert_eq!(tab.run(injected).await, 0);
        assert_eq!(tab.vias().await, json!(["<b>Mallory</b> actix"]));
    }
    assert_eq!(reader.run("return chat.name").await, "Reader");

    // A rejected message fails with the reason of the server.
    let rejected = "const done = arguments[0];
        chat.send('x'.repeat(501)).catch(error => done(error.message))";
    let reason = browser.client().execute_async(rejected, vec![]).await;
    assert_eq!(
        reason.expect("a reason"),
        "text is longer than 500 characters"
    );
    browser.close().await.expect("the browser ends");
}

#[tokio::test]
async fn a_page_shows_a_gap_and_reloads_the_room_after_a_restart_of_the_server() {
    if sse_browser::skipped() {
        return;
    }
    let demo = Process::start().await;
    let browser = browser().await;
    let ada = Tab::first(&browser).await;
    ada.open(&demo.addresses[0], "Ada").await;
    ada.say("before the crash").await;
    ada.becomes("[data-count='1']").await;

    let demo = demo.restart().await;
    let said = post(
        &demo.addresses[2],
        "/chat/say?room=test&name=Grace",
        "topic=chat/test&data=after+it",
    );
    assert_eq!(said.await.status(), "204");
    ada.becomes("[data-gaps='1'][data-count='1']").await;
    assert_eq!(ada.texts().await, ["after it"]);
    assert_eq!(ada.run("return chat.gaps").await, json!(["unknown"]));
    appears(&browser, ".log .gap").await;

    // The page continues from there.
    ada.say("still here").await;
    ada.becomes("[data-count='2']").await;
    assert_eq!(
        ada.run("return [chat.lost, chat.doubled]").await,
        json!([0, 0])
    );
    take_screenshots(&browser, "chat-gap-").await;
    browser.close().await.expect("the browser ends");
}
