//! A check before each run that all servers deliver the same events, byte by byte.

use std::io;

use memchr::memmem;

use crate::client::{self, Client};
use crate::field::Field;
use crate::process::Process;
use crate::workload::{Burst, EARLY_COMMENTS, GREETING, Workload, on_the_wire};

/// Not of none: for empty data, axum sends an event without data, which is not dispatched.
const SIZES: [usize; 4] = [1, 16, 200, 4096];
const COUNT: u64 = 1000;

pub(crate) fn check(field: &mut Field) -> crate::Result {
    for server in field.servers().to_vec() {
        let mut process = field.start_one(server)?;
        check_server(field.client(), &mut process)
            .map_err(|error| format!("{}: {error}", server.name()))?;
    }
    Ok(())
}

fn check_server(client: &mut Client, process: &mut Process) -> io::Result<()> {
    for size in SIZES {
        for connections in [1, 3] {
            let workload = Workload::Burst { size, count: COUNT };
            let mut streams = client.open_all(process, workload, usize::MAX, connections)?;
            process.tick()?;
            client.read_bursts(&mut streams, size, COUNT)?;
            let expected: String = Burst::new(size, COUNT).map(on_the_wire).collect();
            for stream in streams {
                same(expected.as_bytes(), &stream.response().body().tail)?;
            }
        }
    }
    let expected = on_the_wire(GREETING);
    for (workload, ends) in [(Workload::One, false), (Workload::Brief, true)] {
        let mut stream = client.open(process, workload, usize::MAX)?;
        client.read_until(&mut stream, GREETING, |response| {
            let received = &response.body().tail;
            memmem::find(received, expected.as_bytes()).is_some() && response.has_ended() == ends
        })?;
        same(expected.as_bytes(), &stream.response().body().tail)?;
    }
    let keep = client::live_tail_len();
    let mut live = [client.open(process, Workload::Live, keep)?];
    for _ in 0..3 {
        let tick = process.tick()?;
        client.read_tick(&mut live, tick)?;
    }
    Ok(())
}

fn same(expected: &[u8], received: &[u8]) -> io::Result<()> {
    let without = EARLY_COMMENTS.iter().find_map(|comment| {
        let start = memmem::find(received, comment.as_bytes())?;
        let end = start + comment.len();
        Some([&received[..start], &received[end..]].concat())
    });
    let received = without.as_deref().unwrap_or(received);
    if expected == received {
        return Ok(());
    }
    let pairs = expected.iter().zip(received);
    let position = pairs.take_while(|(one, other)| one == other).count();
    let around = |bytes: &[u8]| {
        let part = &bytes[position.min(bytes.len())..(position + 40).min(bytes.len())];
        part.escape_ascii().to_string()
    };
    Err(io::Error::other(format!(
        "at {position}: {} instead of {}",
        around(received),
        around(expected)
    )))
}
