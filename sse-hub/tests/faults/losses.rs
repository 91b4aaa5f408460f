//! Engines that forget what they have answered as stored: none of it may be missing in silence.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use sse_engines::{Files, Server};

use crate::cases::{Engine, Keeps};
use crate::check::Tally;
use crate::hubs::Nodes;
use crate::load::{Crowd, Kind, Load};

/// Asserts that all that is missing was announced, and that there was such. What the engine has kept, all
/// have got that were there, or whose position it has kept.
pub(crate) fn assert_announced(tally: Tally) {
    assert_eq!((tally.lost, tally.doubled), (0, 0), "{tally:?}");
    assert_eq!((tally.kept, tally.ids), (0, 0), "{tally:?}");
    assert!(tally.checked > 1_000, "{tally:?}");
    assert!(tally.forgotten > 100, "something is lost: {tally:?}");
    assert!(tally.skipped > 0 && tally.gaps > 0, "{tally:?}");
}

/// Lets the tail of the topics be written that is to be lost. Some subscribers leave before it, and some
/// within it.
pub(crate) async fn write_tail(load: &Load) {
    load.flows().await;
    load.leave(Kind::LeavesLate).await;
    load.flows().await;
}

/// Which nodes end together with the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ends {
    None,
    /// All but one, which has no subscribers.
    AllButOne,
    All,
}

impl Ends {
    fn range(self, nodes: &Nodes) -> std::ops::Range<usize> {
        match self {
            Self::None => 0..0,
            Self::AllButOne => 0..nodes.places.len() - 1,
            Self::All => 0..nodes.places.len(),
        }
    }
}

/// Kills a server, which then has only what it had when `save` was called.
pub(crate) async fn lose_tail<E: Engine>(
    command: fn(u16, &Path) -> Command,
    save: impl AsyncFn(&Server) -> Option<Files>,
    ends: Ends,
    fault: &str,
) -> Tally {
    let mut server = Server::start(command).await;
    let port = server.port();
    let mut nodes = Nodes::start::<E>(port, Keeps::PLENTY).await;
    let load = nodes.load(Crowd::All).await;
    load.leave(Kind::LeavesEarly).await;
    let files = save(&server).await;
    write_tail(&load).await;

    server.kill();
    for number in ends.range(&nodes) {
        nodes.end(number);
    }
    if let Some(files) = &files {
        server.put_back(files);
    }
    server.restart().await;
    for number in ends.range(&nodes) {
        nodes.restart::<E>(number, port, Keeps::PLENTY).await;
    }
    load.flows().await;
    // No node knows what was lost if all are new: then nothing comes that is waited for.
    let time = Duration::from_secs(if ends == Ends::All { 1 } else { 20 });
    load.finish_within::<E>(time, port, fault).await
}

/// Copies the server's files as they are at a moment.
pub(crate) async fn copy_files(server: &Server) -> Option<Files> {
    server.freeze();
    let files = server.copy_files();
    server.thaw();
    Some(files)
}

pub(crate) async fn a_store_that_is_set_back_is_announced<E: Engine>(_: &str) {
    let tally = lose_tail::<E>(E::unsafe_command, copy_files, Ends::None, "store set back");
    assert_announced(tally.await);
}

pub(crate) async fn a_store_that_is_set_back_is_announced_if_any_node_lives<E: Engine>(_: &str) {
    let fault = "store set back, all nodes with subscribers restarted";
    let tally = lose_tail::<E>(E::unsafe_command, copy_files, Ends::AllButOne, fault).await;
    // The subscribers of a node that is gone may have come with a lost position.
    assert_announced(Tally { kept: 0, ..tally });
}

pub(crate) async fn a_store_that_is_set_back_gives_no_id_again_if_no_node_lives<E: Engine>(
    _: &str,
) {
    let fault = "store set back, all nodes restarted";
    let tally = lose_tail::<E>(E::unsafe_command, copy_files, Ends::All, fault).await;
    // Those who come with a lost position get a gap; nothing knows of the loss that the others missed.
    assert_eq!((tally.doubled, tally.ids), (0, 0), "{tally:?}");
    assert!(tally.forgotten > 100 && tally.gaps > 0, "{tally:?}");
}
