//! Writes an enum's variant as a name and JSON, by two serializers: one stops at the name, the
//! other writes the content.

use core::fmt;

use serde::Serialize;
use serde::ser::{Error, Impossible, SerializeStructVariant, SerializeTupleVariant, Serializer};

use crate::encoder::{Buffer, Data, DataWriter, EncodeError, Event, Growable};
use crate::json::Output;

/// Sends a serde enum: the variant's name is the event's name, its content the JSON data.
///
/// A newtype variant is written as its value, a tuple variant as an array, and a struct variant as
/// an object. A unit variant is written as `null`, since an event without data is not dispatched.
/// Serde's attributes apply to the names, such as `#[serde(rename_all = "snake_case")]`.
/// [`EventRef::typed`](crate::EventRef::typed) is the inverse.
///
/// ```
/// use sse_codec::{Decoder, Frame, Typed};
///
/// #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
/// #[serde(rename_all = "snake_case")]
/// enum Message {
///     Started,
///     Delta(String),
///     Usage { tokens: u32 },
///     #[serde(other)]
///     Unknown,
/// }
///
/// let frame = Frame::new(Typed(Message::Usage { tokens: 5 }))?;
/// assert_eq!(frame.as_bytes(), b"event: usage\ndata: {\"tokens\":5}\n\n");
///
/// let mut decoder = Decoder::new();
/// let mut events = decoder.feed(frame.as_bytes());
/// let message: Message = events.next_event()?.expect("a complete event").typed()?;
/// assert_eq!(message, Message::Usage { tokens: 5 });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Encoding a value that is not an enum returns [`EncodeError::NotAnEnum`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Typed<T>(pub T);

impl<T: Serialize> Data for Typed<T> {
    #[inline]
    fn write_to<B: Buffer>(&self, out: &mut DataWriter<'_, B>) -> Result<(), EncodeError> {
        content(&self.0, out)
    }

    #[inline]
    fn event_name(&self) -> Option<&str> {
        name(&self.0)
    }
}

impl<'a, D> Event<'a, D> {
    /// Sets the name and the data to those of an enum's variant, see [`Typed`]. A name set with
    /// [`event`](Self::event) takes precedence.
    ///
    /// ```
    /// use sse_codec::{Event, Frame};
    ///
    /// #[derive(serde::Serialize)]
    /// enum Message {
    ///     Added { count: u32 },
    /// }
    ///
    /// let frame = Frame::new(Event::new().id("7").typed(Message::Added { count: 2 }))?;
    /// assert_eq!(frame.as_bytes(), b"event: Added\ndata: {\"count\":2}\nid: 7\n\n");
    /// # Ok::<(), sse_codec::EncodeError>(())
    /// ```
    pub fn typed<T: Serialize>(self, value: T) -> Event<'a, Typed<T>> {
        self.data(Typed(value))
    }
}

/// Returns the variant's name, if `value` is an enum.
fn name<T: Serialize + ?Sized>(value: &T) -> Option<&'static str> {
    value.serialize(Name).err().and_then(|Stop(name)| name)
}

/// Writes the variant's content as JSON.
fn content<T: Serialize + ?Sized, B: Buffer>(
    value: &T,
    out: &mut DataWriter<'_, B>,
) -> Result<(), EncodeError> {
    value.serialize(Content(out)).map_err(|Failed(error)| error)
}

