//! Properties: declared once, used everywhere.
//!
//! A [`Table`] lists the properties of one kind of row. Each line says where the property lives,
//! its type, default, range, unit, delay class, audience and label. From that line follow
//!
//! - the reader: [`Property::read`], typed access through [`Prop`] and [`super::row::Row`],
//! - the writer and validation: [`Property::check`],
//! - the panel control: [`Property::control`],
//! - the script name: [`Property::script_name`],
//! - the player filter: [`Property::audience`].
//!
//! Declare a table with [`crate::properties!`].

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use super::color::Rgb;
use super::value::{FromValue, Value};

/// Which collection of a document a table describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RowKind {
    /// A scene's settings.
    Scene,
    /// A marker of a scene.
    Marker,
    /// A light of a scene.
    Light,
    /// A drawing layer of a scene.
    Annotation,
    /// The party's state.
    Party,
}

/// Where a property lives in the documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Root {
    /// In the map that Table Slayer's documents have for this kind of row, since this schema
    /// version. In a room of an older version it lives in our own root map.
    Shared {
        /// First `schemaVersion` whose clients know the key.
        since: u32,
    },
    /// In our own root map `tableglow`.
    Tableglow,
}

/// What a value must be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// `true` or `false`.
    Bool,
    /// A whole number in an inclusive range.
    Int {
        /// Least value.
        min: i64,
        /// Greatest value.
        max: i64,
        /// Null is legal.
        nullable: bool,
    },
    /// A number in an inclusive range.
    Number {
        /// Least value.
        min: f64,
        /// Greatest value.
        max: f64,
        /// A sensible step of a control.
        step: f64,
    },
    /// `#rgb` or `#rrggbb`.
    Color,
    /// Any text.
    Text {
        /// Null is legal.
        nullable: bool,
    },
    /// One of these whole numbers.
    Choice(&'static [(i64, &'static str)]),
    /// One of these words.
    Word(&'static [(&'static str, &'static str)]),
    /// A nested value (a rich note), or null.
    Json,
}

/// The default of a property, as a constant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Preset {
    /// Null.
    Null,
    /// A truth value.
    Bool(bool),
    /// A number.
    Number(f64),
    /// A text or colour.
    Text(&'static str),
}

impl Preset {
    /// The value that this constant stands for.
    #[must_use]
    pub fn to_value(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(b) => Value::Bool(b),
            Self::Number(n) => Value::Number(n),
            Self::Text(t) => Value::text(t),
        }
    }
}

/// The unit of a number, shown beside its control.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A plain number, text or switch.
    None,
    /// Display pixels (world units).
    WorldPx,
    /// Inches on the table screen.
    Inch,
    /// Degrees, counter-clockwise.
    Degree,
    /// A share from 0 to 1, shown as per cent.
    Share,
    /// A factor.
    Times,
    /// Grid cells.
    Cell,
    /// Pixels of the token picture's 1024 px square.
    TokenPx,
}

/// How long an edit may wait before it leaves this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Delay {
    /// At once.
    Now,
    /// 50 ms: dragged things.
    Marker,
    /// 100 ms: panel controls.
    Control,
    /// 200 ms: scene-wide settings.
    Scene,
    /// Never leaves this process.
    Local,
}

impl Delay {
    /// The delay, or `None` for what never leaves.
    #[must_use]
    pub const fn duration(self) -> Option<Duration> {
        match self {
            Self::Now => Some(Duration::ZERO),
            Self::Marker => Some(Duration::from_millis(50)),
            Self::Control => Some(Duration::from_millis(100)),
            Self::Scene => Some(Duration::from_millis(200)),
            Self::Local => None,
        }
    }
}

/// Who may see a property's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Audience {
    /// The DM and the players.
    Everyone,
    /// The picture behind it is for everyone, its name is the DM's alone: a player's copy names it by
    /// what it holds, where that can be known.
    Picture,
    /// The DM alone: a player's copy holds the default.
    DmOnly,
}

/// Which part of the property panel shows the control; `Hidden` has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Section {
    /// No control: ids, positions, obsolete keys.
    Hidden,
    /// Name, background.
    Scene,
    /// The table screen: size, resolution, padding.
    Display,
    /// Map placement.
    Map,
    /// Grid.
    Grid,
    /// Fog of war.
    Fog,
    /// Mist over the map.
    Mist,
    /// Edge overlay.
    Edge,
    /// Token style.
    Tokens,
    /// Weather.
    Weather,
    /// Post-processing.
    Effects,
    /// The picked marker.
    Marker,
    /// The picked light.
    Light,
    /// The picked drawing layer.
    Drawing,
}

