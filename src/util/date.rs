//! Moments as text: for file names in universal time, for people in their own.
//!
//! Must not know: the domain. Called by [`crate::storage`] and [`crate::app`].

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// With milliseconds, sorts by time and is a file name everywhere: `20261121T023000123Z`.
const STAMP: &str = "%Y%m%dT%H%M%S%3f";

/// A moment for a file's name, `20261121T023000123Z`. A moment outside the years 1 to 9999 is
/// written as the nearest one inside.
#[must_use]
pub fn file_stamp(unix_ms: i64) -> String {
    let moment = timestamp(unix_ms).to_zoned(TimeZone::UTC).datetime();
    format!("{}Z", moment.strftime(STAMP))
}

/// The moment of [`file_stamp`] in milliseconds since 1970; `None` for any other text.
#[must_use]
pub fn parse_file_stamp(text: &str) -> Option<i64> {
    let digits = text.strip_suffix('Z').filter(|rest| rest.len() == 18)?;
    let moment = DateTime::strptime(STAMP, digits).ok()?;
    let zoned = moment.to_zoned(TimeZone::UTC).ok()?;
    Some(zoned.timestamp().as_millisecond())
}

/// A moment for people, in their own time zone: `2026-11-21 03:30`.
#[must_use]
pub fn local_minute(unix_ms: i64) -> String {
    minute_in(unix_ms, TimeZone::system())
}

/// A moment's time of day in this machine's time zone: `09:05:07.123`.
#[must_use]
pub fn local_millis(unix_ms: i64) -> String {
    millis_in(unix_ms, TimeZone::system())
}

fn millis_in(unix_ms: i64, zone: TimeZone) -> String {
    let moment = timestamp(unix_ms).to_zoned(zone);
    moment.strftime("%H:%M:%S.%3f").to_string()
}

fn minute_in(unix_ms: i64, zone: TimeZone) -> String {
    let moment = timestamp(unix_ms).to_zoned(zone);
    moment.strftime("%Y-%m-%d %H:%M").to_string()
}

fn timestamp(unix_ms: i64) -> Timestamp {
    let nearest = if unix_ms < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    };
    Timestamp::from_millisecond(unix_ms).unwrap_or(nearest)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_come_back() {
        assert_eq!(file_stamp(951_782_400_000), "20000229T000000000Z");
        for unix_ms in [0, -1, 1_795_228_200_123, 951_868_799_999] {
            assert_eq!(parse_file_stamp(&file_stamp(unix_ms)), Some(unix_ms));
        }
        for wrong in [
            "",
            "Z",
            "20000229T000000000",
            "20000230T000000000Z",
            "2000-02-29T000000Z",
        ] {
            assert_eq!(parse_file_stamp(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn people_read_their_own_time() {
        assert_eq!(
            minute_in(1_709_210_096_000, TimeZone::UTC),
            "2024-02-29 12:34"
        );
        let kathmandu = TimeZone::fixed(jiff::tz::Offset::from_seconds(20_700).unwrap());
        assert_eq!(minute_in(1_709_210_096_000, kathmandu), "2024-02-29 18:19");
        assert!(!local_minute(i64::MAX).is_empty());
        assert_eq!(millis_in(1_709_210_096_007, TimeZone::UTC), "12:34:56.007");
    }
}
