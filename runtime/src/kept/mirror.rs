//! A value as its own code describes it, with nothing lost: bytes that two values of one type share only if that code
//! describes both alike.
//!
//! The order of a map's entries is left out: a hash map has another each time. So is that of a sequence where a value is compared with
//! what comes back of it, for a hash set has another each time too and its text keeps it; where nothing but the mirror names a
//! value it is kept.

use std::cell::Cell;

use serde::ser::{self, Serialize};

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mirror {
    bytes: Vec<u8>,
    is_odd: bool,
}

impl Mirror {
    /// None where the value's code fails.
    pub(crate) fn of(value: &(impl Serialize + ?Sized)) -> Option<Self> {
        Self::seen(value, false)
    }

    /// The same, with the order of sequences.
    pub(crate) fn in_order(value: &(impl Serialize + ?Sized)) -> Option<Self> {
        Self::seen(value, true)
    }

    fn seen(value: &(impl Serialize + ?Sized), in_order: bool) -> Option<Self> {
        let is_odd = Cell::new(false);
        let bytes = value.serialize(Eye { in_order, is_odd: &is_odd }).ok()?;
        Some(Self { bytes, is_odd: is_odd.get() })
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether something is in it that JSON cannot tell from nothing: a number that it does not have, or something that is nothing.
    pub(crate) const fn is_odd(&self) -> bool {
        self.is_odd
    }
}

/// The value's own code failed.
#[derive(Debug, thiserror::Error)]
#[error("the value does not describe itself")]
struct Blind;

impl ser::Error for Blind {
    fn custom<T: std::fmt::Display>(_: T) -> Self {
        Self
    }
}

type Seen = Result<Vec<u8>, Blind>;

/// What kind of thing follows. No two of a place can be taken for each other.
#[repr(u8)]
#[derive(Clone, Copy)]
enum Tag {
    Unit,
    Bool,
    Signed,
    Unsigned,
    Single,
    Double,
    Char,
    Text,
    Bytes,
    None,
    Some,
    Variant,
    Tuple,
    Sequence,
    Map,
}

fn tagged(tag: Tag, bytes: &[u8]) -> Vec<u8> {
    let mut seen = Vec::with_capacity(bytes.len() + 9);
    seen.push(tag as u8);
    seen.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
    seen.extend_from_slice(bytes);
    seen
}

fn variant(index: u32, inner: &[u8]) -> Vec<u8> {
    tagged(Tag::Variant, &[&index.to_le_bytes(), inner].concat())
}

#[derive(Clone, Copy)]
struct Eye<'a> {
    in_order: bool,
    is_odd: &'a Cell<bool>,
}

impl<'a> Eye<'a> {
    fn is_odd_if(self, is_odd: bool) {
        self.is_odd.set(self.is_odd.get() || is_odd);
    }

    fn parts(self, tag: Tag, length: Option<usize>) -> Elements<'a> {
        // A length is what the value says, and need not be true.
        let parts = Vec::with_capacity(length.unwrap_or_default().min(1_024));
        Elements { eye: self, tag, index: None, parts, key: Vec::new() }
    }

    fn parts_of_variant(self, index: u32, tag: Tag, length: usize) -> Elements<'a> {
        Elements { index: Some(index), ..self.parts(tag, Some(length)) }
    }
}

/// The elements of something, each seen for itself.
struct Elements<'a> {
    eye: Eye<'a>,
    tag: Tag,
    index: Option<u32>,
    parts: Vec<Vec<u8>>,
    key: Vec<u8>,
}

impl Elements<'_> {
    fn add(&mut self, value: &(impl Serialize + ?Sized)) -> Result<(), Blind> {
        self.parts.push(value.serialize(self.eye)?);
        Ok(())
    }

    fn add_entry(&mut self, mut entry: Vec<u8>, value: &(impl Serialize + ?Sized)) -> Result<(), Blind> {
        entry.extend(value.serialize(self.eye)?);
        self.parts.push(entry);
        Ok(())
    }

    fn seen(mut self) -> Vec<u8> {
        let has_order =
            matches!(self.tag, Tag::Tuple) || (self.eye.in_order && matches!(self.tag, Tag::Sequence));
        if !has_order {
            self.parts.sort_unstable();
        }
        let all = tagged(self.tag, &self.parts.concat());
        match self.index {
            Some(index) => variant(index, &all),
            None => all,
        }
    }
}

macro_rules! numbers {
    ($($name:ident $type:ty => $tag:ident as $wide:ty;)*) => {
        $(fn $name(self, value: $type) -> Seen {
            Ok(tagged(Tag::$tag, &<$wide>::from(value).to_le_bytes()))
        })*
    };
}