/// The control that a panel shows for a property.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Control {
    /// A switch.
    Toggle,
    /// A slider with a number field.
    Slider {
        /// Least value.
        min: f64,
        /// Greatest value.
        max: f64,
        /// Step.
        step: f64,
        /// Only whole numbers.
        whole: bool,
        /// Null is a legal state.
        nullable: bool,
    },
    /// A colour well.
    Color,
    /// A text field.
    Text {
        /// Null is a legal state.
        nullable: bool,
    },
    /// A choice of numbers.
    Choice(&'static [(i64, &'static str)]),
    /// A choice of words.
    Word(&'static [(&'static str, &'static str)]),
    /// A rich note.
    Note,
}

/// One property: the line that everything follows from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Property {
    /// The kind of row it belongs to.
    pub row: RowKind,
    /// Its place in the table.
    pub index: usize,
    /// Where it lives.
    pub root: Root,
    /// Its key there.
    pub key: &'static str,
    /// What it must be.
    pub kind: Kind,
    /// Its value when the key is absent or holds something of the wrong type.
    pub preset: Preset,
    /// Its unit.
    pub unit: Unit,
    /// How long an edit of it may wait.
    pub delay: Delay,
    /// Who may see it.
    pub audience: Audience,
    /// Its place in the panel.
    pub section: Section,
    /// What a user reads beside the control.
    pub label: &'static str,
}

/// Why a value was refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Refused {
    /// Another type than the property has.
    #[error("{property} must be {wanted}")]
    Type {
        /// Script name of the property.
        property: String,
        /// What it must be, in words.
        wanted: &'static str,
    },
    /// Outside the property's range.
    #[error("{property} must be between {min} and {max}")]
    Range {
        /// Script name of the property.
        property: String,
        /// Least legal value.
        min: f64,
        /// Greatest legal value.
        max: f64,
    },
    /// None of the property's choices.
    #[error("{property} has no such choice")]
    Choice {
        /// Script name of the property.
        property: String,
    },
}

impl Property {
    /// The name that scripts and reports use: `scene.gridSpacing`.
    #[must_use]
    pub fn script_name(&self) -> String {
        let row = match self.row {
            RowKind::Scene => "scene",
            RowKind::Marker => "marker",
            RowKind::Light => "light",
            RowKind::Annotation => "drawing",
            RowKind::Party => "party",
        };
        format!("{row}.{}", self.key)
    }

    /// The default value.
    #[must_use]
    pub fn default_value(&self) -> Value {
        self.preset.to_value()
    }

    /// Reads a document's value. `Ok` holds a usable value: numbers outside the range are brought
    /// to its nearest end, so that a peer's slip never breaks a picture.
    ///
    /// # Errors
    /// A value of the wrong type; the caller uses the default and reports it once.
    pub fn read(&self, value: &Value) -> Result<Value, Refused> {
        match (self.kind, value) {
            (Kind::Int { min, max, .. }, Value::Number(_)) => {
                let whole = self.whole(value)?;
                Ok(Value::from(whole.clamp(min, max)))
            }
            (Kind::Number { min, max, .. }, Value::Number(n)) if n.is_finite() => {
                Ok(Value::Number(n.clamp(min, max)))
            }
            _ => self.check(value.clone()),
        }
    }

    /// Checks a value that somebody wants to write.
    ///
    /// # Errors
    /// A wrong type, a number outside the range, a choice that does not exist. Never a NaN or an
    /// infinity gets through.
    pub fn check(&self, value: Value) -> Result<Value, Refused> {
        match (self.kind, &value) {
            (Kind::Bool, Value::Bool(_))
            | (Kind::Text { .. }, Value::Text(_))
            | (
                Kind::Text { nullable: true } | Kind::Int { nullable: true, .. } | Kind::Json,
                Value::Null,
            )
            | (Kind::Json, Value::Json(_)) => Ok(value),
            (Kind::Int { min, max, .. }, Value::Number(_)) => {
                let whole = self.whole(&value)?;
                if (min..=max).contains(&whole) {
                    Ok(value)
                } else {
                    Err(self.out_of_range(as_f64(min), as_f64(max)))
                }
            }
            (Kind::Number { min, max, .. }, Value::Number(n)) if n.is_finite() => {
                if (min..=max).contains(n) {
                    Ok(value)
                } else {
                    Err(self.out_of_range(min, max))
                }
            }
            (Kind::Color, Value::Text(text)) if Rgb::parse(text).is_some() => Ok(value),
            (Kind::Choice(choices), Value::Number(_)) => {
                let whole = self.whole(&value)?;
                if choices.iter().any(|(code, _)| *code == whole) {
                    Ok(value)
                } else {
                    Err(self.no_choice())
                }
            }
            (Kind::Word(words), Value::Text(text)) => {
                if words.iter().any(|(word, _)| *word == &**text) {
                    Ok(value)
                } else {
                    Err(self.no_choice())
                }
            }
            _ => Err(self.wrong_type()),
        }
    }

