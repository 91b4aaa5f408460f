//! Errors, futures and frames whose types are erased.

use std::error::Error;
use std::pin::Pin;

use bytes::{Buf, Bytes};
use http_body::Frame;

/// An error of the HTTP stack, of a request body or of a hook.
pub type BoxError = Box<dyn Error + Send + Sync>;

pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Makes the data of a frame `Bytes`, without a copy if it is that already.
pub(crate) fn erase_data(frame: Frame<impl Buf>) -> Frame<Bytes> {
    frame.map_data(|mut data| data.copy_to_bytes(data.remaining()))
}
