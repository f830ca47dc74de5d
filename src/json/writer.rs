//! This is where a value becomes JSON text, by way of serde: names are written as they are, and what needs no escape, as most
//! texts do not, is copied whole. What is seldom, escapes and fractions, is left to serde_json.

use std::fmt::Display;
use std::io::Write as _;

use serde::ser::{self, Error as _, Serialize, Serializer};
use serde_json::Error;

/// Where JSON is written to.
pub struct Writer<'t> {
    text: &'t mut Vec<u8>,
}

impl<'t> Writer<'t> {
    /// A writer that appends to a text.
    pub fn new(text: &'t mut Vec<u8>) -> Self {
        Self { text }
    }

    fn rarely(self, value: &(impl Serialize + ?Sized)) -> Result<(), Error> {
        serde_json::to_writer(self.text, value)
    }

    /// Begins what is in brackets.
    fn within(self, open: u8, close: &'static [u8]) -> Within<'t> {
        self.text.push(open);
        Within { text: self.text, close, comma: false }
    }

    /// Begins what is in brackets, and itself the only member of an object: a variant of an enum.
    fn within_named(self, name: &'static str, open: u8, close: &'static [u8]) -> Within<'t> {
        self.text.push(b'{');
        named(self.text, name);
        self.within(open, close)
    }
}

/// Writes a name of the program's own, and a colon. Inlined to where the name is known, it is a few moves.
#[inline(always)]
fn named(text: &mut Vec<u8>, name: &'static str) {
    quoted(text, name);
    text.push(b':');
}

/// Writes a text that needs no escapes.
#[inline(always)]
fn quoted(text: &mut Vec<u8>, plain: &str) {
    debug_assert!(!needs_escapes(plain.as_bytes()), "{plain:?} is not written as it is");
    // Room for what follows a name, too.
    text.reserve(plain.len() + 3);
    text.push(b'"');
    text.extend_from_slice(plain.as_bytes());
    text.push(b'"');
}

fn needs_escapes(bytes: &[u8]) -> bool {
    match bytes.last_chunk() {
        // The last eight may have been looked at before.
        Some(last) => bytes.as_chunks().0.iter().any(one_of_eight_does) || one_of_eight_does(last),
        None => bytes.iter().any(|byte| matches!(byte, 0..0x20 | b'"' | b'\\')),
    }
}

/// Whether a control character, a quotation mark or a backslash is among eight bytes, which are looked at together: a byte below
/// a limit, and no other that is ASCII, gets its highest bit by subtraction.
fn one_of_eight_does(eight: &[u8; 8]) -> bool {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    let eight = u64::from_ne_bytes(*eight);
    let is_below = |bytes: u64, limit: u8| bytes.wrapping_sub(ONES * u64::from(limit)) & !bytes;
    let found = is_below(eight, 0x20)
        | is_below(eight ^ (ONES * u64::from(b'"')), 1)
        | is_below(eight ^ (ONES * u64::from(b'\\')), 1);
    found & (ONES << 7) != 0
}

macro_rules! whole {
    ($($serialize:ident: $number:ty,)+) => {
        $(fn $serialize(self, number: $number) -> Result<(), Error> {
            self.text.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
            Ok(())
        })+
    };
}