impl<'a> ser::Serializer for Eye<'a> {
    type Ok = Vec<u8>;
    type Error = Blind;
    type SerializeSeq = Elements<'a>;
    type SerializeTuple = Elements<'a>;
    type SerializeTupleStruct = Elements<'a>;
    type SerializeTupleVariant = Elements<'a>;
    type SerializeMap = Elements<'a>;
    type SerializeStruct = Elements<'a>;
    type SerializeStructVariant = Elements<'a>;

    numbers! {
        serialize_i8 i8 => Signed as i128;
        serialize_i16 i16 => Signed as i128;
        serialize_i32 i32 => Signed as i128;
        serialize_i64 i64 => Signed as i128;
        serialize_i128 i128 => Signed as i128;
        serialize_u8 u8 => Unsigned as u128;
        serialize_u16 u16 => Unsigned as u128;
        serialize_u32 u32 => Unsigned as u128;
        serialize_u64 u64 => Unsigned as u128;
        serialize_u128 u128 => Unsigned as u128;
        serialize_char char => Char as u32;
        serialize_bool bool => Bool as u8;
    }

    fn serialize_f32(self, value: f32) -> Seen {
        self.is_odd_if(!value.is_finite());
        Ok(tagged(Tag::Single, &value.to_bits().to_le_bytes()))
    }

    fn serialize_f64(self, value: f64) -> Seen {
        self.is_odd_if(!value.is_finite());
        Ok(tagged(Tag::Double, &value.to_bits().to_le_bytes()))
    }

    fn serialize_str(self, value: &str) -> Seen {
        Ok(tagged(Tag::Text, value.as_bytes()))
    }

    fn serialize_bytes(self, value: &[u8]) -> Seen {
        Ok(tagged(Tag::Bytes, value))
    }

    fn serialize_none(self) -> Seen {
        Ok(tagged(Tag::None, &[]))
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Seen {
        let seen = value.serialize(self)?;
        // JSON says null of it.
        self.is_odd_if(seen.first().is_some_and(|tag| [Tag::Unit as u8, Tag::None as u8].contains(tag)));
        Ok(tagged(Tag::Some, &seen))
    }

    fn serialize_unit(self) -> Seen {
        Ok(tagged(Tag::Unit, &[]))
    }

    fn serialize_unit_struct(self, _: &'static str) -> Seen {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, index: u32, _: &'static str) -> Seen {
        Ok(variant(index, &[]))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Seen {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        value: &T,
    ) -> Seen {
        Ok(variant(index, &value.serialize(self)?))
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Elements<'a>, Blind> {
        Ok(self.parts(Tag::Sequence, length))
    }

    fn serialize_tuple(self, length: usize) -> Result<Elements<'a>, Blind> {
        Ok(self.parts(Tag::Tuple, Some(length)))
    }

    fn serialize_tuple_struct(self, _: &'static str, length: usize) -> Result<Elements<'a>, Blind> {
        Ok(self.parts(Tag::Tuple, Some(length)))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        length: usize,
    ) -> Result<Elements<'a>, Blind> {
        Ok(self.parts_of_variant(index, Tag::Tuple, length))
    }

    fn serialize_map(self, length: Option<usize>) -> Result<Elements<'a>, Blind> {
        Ok(self.parts(Tag::Map, length))
    }

    fn serialize_struct(self, _: &'static str, length: usize) -> Result<Elements<'a>, Blind> {
        Ok(self.parts(Tag::Map, Some(length)))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        length: usize,
    ) -> Result<Elements<'a>, Blind> {
        Ok(self.parts_of_variant(index, Tag::Map, length))
    }
}

macro_rules! elements {
    ($($trait:ident $method:ident;)*) => {
        $(impl ser::$trait for Elements<'_> {
            type Ok = Vec<u8>;
            type Error = Blind;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Blind> {
                self.add(value)
            }

            fn end(self) -> Seen {
                Ok(self.seen())
            }
        })*
    };
}

elements! {
    SerializeSeq serialize_element;
    SerializeTuple serialize_element;
    SerializeTupleStruct serialize_field;
    SerializeTupleVariant serialize_field;
}

macro_rules! fields {
    ($($trait:ident)*) => {
        $(impl ser::$trait for Elements<'_> {
            type Ok = Vec<u8>;
            type Error = Blind;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Blind> {
                self.add_entry(tagged(Tag::Text, name.as_bytes()), value)
            }

            fn end(self) -> Seen {
                Ok(self.seen())
            }
        })*
    };
}

fields! { SerializeStruct SerializeStructVariant }

impl ser::SerializeMap for Elements<'_> {
    type Ok = Vec<u8>;
    type Error = Blind;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Blind> {
        self.key = key.serialize(self.eye)?;
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Blind> {
        let key = std::mem::take(&mut self.key);
        self.add_entry(key, value)
    }

    fn end(self) -> Seen {
        Ok(self.seen())
    }
}
