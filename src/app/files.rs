//! File dialogs of the system, off the thread that paints.
//!
//! The dialog is made on the UI thread (macOS wants that) and waited for on a thread of its own. A
//! system without dialogs answers as if the user had cancelled, so a dialog that closes at once
//! brings up the app's own path field instead. Called by [`super::shell`].

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};
use eframe::egui;

use super::command::FilePurpose;

/// An empty answer sooner than this means that no dialog was ever shown.
const TOO_QUICK: Duration = Duration::from_millis(250);

/// What a dialog brought.
#[derive(Debug)]
pub enum Answer {
    /// These files.
    Files(FilePurpose, Vec<PathBuf>),
    /// The user thought better of it.
    Nothing,
    /// This system shows no dialogs.
    NoDialog(FilePurpose),
}

/// The files that a text names, one a line, as paths or `file:` addresses; none of them when one is
/// not there.
#[must_use]
pub fn named_files(words: &str) -> Vec<PathBuf> {
    const MOST: usize = 64;
    let lines: Vec<&str> = words
        .lines()
        .map(str::trim)
        // GNOME's file manager begins with what was asked for.
        .filter(|line| !line.is_empty() && !matches!(*line, "copy" | "cut"))
        .collect();
    if lines.len() > MOST {
        return Vec::new();
    }
    let files: Option<Vec<PathBuf>> = lines
        .into_iter()
        .map(|line| Some(typed_path(line)).filter(|path| path.is_absolute() && path.is_file()))
        .collect();
    files.unwrap_or_default()
}

/// The picture in the clipboard, whatever text is there beside it: programs that copy pictures often
/// offer words, too, and text goes first where nobody asks.
#[must_use]
pub fn clipboard_picture() -> Option<egui::ColorImage> {
    let picture = arboard::Clipboard::new().ok()?.get_image().ok()?;
    let size = [picture.width, picture.height];
    let whole = picture.width.checked_mul(picture.height)?.checked_mul(4)? == picture.bytes.len();
    whole.then(|| egui::ColorImage::from_rgba_unmultiplied(size, &picture.bytes))
}

/// A path as people write it: plain, from their home with `~/`, or as a `file:` address.
#[must_use]
pub fn typed_path(text: &str) -> PathBuf {
    let text = text.trim();
    if let Ok(address) = url::Url::parse(text)
        && let Ok(path) = address.to_file_path()
    {
        return path;
    }
    match text.strip_prefix("~/") {
        Some(rest) => match directories::UserDirs::new() {
            Some(folders) => folders.home_dir().join(rest),
            None => rest.into(),
        },
        None => text.into(),
    }
}

/// The open dialogs.
#[derive(Debug)]
pub struct FileDialogs {
    answers: Receiver<Answer>,
    to_us: Sender<Answer>,
    open: usize,
}

impl Default for FileDialogs {
    fn default() -> Self {
        let (to_us, answers) = bounded(16);
        Self {
            answers,
            to_us,
            open: 0,
        }
    }
}

impl FileDialogs {
    /// Shows a dialog. One at a time: while one is open, nothing happens.
    pub fn ask(&mut self, ctx: &egui::Context, purpose: FilePurpose) {
        if self.open > 0 {
            return;
        }
        let (filter, extensions) = purpose.filter();
        let dialog = rfd::AsyncFileDialog::new()
            .set_title(purpose.title())
            .add_filter(filter, extensions);
        let many = matches!(purpose, FilePurpose::Import { into: None });
        let started = Instant::now();
        let future: std::pin::Pin<Box<dyn Future<Output = Vec<PathBuf>> + Send>> =
            if purpose.saves() {
                let saving = dialog.set_file_name(purpose.suggested_name()).save_file();
                Box::pin(async move {
                    let file = saving.await;
                    file.map(|file| file.path().to_owned())
                        .into_iter()
                        .collect()
                })
            } else if many {
                let picking = dialog.add_filter("All files", &["*"]).pick_files();
                Box::pin(async move {
                    let files = picking.await.unwrap_or_default();
                    files.iter().map(|file| file.path().to_owned()).collect()
                })
            } else {
                let picking = dialog.add_filter("All files", &["*"]).pick_file();
                Box::pin(async move {
                    let file = picking.await;
                    file.map(|file| file.path().to_owned())
                        .into_iter()
                        .collect()
                })
            };
        let to_us = self.to_us.clone();
        let ctx = ctx.clone();
        let fallback = purpose.clone();
        let waiter = std::thread::Builder::new()
            .name("file dialog".into())
            .spawn(move || {
                let files = pollster::block_on(future);
                let answer = if !files.is_empty() {
                    Answer::Files(purpose, files)
                } else if started.elapsed() < TOO_QUICK {
                    Answer::NoDialog(purpose)
                } else {
                    Answer::Nothing
                };
                // The app may be gone by now.
                let _ = to_us.send(answer);
                ctx.request_repaint();
            });
        match waiter {
            Ok(_) => self.open += 1,
            Err(_) => {
                // Without a thread there is no dialog; the channel has room, being empty.
                let _ = self.to_us.try_send(Answer::NoDialog(fallback));
            }
        }
    }

    /// What has been answered since the last call.
    pub fn answers(&mut self) -> Vec<Answer> {
        let answers: Vec<Answer> = self.answers.try_iter().collect();
        self.open = self.open.saturating_sub(answers.len());
        answers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_as_people_and_file_managers_write_them() {
        assert_eq!(
            typed_path(" /maps/a b.png "),
            PathBuf::from("/maps/a b.png")
        );
        assert_eq!(
            typed_path("file:///maps/a%20b%C3%A9.png"),
            PathBuf::from("/maps/a bé.png")
        );
        assert_eq!(
            typed_path("/maps/100%.png"),
            PathBuf::from("/maps/100%.png")
        );
        assert!(typed_path("~/a.png").ends_with("a.png"));
        assert!(!typed_path("~/a.png").starts_with("~"));
    }

    #[test]
    fn words_name_no_files() {
        assert!(named_files("to be or not to be").is_empty());
        assert!(named_files("").is_empty());
        assert!(named_files("/nowhere/at/all.png").is_empty());
    }
}
