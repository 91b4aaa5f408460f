//! The cycles that are meant.
//!
//! The rule has no exception for a `mod.rs` and its children. A `mod.rs` that declares modules and
//! re-exports their items depends on none of them, so such a folder has no cycle. A cycle appears
//! only where a `mod.rs` has code of its own that uses a child which uses that code: then neither
//! can be read without the other, and what both need belongs into a third file.

/// Files that may use each other.
#[derive(Debug)]
pub(super) struct Allowed {
    pub(super) package: &'static str,
    /// Below the folder of the crate's root.
    pub(super) files: &'static [&'static str],
    #[expect(dead_code, reason = "for the reader")]
    pub(super) reason: &'static str,
}

pub(super) const ALLOWED: &[Allowed] = &[
    Allowed {
        package: "sse-hub",
        files: &["builder.rs", "hub.rs"],
        reason: "`Hub::builder()` returns the builder, and `HubBuilder::build()` returns the hub",
    },
    Allowed {
        package: "sse-eventsource",
        files: &["builder.rs", "event_source.rs"],
        reason: "`EventSource::builder()` returns the builder, and the builder makes the source",
    },
];
