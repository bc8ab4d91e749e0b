//! Pictures from where web clients keep theirs: a foreign server that is asked by the documents' keys,
//! knows nothing of us, and is believed nothing.

use ureq::Body;
use ureq::http::{Response, StatusCode, header};

use super::transfer::{Attached, Failure, Place, Source};
use super::trouble::shown;
use crate::library::{Library, LibraryError};
use crate::session::picture_address::redirected;

/// The largest file that is taken from a web client's bucket.
pub(super) const MOST_BYTES: u64 = 256 << 20;
/// Redirections that are followed.
const MOST_REDIRECTIONS: usize = 5;
/// Endings of what moves and cannot be decoded, as web clients look for them.
const VIDEOS: [&str; 4] = [".mp4", ".webm", ".mov", ".avi"];

/// Whether web clients take a key's file for a video.
fn is_video(location: &str) -> bool {
    let location = location.to_ascii_lowercase();
    VIDEOS.iter().any(|ending| location.contains(ending))
}

/// What the answer to a request for a key's file means when it is not the file.
pub(super) fn refusal(response: &Response<Body>) -> Failure {
    let status = response.status();
    match status {
        StatusCode::NOT_FOUND | StatusCode::GONE => Failure::Absent,
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => {
            Failure::Passing(format!("it answered with status {}", status.as_u16()))
        }
        status if status.is_client_error() => {
            Failure::Refused(format!("it answered with status {}", status.as_u16()))
        }
        status => Failure::Passing(format!("it answered with status {}", status.as_u16())),
    }
}

impl Attached {
    /// Fetches a key's file into the library. `progress` gets the bytes that are here and all of
    /// them.
    pub(super) fn fetch_web(
        &self,
        library: &Library,
        location: &str,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<(), Failure> {
        if is_video(location) {
            return Err(Failure::Skipped);
        }
        let Place::Web(address) = &self.place else {
            return Err(Failure::Off);
        };
        let useless = |why: &dyn std::fmt::Display| {
            Failure::Useless(format!(
                "The file {} from {} cannot be used: {why}; the game itself is safe",
                shown(location),
                address.host()
            ))
        };
        let Some(url) = address.url_of(location) else {
            return Err(useless(&"its name does not lead to a file there"));
        };
        let mut source = Source::open(self, url, MOST_BYTES, progress).map_err(|failure| {
            match failure {
                // Only the size is known yet.
                Failure::Useless(_) => useless(&LibraryError::PictureFileTooLarge),
                failure => failure,
            }
        })?;
        let added = library.add_web_picture(&mut source, location, MOST_BYTES);
        match (added, source.failure.take()) {
            (Ok(()), _) => Ok(()),
            (Err(_), Some(failure)) => Err(failure),
            (Err(error), None) => Err(match super::transfer::kept_badly(&error) {
                Failure::Useless(_) => useless(&error),
                failure => failure,
            }),
        }
    }

    /// Asks and goes where it is sent, within limits.
    pub(super) fn follow(
        &self,
        url: &str,
        ask: impl Fn(&str) -> Result<Response<Body>, Failure>,
    ) -> Result<Response<Body>, Failure> {
        let mut url = url.to_owned();
        for _ in 0..=MOST_REDIRECTIONS {
            let response = ask(&url)?;
            let is_redirection = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
            if !is_redirection {
                return Ok(response);
            }
            let to = response.headers().get(header::LOCATION);
            let to = to.and_then(|to| to.to_str().ok());
            let Some(next) = to.and_then(|to| redirected(&url, to)) else {
                return Err(Failure::Passing(
                    "it sends on to an address that is not safe to follow".into(),
                ));
            };
            url = next;
        }
        Err(Failure::Passing(
            "it sends on from one address to the next".into(),
        ))
    }
}
