//! How do I read a reconnecting event stream with my reqwest client?
//!
//! ```text
//! cargo run -p sse-examples --example hyper &
//! cargo run -p sse-examples --example event_source_reqwest -- http://127.0.0.1:3000/
//! ```

use futures_util::TryStreamExt as _;
use sse_eventsource::{BuildError, EventSource, EventSourceBuilder};

fn over_reqwest(
    builder: EventSourceBuilder,
    client: reqwest::Client,
) -> Result<EventSource, BuildError> {
    builder.build_with_fn(move |request| {
        let client = client.clone();
        async move {
            let request = request.map(reqwest::Body::wrap);
            let response = client.execute(request.try_into()?).await?;
            Ok::<_, reqwest::Error>(http::Response::from(response))
        }
    })
}

fn client() -> reqwest::Result<reqwest::Client> {
    // The event source follows redirects itself, and drops credentials where it must.
    let no_redirects = reqwest::redirect::Policy::none();
    reqwest::Client::builder().redirect(no_redirects).build()
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args()
        .nth(1)
        .unwrap_or("http://127.0.0.1:3000/".into());
    let mut events = over_reqwest(EventSource::get(url), client()?)?;
    while let Some(event) = events.try_next().await? {
        println!("{}: {}", event.event(), event.data());
    }
    Ok(())
}

#[tokio::test]
async fn a_stream_is_resumed_over_reqwest() {
    use sse_tokio_tcp::{Event, Request, SendError, Sse};

    let handler = async |_: Request, sse: Sse| {
        let id = sse.last_event_id();
        let next = id.map_or(1, |id| id.parse::<u64>().expect("an id") + 1);
        let event = Event::new().id(next.to_string());
        sse.send(event.data(next.to_string())).await?;
        Ok::<_, SendError>(())
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    tokio::spawn(sse_tokio_tcp::serve(
        listener,
        sse_tokio_tcp::with_sse(handler),
    ));
    let at_once = sse_eventsource::Backoff::new()
        .reconnection_time(std::time::Duration::ZERO)
        .initial(std::time::Duration::ZERO);
    let builder = EventSource::get(url).backoff(at_once);
    let mut events = over_reqwest(builder, client().expect("a client")).expect("valid");
    for expected in 1..=3 {
        let event = events.try_next().await.expect("no error").expect("endless");
        assert_eq!(event.data(), expected.to_string());
    }
}
