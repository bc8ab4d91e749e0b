//! Colours as the documents spell them: `#rgb` or `#rrggbb`, sRGB.

/// An opaque sRGB colour, 8 bits a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Rgb {
    /// Red, 0..=255.
    pub r: u8,
    /// Green, 0..=255.
    pub g: u8,
    /// Blue, 0..=255.
    pub b: u8,
}

impl Rgb {
    /// White.
    pub const WHITE: Self = Self::new(255, 255, 255);
    /// Black.
    pub const BLACK: Self = Self::new(0, 0, 0);

    /// A colour from its channels.
    #[must_use]
    pub const fn new(r: u8, g: u8, b: u8) -> Self {
        Self { r, g, b }
    }

    /// Reads `#rgb` or `#rrggbb` in any case; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#')?;
        if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let number = u32::from_str_radix(digits, 16).ok()?;
        let byte = |shift: u32| ((number >> shift) & 0xff) as u8;
        match digits.len() {
            3 => {
                let nibble = |shift: u32| (((number >> shift) & 0xf) * 17) as u8;
                Some(Self::new(nibble(8), nibble(4), nibble(0)))
            }
            6 => Some(Self::new(byte(16), byte(8), byte(0))),
            _ => None,
        }
    }

    /// `#rrggbb`, lower case.
    #[must_use]
    pub fn to_hex(self) -> String {
        format!("#{:02x}{:02x}{:02x}", self.r, self.g, self.b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_read_and_others_do_not() {
        assert_eq!(Rgb::parse("#CCC"), Some(Rgb::new(204, 204, 204)));
        assert_eq!(Rgb::parse("#a0A0a1"), Some(Rgb::new(160, 160, 161)));
        for wrong in ["", "#", "CCC", "#CCCC", "#+12", "#12345g", "#é2345"] {
            assert_eq!(Rgb::parse(wrong), None, "{wrong}");
        }
        assert_eq!(Rgb::new(1, 2, 255).to_hex(), "#0102ff");
    }
}