    /// The control that a panel shows, or `None` for a property without one.
    #[must_use]
    pub fn control(&self) -> Option<Control> {
        if self.section == Section::Hidden {
            return None;
        }
        Some(match self.kind {
            Kind::Bool => Control::Toggle,
            Kind::Int { min, max, nullable } => Control::Slider {
                min: as_f64(min),
                max: as_f64(max),
                step: 1.0,
                whole: true,
                nullable,
            },
            Kind::Number { min, max, step } => Control::Slider {
                min,
                max,
                step,
                whole: false,
                nullable: false,
            },
            Kind::Color => Control::Color,
            Kind::Text { nullable } => Control::Text { nullable },
            Kind::Choice(choices) => Control::Choice(choices),
            Kind::Word(words) => Control::Word(words),
            Kind::Json => Control::Note,
        })
    }

    fn whole(&self, value: &Value) -> Result<i64, Refused> {
        i64::from_value(value).ok_or_else(|| self.wrong_type())
    }

    fn wrong_type(&self) -> Refused {
        Refused::Type {
            property: self.script_name(),
            wanted: match self.kind {
                Kind::Bool => "true or false",
                Kind::Int { .. } => "a whole number",
                Kind::Number { .. } => "a number",
                Kind::Color => "a colour such as #a1b2c3",
                Kind::Text { .. } => "a text",
                Kind::Choice(_) => "one of its numbers",
                Kind::Word(_) => "one of its words",
                Kind::Json => "a note",
            },
        }
    }

    fn out_of_range(&self, min: f64, max: f64) -> Refused {
        Refused::Range {
            property: self.script_name(),
            min,
            max,
        }
    }

    fn no_choice(&self) -> Refused {
        Refused::Choice {
            property: self.script_name(),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "range ends are far below 2^53")]
const fn as_f64(whole: i64) -> f64 {
    whole as f64
}

/// All properties of one kind of row.
#[derive(Debug)]
pub struct Table {
    /// The kind of row.
    pub row: RowKind,
    /// The properties, by index.
    pub properties: &'static [Property],
}

impl Table {
    /// The property with this key.
    #[must_use]
    pub fn by_key(&self, key: &str) -> Option<&'static Property> {
        self.properties.iter().find(|p| p.key == key)
    }
}

/// A typed handle of a property: its place in its table and the Rust type it reads as.
pub struct Prop<T> {
    /// Its line.
    property: &'static Property,
    reads_as: PhantomData<fn() -> T>,
}

impl<T> Prop<T> {
    /// Used by [`crate::properties!`].
    #[must_use]
    pub const fn new(property: &'static Property) -> Self {
        Self {
            property,
            reads_as: PhantomData,
        }
    }

    /// The line that declares it.
    #[must_use]
    pub const fn property(self) -> &'static Property {
        self.property
    }
}

impl<T> Clone for Prop<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Prop<T> {}

impl<T> fmt::Debug for Prop<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.property.script_name())
    }
}

/// Declares a table: `TABLE` and a typed handle for each line.
///
/// `NAME: Type = "key", Root, Kind, Preset, Unit, Delay, Audience, Section, "Label";`
#[macro_export]
macro_rules! properties {
    (
        row $row:expr;
        $( $(#[$doc:meta])* $name:ident : $type:ty = $key:literal, $root:expr, $kind:expr, $preset:expr,
           $unit:expr, $delay:expr, $audience:expr, $section:expr, $label:literal; )*
    ) => {
        #[expect(
            non_camel_case_types,
            clippy::upper_case_acronyms,
            reason = "one variant a property, named as its handle"
        )]
        enum Index { $( $name, )* COUNT }

        /// The properties of this kind of row.
        pub static TABLE: $crate::model::property::Table = $crate::model::property::Table {
            row: $row,
            properties: &PROPERTIES,
        };

        static PROPERTIES: [$crate::model::property::Property; Index::COUNT as usize] = [
            $( $crate::model::property::Property {
                row: $row,
                index: Index::$name as usize,
                root: $root,
                key: $key,
                kind: $kind,
                preset: $preset,
                unit: $unit,
                delay: $delay,
                audience: $audience,
                section: $section,
                label: $label,
            }, )*
        ];

        $(
            $(#[$doc])*
            pub static $name: $crate::model::property::Prop<$type> =
                $crate::model::property::Prop::new(&PROPERTIES[Index::$name as usize]);
        )*
    };
}
