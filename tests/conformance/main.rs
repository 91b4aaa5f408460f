//! One suite, three transports: each case is written once and runs against all of them.
