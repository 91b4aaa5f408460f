//! What the examples need besides their own code: the code in the READMEs, which is compiled as
//! documentation tests, and a stand-in for the API of a language model.

mod readme;
pub mod stand_in;
