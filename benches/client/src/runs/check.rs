//! A check before each measurement that all clients read the same events.

use crate::clients::CLIENTS;
use crate::runs::counted;
use crate::server::{Http, Path, Server};
use sse_bench_process::Result;

use crate::event;

/// More than there are different events.
const COUNT: usize = event::COUNT * 2 + 1;

/// The number of idle streams.
const STREAMS: u64 = 3;

pub(super) fn check(server: Server) -> Result {
    for client in &CLIENTS {
        for http in Http::ALL.into_iter().filter(|http| client.speaks(*http)) {
            for (path, count) in [
                (Path::Burst, COUNT),
                (Path::Chunks, COUNT),
                (Path::Live, 50),
            ] {
                let what = || format!("{}, {}, {}", client.name, http.name(), path.name());
                let data = (client.collect)(server, http, path, count)
                    .map_err(|error| format!("{}: {error}", what()))?;
                if !data.into_iter().eq((0..count).map(event::data)) {
                    return Err(format!("{}: other events than were sent", what()).into());
                }
            }
            counted::run_once(client, server, http, Path::Idle, STREAMS)?;
        }
    }
    Ok(())
}
