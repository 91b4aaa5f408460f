//! The allocator of the servers.

use std::{fs, io};

/// An allocator. Memory that a program has freed may stay with it, so two of them tell what is the
/// program's from what is the allocator's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Allocator {
    /// That of the C library.
    #[default]
    System,
    /// jemalloc, which returns to the system at once what is freed. It is Debian's library, which comes
    /// with Redis, in the place of the C library's functions.
    Jemalloc,
}

/// The library as the dynamic linker finds it.
const JEMALLOC: &str = "libjemalloc.so.2";

impl Allocator {
    /// Returns its name in the documentation.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::System => "glibc",
            Self::Jemalloc => "jemalloc",
        }
    }

    /// Returns the variables with which a process has it.
    pub(crate) fn variables(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::System => &[],
            Self::Jemalloc => &[
                ("LD_PRELOAD", JEMALLOC),
                ("MALLOC_CONF", "dirty_decay_ms:0,muzzy_decay_ms:0"),
            ],
        }
    }

    /// Fails if a process does not have it: the dynamic linker goes on without a library that is not
    /// there.
    pub(crate) fn check(self, process: u32) -> io::Result<()> {
        let maps = fs::read_to_string(format!("/proc/{process}/maps"))?;
        if maps.contains(JEMALLOC) == (self == Self::Jemalloc) {
            Ok(())
        } else {
            Err(io::Error::other(format!(
                "a process does not have {}",
                self.title()
            )))
        }
    }
}
