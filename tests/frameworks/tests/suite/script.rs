//! The handler of all routes, which does what a test asks for.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use sse_hyper::{BoxError, Event, RequestHead, Sse};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

/// The request's header that names its script.
pub(crate) const SCRIPT: &str = "x-script";

/// What the handler sends at once, on the wire.
pub(crate) const OPENING: &str = "event: greeting\ndata: grüße\ndata: 漢字\nid: 1\n\n";

/// What the handler does next. It returns when the sender is gone, and `closed` of the sender
/// completes when the handler is dropped.
#[derive(Debug)]
pub(crate) enum Step {
    Send(&'static str),
    Fail,
}

/// The scripts whose handlers were not called yet.
static SCRIPTS: Mutex<Option<HashMap<String, UnboundedReceiver<Step>>>> = Mutex::new(None);

fn with_scripts<T>(run: impl FnOnce(&mut HashMap<String, UnboundedReceiver<Step>>) -> T) -> T {
    let mut scripts = SCRIPTS.lock().unwrap_or_else(PoisonError::into_inner);
    run(scripts.get_or_insert_default())
}

/// Prepares the handler of the request that names the script `name`.
pub(crate) fn prepare(name: &str) -> UnboundedSender<Step> {
    let (sender, receiver) = mpsc::unbounded_channel();
    let earlier = with_scripts(|scripts| scripts.insert(name.to_owned(), receiver));
    assert!(earlier.is_none(), "the script {name} is taken");
    sender
}

/// The handler of the application.
pub(crate) fn events<R: RequestHead>(
    request: R,
    sse: Sse,
) -> impl Future<Output = Result<(), BoxError>> + Send + 'static {
    let name = request.headers().get(SCRIPT);
    let name = name.and_then(|name| name.to_str().ok());
    let steps = with_scripts(|scripts| scripts.remove(name?));
    async move {
        let mut steps = steps.ok_or("there is no such script")?;
        let opening = Event::new().event("greeting").id("1");
        sse.send(opening.data("grüße\n漢字")).await?;
        while let Some(step) = steps.recv().await {
            match step {
                Step::Send(data) => sse.send(data).await?,
                Step::Fail => return Err("the database is gone".into()),
            }
        }
        Ok(())
    }
}
