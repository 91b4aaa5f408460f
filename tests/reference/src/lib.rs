//! The codec's counterparts in its tests, fuzz targets included: a decoder that follows the
//! standard word by word, a receiver that accepts only what the encoder may write, and what both
//! sides of a test need.

mod decode;
mod interpret;
mod receive;
mod sent;

pub use crate::decode::{decode, decode_one_by_one, received};
pub use crate::interpret::{Item, interpret};
pub use crate::receive::{Received, as_received, receive};
pub use crate::sent::{Sent, text_of};