impl<'t> Serializer for Writer<'t> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Within<'t>;
    type SerializeTuple = Within<'t>;
    type SerializeTupleStruct = Within<'t>;
    type SerializeTupleVariant = Within<'t>;
    type SerializeMap = Within<'t>;
    type SerializeStruct = Within<'t>;
    type SerializeStructVariant = Within<'t>;

    fn serialize_bool(self, value: bool) -> Result<(), Error> {
        self.text.extend_from_slice(if value { b"true" } else { b"false" });
        Ok(())
    }

    whole! {
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64,
    }

    fn serialize_f32(self, number: f32) -> Result<(), Error> {
        self.rarely(&number)
    }

    fn serialize_f64(self, number: f64) -> Result<(), Error> {
        self.rarely(&number)
    }

    fn serialize_char(self, letter: char) -> Result<(), Error> {
        self.serialize_str(letter.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), Error> {
        if needs_escapes(value.as_bytes()) {
            return self.rarely(value);
        }
        quoted(self.text, value);
        Ok(())
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<(), Error> {
        let start = self.text.len();
        self.text.push(b'"');
        write!(self.text, "{value}").map_err(Error::custom)?;
        if needs_escapes(&self.text[start + 1..]) {
            self.text.truncate(start);
            return self.rarely(&value.to_string());
        }
        self.text.push(b'"');
        Ok(())
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<(), Error> {
        self.collect_seq(bytes)
    }

    fn serialize_none(self) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Error> {
        self.text.extend_from_slice(b"null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Error> {
        quoted(self.text, variant);
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        let mut object = self.within(b'{', b"}");
        object.field(variant, value)?;
        object.close()
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Within<'t>, Error> {
        Ok(self.within(b'[', b"]"))
    }

    fn serialize_tuple(self, _: usize) -> Result<Within<'t>, Error> {
        Ok(self.within(b'[', b"]"))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Within<'t>, Error> {
        Ok(self.within(b'[', b"]"))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Within<'t>, Error> {
        Ok(self.within_named(variant, b'[', b"]}"))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Within<'t>, Error> {
        Ok(self.within(b'{', b"}"))
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Within<'t>, Error> {
        debug_assert!(
            !name.starts_with('$'),
            "what serde_json makes up for itself has no place in what is written here"
        );
        Ok(self.within(b'{', b"}"))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Within<'t>, Error> {
        Ok(self.within_named(variant, b'{', b"}}"))
    }
}

/// The inside of an array or an object.
pub struct Within<'t> {
    text: &'t mut Vec<u8>,
    close: &'static [u8],
    /// The next member comes after another one.
    comma: bool,
}

impl Within<'_> {
    #[inline(always)]
    fn separate(&mut self) {
        if self.comma {
            self.text.push(b',');
        }
        self.comma = true;
    }

    fn item(&mut self, item: &(impl Serialize + ?Sized)) -> Result<(), Error> {
        self.separate();
        item.serialize(Writer::new(self.text))
    }

    #[inline(always)]
    fn field(&mut self, name: &'static str, value: &(impl Serialize + ?Sized)) -> Result<(), Error> {
        self.separate();
        named(self.text, name);
        value.serialize(Writer::new(self.text))
    }

    fn close(self) -> Result<(), Error> {
        self.text.extend_from_slice(self.close);
        Ok(())
    }
}

macro_rules! items {
    ($($of:ident, $add:ident;)+) => {
        $(impl ser::$of for Within<'_> {
            type Ok = ();
            type Error = Error;

            fn $add<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), Error> {
                self.item(item)
            }

            fn end(self) -> Result<(), Error> {
                self.close()
            }
        })+
    };
}

items! {
    SerializeSeq, serialize_element;
    SerializeTuple, serialize_element;
    SerializeTupleStruct, serialize_field;
    SerializeTupleVariant, serialize_field;
}

macro_rules! fields {
    ($($of:ident,)+) => {
        $(impl ser::$of for Within<'_> {
            type Ok = ();
            type Error = Error;

            #[inline(always)]
            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Error> {
                self.field(name, value)
            }

            fn end(self) -> Result<(), Error> {
                self.close()
            }
        })+
    };
}

fields! {
    SerializeStruct,
    SerializeStructVariant,
}

impl ser::SerializeMap for Within<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.separate();
        let start = self.text.len();
        key.serialize(Writer::new(self.text))?;
        if self.text[start] == b'"' { Ok(()) } else { Err(Error::custom("a name must be a text")) }
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.text.push(b':');
        value.serialize(Writer::new(self.text))
    }

    fn end(self) -> Result<(), Error> {
        self.close()
    }
}
