//! Text for people. Must not know what it is about.

/// An error's text as a sentence: a capital in front, a full stop behind.
#[must_use]
pub fn sentence(text: &str) -> String {
    let mut characters = text.trim().chars();
    let mut sentence: String = match characters.next() {
        Some(first) => first.to_uppercase().chain(characters).collect(),
        None => String::new(),
    };
    if !sentence.ends_with(['.', '!', '?', '…']) {
        sentence.push('.');
    }
    sentence
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_begins_large_and_ends_once() {
        assert_eq!(sentence("the room is full"), "The room is full.");
        assert_eq!(sentence("It is done. "), "It is done.");
        assert_eq!(sentence("is it?"), "Is it?");
    }
}
