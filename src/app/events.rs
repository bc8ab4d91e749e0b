//! Events of a room that the user wants to be told: which, and in what words.
//!
//! A room passes events on unread, so what is in them is whatever somebody sent: text is cut and shown
//! as text. Called by the shell, once for each publication.

use serde_json::Value;

use crate::session::room::RoomEvent;

/// The longest text that is told.
const MOST_CHARS: usize = 200;

/// What was told already.
#[derive(Debug, Default)]
pub(super) struct Told {
    newest: u64,
}

impl Told {
    /// Sentences for the events that are new and of a kind in `kinds` (names with commas between).
    pub(super) fn news(&mut self, events: &[RoomEvent], kinds: &str) -> Vec<String> {
        let new: Vec<&RoomEvent> = events
            .iter()
            .filter(|event| event.number > self.newest)
            .collect();
        self.newest = new.last().map_or(self.newest, |event| event.number);
        new.into_iter()
            .filter_map(|event| sentence(&event.text, kinds))
            .collect()
    }
}

/// `{type, payload, timestamp}` or `{requestId, body, name}`, as rooms of PartyKit have them.
fn sentence(text: &str, kinds: &str) -> Option<String> {
    let event: Value = serde_json::from_str(text).ok()?;
    let kind = event.get("type").or_else(|| event.get("name"))?.as_str()?;
    let mut wanted = kinds.split(',').map(str::trim);
    if !wanted.any(|wanted| wanted == kind) {
        return None;
    }
    let payload = event.get("payload").or_else(|| event.get("body"));
    let field = |name: &str| payload?.get(name)?.as_str();
    let told = match kind {
        "USER_JOINED" | "USER_LEFT" => {
            let who = field("userName").or_else(|| field("userId"));
            let verb = if kind == "USER_LEFT" { "left" } else { "came" };
            format!("{} {verb}.", who.unwrap_or("Somebody"))
        }
        _ => match (payload.and_then(Value::as_str), field("text")) {
            (Some(text), _) | (None, Some(text)) => text.to_owned(),
            (None, None) => match payload {
                Some(payload) => format!("{kind}: {payload}"),
                None => kind.to_owned(),
            },
        },
    };
    let shown: String = told
        .chars()
        .filter(|c| !c.is_control())
        .take(MOST_CHARS)
        .collect();
    (!shown.trim().is_empty()).then_some(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(number: u64, text: &str) -> RoomEvent {
        RoomEvent {
            number,
            text: text.into(),
        }
    }

    #[test]
    fn wanted_events_are_told_once_and_no_others() {
        let mut told = Told::default();
        let first = [
            event(
                1,
                r#"{"type":"NOTICE","payload":"Break in five minutes","timestamp":1}"#,
            ),
            event(2, r#"{"type":"SCENE_SAVED","payload":{}}"#),
            event(
                3,
                r#"{"type":"USER_JOINED","payload":{"userId":"u","userName":"Tom"}}"#,
            ),
        ];
        let kinds = "NOTICE, USER_JOINED,ROLL";
        assert_eq!(
            told.news(&first, kinds),
            ["Break in five minutes", "Tom came."]
        );
        assert!(told.news(&first, kinds).is_empty());
        let second = [event(
            4,
            r#"{"requestId":"1","name":"ROLL","body":{"text":"17\nfor stealth"}}"#,
        )];
        assert_eq!(told.news(&second, kinds), ["17for stealth"]);
        assert!(told.news(&[event(5, "no JSON")], kinds).is_empty());
        assert!(Told::default().news(&first, "").is_empty());
    }

    #[test]
    fn whatever_is_in_an_event_is_told_shortly() {
        let long = format!(r#"{{"type":"N","payload":"{}"}}"#, "x".repeat(5000));
        let told = Told::default().news(&[event(1, &long)], "N");
        assert_eq!(told.concat().len(), MOST_CHARS);
        let odd = r#"{"type":"N","payload":[1,2]}"#;
        assert_eq!(Told::default().news(&[event(1, odd)], "N"), ["N: [1,2]"]);
    }
}
