//! JSON read loosely: a value of the wrong type is noted and passed over, never an error, and
//! nothing is held that is not wanted.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

/// Longer texts are cut: no value of the format is longer.
const MAX_TEXT_CHARS: usize = 200;

/// A plain value of any type.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Loose {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    /// A list or an object, passed over.
    Other,
}

impl Loose {
    /// A number within what a map can need.
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            // Beyond this, adding two coordinates loses the cell.
            Self::Number(n) if n.is_finite() && n.abs() <= 1e9 => Some(*n),
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for Loose {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Loose;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any value")
            }

            fn visit_bool<E>(self, v: bool) -> Result<Loose, E> {
                Ok(Loose::Bool(v))
            }

            fn visit_i64<E>(self, v: i64) -> Result<Loose, E> {
                Ok(Loose::Number(v as f64))
            }

            fn visit_u64<E>(self, v: u64) -> Result<Loose, E> {
                Ok(Loose::Number(v as f64))
            }

            fn visit_f64<E>(self, v: f64) -> Result<Loose, E> {
                Ok(Loose::Number(v))
            }

            fn visit_str<E>(self, v: &str) -> Result<Loose, E> {
                Ok(Loose::Text(v.chars().take(MAX_TEXT_CHARS).collect()))
            }

            fn visit_unit<E>(self) -> Result<Loose, E> {
                Ok(Loose::Null)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Loose, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Loose::Other)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Loose, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Loose::Other)
            }
        }
        deserializer.deserialize_any(Any)
    }
}

/// Something that is filled from a list, an item at a time.
pub(super) trait List {
    /// Reads one item; `false` at the end.
    fn item<'de, A: SeqAccess<'de>>(&mut self, seq: &mut A) -> Result<bool, A::Error>;
}

/// Something that is filled from an object, a field at a time.
pub(super) trait Object {
    /// Reads (or passes over) the value of `key`.
    fn field<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error>;
}

/// Reads a list or an object into its target; gives whether it was one.
pub(super) struct Fill<'t, T, Kind>(&'t mut T, PhantomData<Kind>);

pub(super) struct AsList;
pub(super) struct AsObject;

pub(super) const fn list<T: List>(target: &mut T) -> Fill<'_, T, AsList> {
    Fill(target, PhantomData)
}

pub(super) const fn object<T: Object>(target: &mut T) -> Fill<'_, T, AsObject> {
    Fill(target, PhantomData)
}

/// The visits that all wrong types share.
macro_rules! wrong_types {
    () => {
        type Value = bool;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("any value")
        }

        fn visit_bool<E>(self, _: bool) -> Result<bool, E> {
            Ok(false)
        }

        fn visit_i64<E>(self, _: i64) -> Result<bool, E> {
            Ok(false)
        }

        fn visit_u64<E>(self, _: u64) -> Result<bool, E> {
            Ok(false)
        }

        fn visit_f64<E>(self, _: f64) -> Result<bool, E> {
            Ok(false)
        }

        fn visit_str<E>(self, _: &str) -> Result<bool, E> {
            Ok(false)
        }

        fn visit_unit<E>(self) -> Result<bool, E> {
            Ok(false)
        }
    };
}

impl<'de, T: List> Visitor<'de> for Fill<'_, T, AsList> {
    wrong_types!();

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<bool, A::Error> {
        while self.0.item(&mut seq)? {}
        Ok(true)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(false)
    }
}

impl<'de, T: Object> Visitor<'de> for Fill<'_, T, AsObject> {
    wrong_types!();

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<bool, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(false)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            self.0.field(&key, &mut map)?;
        }
        Ok(true)
    }
}

impl<'de, T: List> DeserializeSeed<'de> for Fill<'_, T, AsList> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Object> DeserializeSeed<'de> for Fill<'_, T, AsObject> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}
