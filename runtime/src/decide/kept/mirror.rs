//! A value as its own code describes it, with nothing lost: bytes that two values of one type share only if that code
//! describes both alike.
//!
//! Each part is its tag and what ends by itself, so no two parts can be taken for each other, and all of them are written into
//! one row of bytes as they come. What has parts ends with a mark; where their order does not count they are put in order then.

use serde::ser::{self, Serialize};

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mirror {
    bytes: Vec<u8>,
    is_odd: bool,
    is_plain: bool,
}

/// Where the order of parts counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Everywhere: the quickest to look at.
    Everywhere,
    /// In sequences. A hash map has another order each time.
    InSequences,
    /// In tuples alone. A hash set has another order each time, and is a sequence to whoever looks.
    InTuples,
}

/// Why there is no mirror of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoMirror {
    #[error("the value does not describe itself")]
    Own,
    #[error("the value nests too deeply")]
    Deep,
}

/// So many levels are looked at. JSON of more than 128 cannot be read back, and an option between two of them is a level here.
/// Whoever looks recurses, and so does what writes JSON: a stack ends at some thousands.
const DEPTH: u32 = 256;

impl Mirror {
    pub(crate) fn of(value: &(impl Serialize + ?Sized), order: Order) -> Result<Self, NoMirror> {
        let mut eye = Eye { bytes: Vec::with_capacity(64), order, depth: 0, is_odd: false, is_plain: true };
        value.serialize(&mut eye)?;
        Ok(Self { bytes: eye.bytes, is_odd: eye.is_odd, is_plain: eye.is_plain && !eye.is_odd })
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether something is in it that JSON cannot tell from nothing: a number that it does not have, or something that is nothing.
    pub(crate) const fn is_odd(&self) -> bool {
        self.is_odd
    }

    /// Whether its JSON is the same by whatever way it is written: it has no map, its fields come in the order of their names, and
    /// no number is a float or wider than JSON's.
    pub(crate) const fn is_plain(&self) -> bool {
        self.is_plain
    }
}

impl ser::Error for NoMirror {
    fn custom<T: std::fmt::Display>(_: T) -> Self {
        Self::Own
    }
}

type Seen = Result<(), NoMirror>;

/// What kind of thing follows.
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
    UnitVariant,
    Variant,
    Tuple,
    Sequence,
    Map,
    /// Of what has parts.
    End,
}

struct Eye {
    bytes: Vec<u8>,
    order: Order,
    depth: u32,
    is_odd: bool,
    is_plain: bool,
}

impl Eye {
    fn tag(&mut self, tag: Tag) {
        self.bytes.push(tag as u8);
    }

    /// Seven bits a byte, the lowest first; all but the last have the eighth.
    fn number(&mut self, mut number: u128) {
        loop {
            let low = (number & 0x7f) as u8;
            number >>= 7;
            if number == 0 {
                return self.bytes.push(low);
            }
            self.bytes.push(low | 0x80);
        }
    }

    fn run(&mut self, tag: Tag, bytes: &[u8]) {
        self.tag(tag);
        self.number(bytes.len() as u128);
        self.bytes.extend_from_slice(bytes);
    }

    fn variant(&mut self, tag: Tag, index: u32) {
        self.tag(tag);
        self.number(index.into());
    }

    fn is_odd_if(&mut self, is_odd: bool) {
        self.is_odd |= is_odd;
    }

    fn inside(&mut self, value: &(impl Serialize + ?Sized)) -> Seen {
        if self.depth == DEPTH {
            return Err(NoMirror::Deep);
        }
        self.depth += 1;
        let seen = value.serialize(&mut *self);
        self.depth -= 1;
        seen
    }

    fn parts(&mut self, tag: Tag) -> PartsOf<'_> {
        self.tag(tag);
        let has_order = match tag {
            Tag::Tuple => true,
            Tag::Sequence => self.order != Order::InTuples,
            _ => self.order == Order::Everywhere,
        };
        PartsOf { first: self.bytes.len(), begins: Vec::new(), has_order, field: "", eye: self }
    }

    fn parts_of_variant(&mut self, index: u32, tag: Tag) -> PartsOf<'_> {
        self.variant(Tag::Variant, index);
        self.parts(tag)
    }
}

/// The parts of something.
struct PartsOf<'a> {
    eye: &'a mut Eye,
    /// Where they begin, and where each of them does that may have to move.
    first: usize,
    begins: Vec<usize>,
    has_order: bool,
    /// The name of the field before.
    field: &'static str,
}

impl PartsOf<'_> {
    fn begin(&mut self) {
        if !self.has_order {
            self.begins.push(self.eye.bytes.len() - self.first);
        }
    }

    fn seen(self) {
        let Self { eye, first, begins, .. } = self;
        if begins.len() > 1 {
            let all = eye.bytes.split_off(first);
            let ends = begins.iter().skip(1).copied().chain([all.len()]);
            let mut parts: Vec<_> = begins.iter().zip(ends).map(|(begin, end)| &all[*begin..end]).collect();
            parts.sort_unstable();
            parts.into_iter().for_each(|part| eye.bytes.extend_from_slice(part));
        }
        eye.tag(Tag::End);
    }
}

macro_rules! numbers {
    ($($name:ident $type:ty => $tag:ident by $write:expr;)*) => {
        $(fn $name(self, value: $type) -> Seen {
            self.tag(Tag::$tag);
            self.number($write(value));
            Ok(())
        })*
    };
}

