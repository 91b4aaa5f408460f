//! What to know about the software between a server and its users: proxies, development servers and
//! clients. There is no code here.

#[doc = include_str!("proxies.md")]
pub mod proxies {}

#[doc = include_str!("development.md")]
pub mod development {}

#[doc = include_str!("clients.md")]
pub mod clients {}

#[doc = include_str!("pages.md")]
#[doc = "```javascript"]
#[doc = include_str!("stay_connected.js")]
#[doc = "```"]
pub mod pages {}