/// The methods of both serializers for values that are not enums.
macro_rules! not_an_enum {
    ($ok:ty, $error:ident: $($method:ident($($arg:ty),*) -> $returns:ty,)+) => {$(
        fn $method(self, $(_: $arg),*) -> Result<$returns, Self::Error> {
            Err($error::NOT_AN_ENUM)
        }
    )+};
    ($ok:ty, $error:ident) => {
        not_an_enum! { $ok, $error:
            serialize_bool(bool) -> $ok,
            serialize_i8(i8) -> $ok,
            serialize_i16(i16) -> $ok,
            serialize_i32(i32) -> $ok,
            serialize_i64(i64) -> $ok,
            serialize_u8(u8) -> $ok,
            serialize_u16(u16) -> $ok,
            serialize_u32(u32) -> $ok,
            serialize_u64(u64) -> $ok,
            serialize_f32(f32) -> $ok,
            serialize_f64(f64) -> $ok,
            serialize_char(char) -> $ok,
            serialize_str(&str) -> $ok,
            serialize_bytes(&[u8]) -> $ok,
            serialize_none() -> $ok,
            serialize_unit() -> $ok,
            serialize_unit_struct(&'static str) -> $ok,
            serialize_seq(Option<usize>) -> Self::SerializeSeq,
            serialize_tuple(usize) -> Self::SerializeTuple,
            serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct,
            serialize_map(Option<usize>) -> Self::SerializeMap,
            serialize_struct(&'static str, usize) -> Self::SerializeStruct,
        }

        type SerializeSeq = Impossible<$ok, $error>;
        type SerializeTuple = Impossible<$ok, $error>;
        type SerializeTupleStruct = Impossible<$ok, $error>;
        type SerializeMap = Impossible<$ok, $error>;
        type SerializeStruct = Impossible<$ok, $error>;

        // A wrapper is serialized as the value in it, as in JSON.
        fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<$ok, $error> {
            value.serialize(self)
        }

        fn serialize_newtype_struct<T: Serialize + ?Sized>(
            self,
            _: &'static str,
            value: &T,
        ) -> Result<$ok, $error> {
            value.serialize(self)
        }
    };
}

/// Stops at the name of a variant.
struct Name;

/// The name that was found. It is an error since that ends the serialization.
#[derive(Debug)]
struct Stop(Option<&'static str>);

impl Stop {
    const NOT_AN_ENUM: Self = Self(None);
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name is known")
    }
}

impl core::error::Error for Stop {}

impl Error for Stop {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::NOT_AN_ENUM
    }
}

impl Serializer for Name {
    type Ok = ();
    type Error = Stop;
    type SerializeTupleVariant = Impossible<(), Stop>;
    type SerializeStructVariant = Impossible<(), Stop>;

    not_an_enum!((), Stop);

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Stop> {
        Err(Stop(Some(variant)))
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: &T,
    ) -> Result<(), Stop> {
        Err(Stop(Some(variant)))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Stop> {
        Err(Stop(Some(variant)))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Stop> {
        Err(Stop(Some(variant)))
    }
}

/// Writes the content of a variant.
struct Content<'a, 'b, B>(&'a mut DataWriter<'b, B>);

#[derive(Debug)]
struct Failed(EncodeError);

impl Failed {
    const NOT_AN_ENUM: Self = Self(EncodeError::NotAnEnum);
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl core::error::Error for Failed {}

impl Error for Failed {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(EncodeError::Json(serde_json::Error::custom(message)))
    }
}

impl<'a, 'b, B: Buffer> Serializer for Content<'a, 'b, B> {
    type Ok = ();
    type Error = Failed;
    type SerializeTupleVariant = Fields<'a, 'b, B>;
    type SerializeStructVariant = Fields<'a, 'b, B>;

    not_an_enum!((), Failed);

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
    ) -> Result<(), Failed> {
        self.0.text("null");
        Ok(())
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        value: &T,
    ) -> Result<(), Failed> {
        self.0.json(value).map_err(Failed)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Failed> {
        Ok(Fields::begin(self.0, b'[', b']'))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Failed> {
        Ok(Fields::begin(self.0, b'{', b'}'))
    }
}

/// Writes the fields of a variant as the elements of an array or the members of an object.
struct Fields<'a, 'b, B> {
    out: &'a mut DataWriter<'b, B>,
    start: usize,
    before: u8,
    close: u8,
}

impl<'a, 'b, B: Buffer> Fields<'a, 'b, B> {
    fn begin(out: &'a mut DataWriter<'b, B>, open: u8, close: u8) -> Self {
        let start = out.begin_raw();
        Self {
            out,
            start,
            before: open,
            close,
        }
    }

    fn put_before(&mut self) {
        self.out.raw_buffer().put(&[self.before]);
        self.before = b',';
    }

    fn put<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failed> {
        serde_json::to_writer(Output(self.out.raw_buffer()), value)
            .map_err(|error| Failed(EncodeError::Json(error)))
    }

    fn finish(mut self) {
        if self.before != b',' {
            self.put_before();
        }
        self.out.raw_buffer().put(&[self.close]);
        self.out.end_json(self.start);
    }
}

impl<B: Buffer> SerializeTupleVariant for Fields<'_, '_, B> {
    type Ok = ();
    type Error = Failed;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failed> {
        self.put_before();
        self.put(value)
    }

    fn end(self) -> Result<(), Failed> {
        self.finish();
        Ok(())
    }
}

impl<B: Buffer> SerializeStructVariant for Fields<'_, '_, B> {
    type Ok = ();
    type Error = Failed;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), Failed> {
        self.put_before();
        self.put(key)?;
        self.out.raw_buffer().put(b":");
        self.put(value)
    }

    fn end(self) -> Result<(), Failed> {
        self.finish();
        Ok(())
    }
}