/// Small numbers of either sign are short.
fn zigzag(value: impl Into<i128>) -> u128 {
    let value = value.into();
    ((value << 1) ^ (value >> 127)).cast_unsigned()
}

impl<'a> ser::Serializer for &'a mut Eye {
    type Ok = ();
    type Error = NoMirror;
    type SerializeSeq = PartsOf<'a>;
    type SerializeTuple = PartsOf<'a>;
    type SerializeTupleStruct = PartsOf<'a>;
    type SerializeTupleVariant = PartsOf<'a>;
    type SerializeMap = PartsOf<'a>;
    type SerializeStruct = PartsOf<'a>;
    type SerializeStructVariant = PartsOf<'a>;

    numbers! {
        serialize_i8 i8 => Signed by zigzag;
        serialize_i16 i16 => Signed by zigzag;
        serialize_i32 i32 => Signed by zigzag;
        serialize_i64 i64 => Signed by zigzag;
        serialize_u8 u8 => Unsigned by u128::from;
        serialize_u16 u16 => Unsigned by u128::from;
        serialize_u32 u32 => Unsigned by u128::from;
        serialize_u64 u64 => Unsigned by u128::from;
        serialize_char char => Char by u128::from;
        serialize_bool bool => Bool by u128::from;
    }

    fn serialize_i128(self, value: i128) -> Seen {
        self.is_plain = false;
        self.tag(Tag::Signed);
        self.number(zigzag(value));
        Ok(())
    }

    fn serialize_u128(self, value: u128) -> Seen {
        self.is_plain = false;
        self.tag(Tag::Unsigned);
        self.number(value);
        Ok(())
    }

    fn serialize_f32(self, value: f32) -> Seen {
        self.is_plain = false;
        self.is_odd_if(!value.is_finite());
        self.tag(Tag::Single);
        self.bytes.extend_from_slice(&value.to_bits().to_le_bytes());
        Ok(())
    }

    fn serialize_f64(self, value: f64) -> Seen {
        self.is_plain = false;
        self.is_odd_if(!value.is_finite());
        self.tag(Tag::Double);
        self.bytes.extend_from_slice(&value.to_bits().to_le_bytes());
        Ok(())
    }

    fn serialize_str(self, value: &str) -> Seen {
        self.run(Tag::Text, value.as_bytes());
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Seen {
        self.run(Tag::Bytes, value);
        Ok(())
    }

    fn serialize_none(self) -> Seen {
        self.tag(Tag::None);
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Seen {
        self.tag(Tag::Some);
        let at = self.bytes.len();
        self.inside(value)?;
        // JSON says null of it.
        let is_nothing =
            self.bytes.get(at).is_some_and(|tag| [Tag::Unit as u8, Tag::None as u8].contains(tag));
        self.is_odd_if(is_nothing);
        Ok(())
    }

    fn serialize_unit(self) -> Seen {
        self.tag(Tag::Unit);
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Seen {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, index: u32, _: &'static str) -> Seen {
        self.variant(Tag::UnitVariant, index);
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Seen {
        self.inside(value)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        value: &T,
    ) -> Seen {
        self.variant(Tag::Variant, index);
        self.inside(value)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<PartsOf<'a>, NoMirror> {
        Ok(self.parts(Tag::Sequence))
    }

    fn serialize_tuple(self, _: usize) -> Result<PartsOf<'a>, NoMirror> {
        Ok(self.parts(Tag::Tuple))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<PartsOf<'a>, NoMirror> {
        Ok(self.parts(Tag::Tuple))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        _: usize,
    ) -> Result<PartsOf<'a>, NoMirror> {
        Ok(self.parts_of_variant(index, Tag::Tuple))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<PartsOf<'a>, NoMirror> {
        self.is_plain = false;
        Ok(self.parts(Tag::Map))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<PartsOf<'a>, NoMirror> {
        Ok(self.parts(Tag::Map))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        _: usize,
    ) -> Result<PartsOf<'a>, NoMirror> {
        Ok(self.parts_of_variant(index, Tag::Map))
    }
}

macro_rules! elements {
    ($($trait:ident $method:ident;)*) => {
        $(impl ser::$trait for PartsOf<'_> {
            type Ok = ();
            type Error = NoMirror;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Seen {
                self.begin();
                self.eye.inside(value)
            }

            fn end(self) -> Seen {
                self.seen();
                Ok(())
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
        $(impl ser::$trait for PartsOf<'_> {
            type Ok = ();
            type Error = NoMirror;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Seen {
                self.begin();
                // A name with a `$` is how serde_json tells its own kinds of values.
                if name <= self.field || name.starts_with('$') {
                    self.eye.is_plain = false;
                }
                self.field = name;
                self.eye.run(Tag::Text, name.as_bytes());
                self.eye.inside(value)
            }

            fn end(self) -> Seen {
                self.seen();
                Ok(())
            }
        })*
    };
}

fields! { SerializeStruct SerializeStructVariant }

impl ser::SerializeMap for PartsOf<'_> {
    type Ok = ();
    type Error = NoMirror;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Seen {
        self.begin();
        self.eye.inside(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Seen {
        self.eye.inside(value)
    }

    fn end(self) -> Seen {
        self.seen();
        Ok(())
    }
}
