//! What the examples need besides their own code: the code in the READMEs, which is compiled as
//! documentation tests, a stand-in for the API of a language model, and the MCP server that clients test, too.

pub mod mcp_server;
mod mcp_sessions;
mod mcp_tools;
mod readme;
pub mod stand_in;
