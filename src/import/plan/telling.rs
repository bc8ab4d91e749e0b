//! The sentences about what was in a map file.

use crate::import::picture::PictureInfo;
use crate::import::report::{Report, ReportKind, counted};
use crate::import::uvtt::{EmbeddedPicture, UvttDocument, UvttFormat};

pub(super) fn tell_taken(document: &UvttDocument, report: &mut Report) {
    let parts: Vec<String> = [
        (document.line_of_sight.len(), "wall"),
        (document.objects_line_of_sight.len(), "object wall"),
        (document.portals.len(), "door"),
        (document.lights.len(), "light"),
    ]
    .iter()
    .filter(|(n, _)| *n > 0)
    .map(|(n, one)| counted(*n, one))
    .collect();
    let text = if parts.is_empty() {
        "The file has no walls, doors or lights that can be used.".to_owned()
    } else {
        format!("Taken from the file: {}.", listed(&parts))
    };
    report.add(ReportKind::Taken, text);
}

pub(super) fn tell_format(document: &UvttDocument, report: &mut Report) {
    let odd = match &document.format {
        Some(UvttFormat::Number(n)) if [0.2, 0.3, 1.0].contains(n) => return,
        Some(UvttFormat::Number(n)) => format!("version {n}, which is not known"),
        Some(UvttFormat::Text(text)) => format!("version “{text}”, which is not known"),
        None => "no version".to_owned(),
    };
    report.add(
        ReportKind::Adjusted,
        format!("The file has {odd}; it is read as version 0.3."),
    );
}

pub(super) fn tell_embedded(
    embedded: &EmbeddedPicture,
    picture: Option<&Result<PictureInfo, String>>,
    report: &mut Report,
) {
    if let EmbeddedPicture::Bytes {
        claimed_type,
        duplicates,
        ..
    } = embedded
    {
        if *duplicates > 0 {
            report.add(
                ReportKind::Skipped,
                "The file has more than one picture; the first is used.",
            );
        }
        if let (Some(claim), Some(Ok(info))) = (claimed_type, picture)
            && !claim.is_empty()
            && !claim.eq_ignore_ascii_case(&format!("image/{}", info.format.id()))
        {
            report.add(
                ReportKind::Adjusted,
                format!(
                    "The picture is called {claim}, but it is a {}.",
                    info.format.label()
                ),
            );
        }
    }
    let (kind, text) = match (embedded, picture) {
        (_, Some(Ok(info))) => (
            ReportKind::Taken,
            format!(
                "The picture ({}, {} × {} pixels) is taken.",
                info.format.label(),
                info.width,
                info.height
            ),
        ),
        (_, Some(Err(why))) => (
            ReportKind::Skipped,
            format!("The picture in the file is not used: {why}."),
        ),
        (EmbeddedPicture::Path(path), _) => (
            ReportKind::Skipped,
            format!("The picture is not in the file, only its place “{path}”; add it by hand."),
        ),
        (EmbeddedPicture::Broken { .. }, _) => (
            ReportKind::Skipped,
            "The picture in the file is not used: its base64 is damaged; export the map again."
                .to_owned(),
        ),
        _ => (
            ReportKind::Skipped,
            "The file has no picture; add one by hand.".to_owned(),
        ),
    };
    report.add(kind, text);
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn listed(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}
