//! Samples of whatever a type asks for.

use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess,
    Visitor,
};

use crate::workflow::shape::{Field, Fields, Shape};

/// Levels of a type that are looked at. Deeper than any that people write, unless it holds itself.
const DEPTH: usize = 32;
/// Levels at which an option is something: a type can hold itself in one, maybe several times.
const OPTION_DEPTH: usize = 4;

#[derive(Debug)]
pub(super) enum NoSample {
    Missing(&'static str),
    Other,
}

impl fmt::Display for NoSample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no sample")
    }
}

impl std::error::Error for NoSample {}

impl de::Error for NoSample {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::Other
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Missing(field)
    }
}

/// Gives whatever it is asked for, and notes what that was.
pub(super) struct Sample<'p> {
    pub(super) asked: &'p mut Shape,
    /// The path of the field that is left out, from here.
    pub(super) left_out: &'p [String],
    pub(super) depth: usize,
}

macro_rules! gives {
    ($($ask:ident => $shape:ident, $visit:ident($($value:expr)?);)*) => {$(
        fn $ask<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NoSample> {
            *self.asked = Shape::$shape;
            visitor.$visit($($value)?)
        }
    )*};
}

impl<'de> Deserializer<'de> for Sample<'_> {
    type Error = NoSample;

    gives! {
        deserialize_bool => Boolean, visit_bool(true);
        deserialize_i8 => Number, visit_i64(1);
        deserialize_i16 => Number, visit_i64(1);
        deserialize_i32 => Number, visit_i64(1);
        deserialize_i64 => Number, visit_i64(1);
        deserialize_i128 => Number, visit_i128(1);
        deserialize_u8 => Number, visit_u64(1);
        deserialize_u16 => Number, visit_u64(1);
        deserialize_u32 => Number, visit_u64(1);
        deserialize_u64 => Number, visit_u64(1);
        deserialize_u128 => Number, visit_u128(1);
        deserialize_f32 => Number, visit_f64(1.0);
        deserialize_f64 => Number, visit_f64(1.0);
        deserialize_char => Text, visit_char('a');
        deserialize_str => Text, visit_str("a");
        deserialize_string => Text, visit_str("a");
        deserialize_unit => Null, visit_unit();
        deserialize_seq => Array, visit_seq(Samples { left: 0, depth: 0 });
        deserialize_map => OBJECT, visit_map(NoFields);
    }

    /// It looks at what there is: nothing is known of it.
    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, NoSample> {
        Err(NoSample::Other)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NoSample> {
        if self.depth >= OPTION_DEPTH {
            return visitor.visit_none();
        }
        let mut inner = Shape::Any;
        let sample = Sample { asked: &mut inner, left_out: self.left_out, depth: self.depth + 1 };
        let value = visitor.visit_some(sample);
        *self.asked = inner.maybe();
        value
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, NoSample> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, NoSample> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, NoSample> {
        *self.asked = Shape::Array;
        visitor.visit_seq(Samples { left: len, depth: self.depth + 1 })
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, NoSample> {
        self.deserialize_tuple(len, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, NoSample> {
        if self.depth >= DEPTH {
            *self.asked = Shape::Object(None);
            return Err(NoSample::Other);
        }
        let asked =
            fields.iter().map(|name| ((*name).to_owned(), Field { shape: Shape::Any, is_required: false }));
        let mut asked: Fields = asked.collect();
        let (left_out, depth) = (self.left_out, self.depth);
        let value =
            visitor.visit_map(SampleFields { asked: &mut asked, left: fields, at: None, left_out, depth });
        *self.asked = Shape::Object(Some(asked));
        value
    }

    /// A name or an object with one field, as the variant is.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, NoSample> {
        *self.asked = Shape::Any;
        let Some(first) = variants.first() else { return Err(NoSample::Other) };
        visitor.visit_enum(First { name: first, depth: self.depth + 1 })
    }

    serde::forward_to_deserialize_any! { bytes byte_buf identifier ignored_any }
}

impl Shape {
    const OBJECT: Self = Self::Object(None);
}

/// So many samples in a row.
struct Samples {
    left: usize,
    depth: usize,
}

impl<'de> SeqAccess<'de> for Samples {
    type Error = NoSample;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, NoSample> {
        if self.left == 0 || self.depth > DEPTH {
            return Ok(None);
        }
        self.left -= 1;
        seed.deserialize(Sample { asked: &mut Shape::Any, left_out: &[], depth: self.depth }).map(Some)
    }
}

struct NoFields;

impl<'de> MapAccess<'de> for NoFields {
    type Error = NoSample;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, _: K) -> Result<Option<K::Value>, NoSample> {
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, _: V) -> Result<V::Value, NoSample> {
        Err(NoSample::Other)
    }
}

/// A sample of each field, but of the one that is left out.
struct SampleFields<'p> {
    asked: &'p mut Fields,
    left: &'static [&'static str],
    at: Option<&'static str>,
    left_out: &'p [String],
    depth: usize,
}

impl<'de> MapAccess<'de> for SampleFields<'_> {
    type Error = NoSample;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, NoSample> {
        while let Some((name, rest)) = self.left.split_first() {
            self.left = rest;
            if self.left_out.len() == 1 && self.left_out[0] == **name {
                continue;
            }
            self.at = Some(name);
            let name: StrDeserializer<'_, NoSample> = name.into_deserializer();
            return seed.deserialize(name).map(Some);
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, NoSample> {
        let Some(name) = self.at else { return Err(NoSample::Other) };
        let left_out = match self.left_out.split_first() {
            Some((first, rest)) if first == name => rest,
            _ => &[],
        };
        let mut shape = Shape::Any;
        let value = seed.deserialize(Sample { asked: &mut shape, left_out, depth: self.depth + 1 });
        if let Some(field) = self.asked.get_mut(name) {
            field.shape = shape;
        }
        value
    }
}

/// The first variant of an enum.
struct First {
    name: &'static str,
    depth: usize,
}

impl<'de> EnumAccess<'de> for First {
    type Error = NoSample;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), NoSample> {
        let name: StrDeserializer<'_, NoSample> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'de> VariantAccess<'de> for First {
    type Error = NoSample;

    fn unit_variant(self) -> Result<(), NoSample> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, NoSample> {
        if self.depth > DEPTH {
            return Err(NoSample::Other);
        }
        seed.deserialize(Sample { asked: &mut Shape::Any, left_out: &[], depth: self.depth })
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, NoSample> {
        visitor.visit_seq(Samples { left: len, depth: self.depth })
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, NoSample> {
        Sample { asked: &mut Shape::Any, left_out: &[], depth: self.depth }
            .deserialize_struct("", fields, visitor)
    }
}
