//! What the servers serve to one client: the cases, and to a browser the page and the packages.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sse_hub::Hub;
use sse_session::Sse;

use crate::cases;
use crate::files;
use crate::mcp;
use crate::seen::Seen;
use crate::server::{Answer, Request};
use crate::shape::Shape;

/// The site for one client on one adapter:
///
/// | path | is answered with |
/// |---|---|
/// | `/plain/CASE` | the case |
/// | `/openai/CASE/...` | the case in the shape of OpenAI's chat completions, whatever the request |
/// | `/mcp/CASE` | as the Model Context Protocol wants it, with the case for a call of a tool |
/// | others | a file for the browser |
#[derive(Default)]
pub(crate) struct Site {
    hub: Hub,
    /// For each case, what was asked for: a last event ID, `-` for none, or 204 where that was the
    /// answer; with `gzip` in the case that is compressed, if the client accepts it.
    asked: Mutex<BTreeMap<String, Vec<String>>>,
    /// For each case, what the client's user has seen so far.
    seen: Mutex<BTreeMap<String, Seen>>,
}

impl Site {
    pub(crate) fn answer(self: &Arc<Self>, request: &Request) -> Answer {
        let mut segments = request.path.split('/').skip(1);
        let (shape, case) = (segments.next(), segments.next().unwrap_or_default());
        match shape {
            Some("plain") => self.answer_case(request, case, Shape::Plain),
            Some("openai") => self.answer_case(request, case, Shape::OpenAi),
            Some("mcp") => match mcp::called(request) {
                Some(id) => self.answer_case(request, case, Shape::Mcp(id)),
                None => mcp::answer(request),
            },
            _ => files::answer(&request.path),
        }
    }

    /// Returns what was asked for in a case, request by request.
    pub(crate) fn asked(&self, case: &str) -> String {
        let asked = self.locked().get(case).cloned();
        asked.unwrap_or_default().join(", ")
    }

    /// Returns what the client's user has seen in a case.
    pub(crate) fn seen(&self, case: &str) -> Seen {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.entry(case.to_owned()).or_default().clone()
    }

    fn answer_case(self: &Arc<Self>, request: &Request, case: &str, shape: Shape) -> Answer {
        let visit = self.locked().get(case).map_or(0, Vec::len) + 1;
        let record = {
            let (site, case) = (Arc::clone(self), case.to_owned());
            move |asked| site.locked().entry(case).or_default().push(asked)
        };
        match cases::answer(case, visit, shape, &self.hub, self.seen(case)) {
            Answer::Stream(options, handler) => {
                let coding = match case {
                    "compressed" if request.accepts_gzip => " gzip",
                    _ => "",
                };
                Answer::Stream(
                    options,
                    Box::new(move |sse: Sse| {
                        let id = sse.last_event_id().unwrap_or("-");
                        record(format!("{id}{coding}"));
                        handler(sse)
                    }),
                )
            }
            Answer::NoContent => {
                record("204".to_owned());
                Answer::NoContent
            }
            other @ Answer::Plain(_) => other,
        }
    }

    fn locked(&self) -> MutexGuard<'_, BTreeMap<String, Vec<String>>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
