//! The demo as a process, over real sockets, and its pages in a real browser.

mod browser;
mod chat;
mod chat_browser;
mod nodes_browser;
mod process;
mod restart_browser;
mod servers;
mod speaker;
mod tab;
