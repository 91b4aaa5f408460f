//! What to know about a server's users and the software between: proxies, development servers, clients,
//! compression, and those that mean harm. There is no code here but that of examples.

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

#[cfg(feature = "gzip")]
#[doc = include_str!("compression.md")]
pub mod compression {}

#[doc = include_str!("internet.md")]
#[doc = "\n# Networks\n\n```ignore"]
#[doc = include_str!("internet/network.rs")]
#[doc = "```\n\n# hyper and axum\n\nThe connections of both, in a module `connections` below that of the `Site`:\n\n```ignore"]
#[doc = include_str!("internet/connections.rs")]
#[doc = "```\n\nWhat they serve, with hyper alone:\n\n```ignore"]
#[doc = include_str!("internet/hyper.rs")]
#[doc = "```\n\nThe same with axum, and topics of a hub:\n\n```ignore"]
#[doc = include_str!("internet/axum.rs")]
#[doc = "```\n\n# Raw TCP\n\n```ignore"]
#[doc = include_str!("internet/tcp.rs")]
#[doc = "```\n\n# actix-web\n\n```ignore"]
#[doc = include_str!("internet/actix.rs")]
#[doc = "```"]
pub mod internet {}

#[doc = include_str!("rights.md")]
#[doc = "\n```"]
#[doc = include_str!("rights/revocation.rs")]
#[doc = "```\n"]
#[doc = "# How a browser is authenticated\n"]
#[doc = include_str!("rights/browsers.md")]
#[doc = "\n```"]
#[doc = include_str!("rights/tickets.rs")]
#[doc = "```\n"]
#[doc = "# Pages of other origins, with cookies (CORS)\n"]
#[doc = include_str!("rights/cors.md")]
#[doc = "\n```"]
#[doc = include_str!("rights/cors.rs")]
#[doc = "```\n"]
#[doc = "# A handler that publishes (CSRF)\n"]
#[doc = include_str!("rights/csrf.md")]
#[doc = "\n```"]
#[doc = include_str!("rights/csrf.rs")]
#[doc = "```\n"]
#[doc = "# A server on localhost (DNS rebinding)\n"]
#[doc = include_str!("rights/localhost.md")]
#[doc = "\n```"]
#[doc = include_str!("rights/localhost.rs")]
#[doc = "```\n"]
#[doc = "# Names of topics out of requests\n"]
#[doc = include_str!("rights/topics.md")]
#[doc = "\n```"]
#[doc = include_str!("rights/topics.rs")]
#[doc = "```"]
pub mod rights {}
