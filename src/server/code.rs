//! Codes that a person can read out and type: ten characters of Crockford's base32, 50 bits.
//!
//! A code is kept and sent in its normal form (`7KQ2M9XP4T`), shown in groups (`7KQ2-M9XP-4T`) and
//! typed in any way that reads the same. Fifty bits are few for a secret, so whoever checks codes
//! limits the tries: [`super::tries`]. Both sides use this file.

use rand::rngs::OsRng;
use rand::{Rng as _, TryRngCore as _};

/// Digits and letters without I, L, O and U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Characters of a code.
const LENGTH: usize = 10;

/// A new code in its normal form.
pub(super) fn fresh() -> String {
    let mut random = OsRng.unwrap_err();
    (0..LENGTH)
        .map(|_| char::from(ALPHABET[usize::from(random.random::<u8>() % 32)]))
        .collect()
}

/// The normal form of what somebody typed: capitals, without blanks and dashes, `O` read as `0`,
/// `I` and `L` as `1`. What is no code comes out as something that opens nothing.
#[must_use]
pub fn normal_code(typed: &str) -> String {
    let is_filling = |c: &char| c.is_whitespace() || matches!(c, '-' | '\u{2010}'..='\u{2015}');
    typed
        .chars()
        .filter(|c| !is_filling(c))
        .map(|c| match c.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            c => c,
        })
        .collect()
}

/// Whether a text is a code, however it is written.
#[must_use]
pub fn is_code(text: &str) -> bool {
    // Longer texts are looked at no further: they come from strangers.
    text.len() <= 64 && {
        let normal = normal_code(text);
        normal.len() == LENGTH && normal.bytes().all(|c| ALPHABET.contains(&c))
    }
}

/// The one form in which a token is compared and sent: a code in its normal form, every other token
/// as it is.
#[must_use]
pub fn normal_token(token: &str) -> String {
    if is_code(token) {
        normal_code(token)
    } else {
        token.trim().to_owned()
    }
}

/// A code in groups, for people; every other token as it is.
#[must_use]
pub fn shown(token: &str) -> String {
    if !is_code(token) {
        return token.to_owned();
    }
    let normal = normal_code(token);
    let mut shown = String::with_capacity(LENGTH + 2);
    for (n, c) in normal.chars().enumerate() {
        if n > 0 && n % 4 == 0 {
            shown.push('-');
        }
        shown.push(c);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_the_same_however_it_is_typed() {
        for typed in [
            "7KQ2M9XP41",
            "7kq2-m9xp-4l",
            " 7KQ2 M9XP 4i ",
            "7KQ2\u{2013}M9XP\u{2013}4L\n",
        ] {
            assert_eq!(normal_code(typed), "7KQ2M9XP41", "{typed}");
            assert!(is_code(typed));
        }
        assert_eq!(normal_code("oO0"), "000");
        assert_eq!(shown("7kq2m9xp41"), "7KQ2-M9XP-41");
        for other in [
            "",
            "7KQ2-M9XP-4",
            "7KQ2-M9XP-4TT",
            "7KQ2-M9XP-4U",
            "7KQ2-M9XP-é",
            "kX3_v0TqVvQ2c4Qz1sT9Lw",
        ] {
            assert!(!is_code(other), "{other}");
            assert_eq!(shown(other), other);
            assert_eq!(normal_token(other), other);
        }
    }

    #[test]
    fn fresh_codes_are_codes_and_use_every_character() {
        let mut seen = [false; 32];
        for _ in 0..200 {
            let code = fresh();
            assert_eq!(normal_code(&code), code);
            assert!(is_code(&code));
            for c in code.bytes() {
                let at = ALPHABET.iter().position(|a| *a == c);
                if let Some(seen) = at.and_then(|at| seen.get_mut(at)) {
                    *seen = true;
                }
            }
        }
        assert!(seen.iter().all(|seen| *seen));
        assert_ne!(fresh(), fresh());
    }
}
