//! What `Subscribe::member` accepts as a member.

use std::sync::Arc;

use serde::Serialize;
use sse_codec::{EncodeError, Json};

/// A member of topics: what [`Subscribe::member`](crate::Subscribe::member) and
/// [`Hub::disconnect`](crate::Hub::disconnect) accept.
///
/// That is a name, or [`Json`] of anything that implements `serde::Serialize`. A member is identified by its text, so
/// what is serialized must always be the same: a `struct` is, and a `HashMap`, whose order is random, is not. A member
/// must not say what changes, such as a status.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use serde::{Deserialize, Serialize};
/// use sse_hub::{Hub, Json};
///
/// #[derive(Debug, PartialEq, Serialize, Deserialize)]
/// struct User {
///     id: u32,
///     name: String,
/// }
///
/// let hub = Hub::new();
/// let user = User { id: 7, name: "Ada".to_owned() };
/// let _events = hub.subscribe("room").member(Json(&user)).await?;
///
/// let mut presence = hub.presence("room").await?;
/// for member in presence.members() {
///     assert_eq!(serde_json::from_str::<User>(&member)?, user);
/// }
/// assert_eq!(hub.disconnect("room", Json(&user)).await?, 1);
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no member of a topic",
    note = "a member is a name, or `Json(value)` of what implements `serde::Serialize`"
)]
pub trait IntoMember {
    /// Returns the text that identifies the member.
    ///
    /// # Errors
    ///
    /// [`EncodeError::Json`] if it cannot be serialized.
    fn into_member(self) -> Result<Arc<str>, EncodeError>;
}

impl IntoMember for &str {
    fn into_member(self) -> Result<Arc<str>, EncodeError> {
        Ok(self.into())
    }
}

impl IntoMember for &String {
    fn into_member(self) -> Result<Arc<str>, EncodeError> {
        Ok(self.as_str().into())
    }
}

impl IntoMember for String {
    fn into_member(self) -> Result<Arc<str>, EncodeError> {
        Ok(self.into())
    }
}

impl IntoMember for Arc<str> {
    fn into_member(self) -> Result<Arc<str>, EncodeError> {
        Ok(self)
    }
}

impl IntoMember for &Arc<str> {
    fn into_member(self) -> Result<Arc<str>, EncodeError> {
        Ok(Arc::clone(self))
    }
}

impl<T: Serialize> IntoMember for Json<T> {
    fn into_member(self) -> Result<Arc<str>, EncodeError> {
        let text = serde_json::to_string(&self.0).map_err(EncodeError::Json)?;
        Ok(text.into())
    }
}
