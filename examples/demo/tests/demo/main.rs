//! The demo as a whole: the real process, over real sockets, and its page in a real browser.

mod browser;
mod chat;
mod chat_browser;
mod nodes_browser;
mod process;
mod servers;
mod tab;
