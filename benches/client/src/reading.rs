//! What a client does in a run, on a runtime of this thread.

use std::pin::{Pin, pin};
use std::time::Duration;

use futures_util::{Stream, StreamExt as _};
use sse_bench_process::Result;
use sse_bench_report::thread_time;
use tokio::runtime;

use crate::client::Client;
use crate::server::{Http, Path, Server};

/// Reads `count` events. Returns the CPU time of this thread after the first one.
pub(crate) fn read<C: Client>(
    server: Server,
    http: Http,
    path: Path,
    count: usize,
) -> Result<Duration> {
    let mut begun = None;
    let mut len = 0;
    block_on(each::<C>(server, http, path, count, |data| {
        begun.get_or_insert_with(thread_time);
        len += data.len();
    }))?;
    let used = thread_time().saturating_sub(begun.unwrap_or_default());
    std::hint::black_box(len);
    Ok(used)
}

/// Reads `count` events.
pub(crate) fn drain<C: Client>(server: Server, http: Http, path: Path, count: usize) -> Result {
    let mut len = 0;
    block_on(each::<C>(server, http, path, count, |data| {
        len += data.len();
    }))?;
    std::hint::black_box(len);
    Ok(())
}

/// Reads `count` events. Returns their data.
pub(crate) fn collect<C: Client>(
    server: Server,
    http: Http,
    path: Path,
    count: usize,
) -> Result<Vec<String>> {
    let mut all = Vec::new();
    block_on(each::<C>(server, http, path, count, |data| {
        all.push(data.to_owned());
    }))?;
    Ok(all)
}

/// Opens `count` idle streams, and ends the process while they are open: what is then allocated is
/// what they hold.
pub(crate) fn hold<C: Client>(server: Server, http: Http, count: usize) -> Result {
    block_on(async {
        let client = C::new(http)?;
        let url = server.url(Path::Idle);
        let mut open = Vec::with_capacity(count);
        for _ in 0..count {
            let mut stream = Box::pin(client.open(&url).await?);
            next::<C>(&mut stream.as_mut()).await?;
            open.push(stream);
        }
        std::process::exit(0)
    })
}

/// All is spawned on this thread, so that its CPU time is all that the client takes.
fn block_on<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(future)
}

async fn each<C: Client>(
    server: Server,
    http: Http,
    path: Path,
    count: usize,
    mut take: impl FnMut(&str),
) -> Result {
    let ticker = (path == Path::Live).then(|| server.ticker()).transpose()?;
    let client = C::new(http)?;
    let url = server.url(path);
    let mut stream = pin!(client.open(&url).await?);
    for left in (0..count).rev() {
        let event = next::<C>(&mut stream).await?;
        take(C::data(&event).unwrap_or_default());
        if left > 0
            && let Some(ticker) = &ticker
        {
            ticker.send(&[])?;
        }
    }
    Ok(())
}

/// Returns the next item that is an event.
async fn next<C: Client>(
    stream: &mut Pin<&mut impl Stream<Item = Result<C::Event, C::Error>>>,
) -> Result<C::Event> {
    loop {
        let item = stream.next().await.ok_or("the stream has ended")?;
        let event = item.map_err(Into::into)?;
        if C::data(&event).is_some() {
            return Ok(event);
        }
    }
}
