//! Draws the maps and tokens of Tableglow's sample campaign, by code alone, and writes its
//! archive.
//!
//! `cargo run -p sample-campaign` rewrites `assets/sample.tableglow`; with `--pictures DIR` it
//! writes only the pictures, into DIR (`--scale FACTOR` smaller, `--only NAME` one of them), and
//! with `--from DIR` it takes them from there instead of painting for minutes. The same command
//! always gives the same files.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use sample_campaign::campaign::{self, NamedPicture};
use sample_campaign::{picture, scenes, tokens};
use tableglow::library::pictures::PictureUse;

/// The archive in this repository.
const ARCHIVE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/sample.tableglow");

fn main() -> Result<()> {
    let mut pictures: Option<PathBuf> = None;
    let mut painted: Option<PathBuf> = None;
    let mut scale = 1.0f32;
    let mut only: Option<String> = None;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || {
            arguments
                .next()
                .with_context(|| format!("{argument} needs a value"))
        };
        match argument.as_str() {
            "--pictures" => pictures = Some(value()?.into()),
            "--from" => painted = Some(value()?.into()),
            "--scale" => scale = value()?.parse()?,
            "--only" => only = Some(value()?),
            _ => bail!("unknown argument {argument}"),
        }
    }
    let chosen = |name: &str| only.as_deref().is_none_or(|only| only == name);
    match pictures {
        Some(folder) => {
            std::fs::create_dir_all(&folder)?;
            for picture in paint(scale, &chosen)? {
                std::fs::write(folder.join(&picture.file_name), &picture.bytes)?;
            }
            Ok(())
        }
        None if only.is_some() || scale < 1.0 => bail!("--scale and --only go with --pictures DIR"),
        None => write_archive(Path::new(ARCHIVE), painted.as_deref()),
    }
}

/// All pictures, from files that `--pictures` wrote.
fn read(folder: &Path) -> Result<Vec<NamedPicture>> {
    let file = |name: &'static str, file_name: String, used_as| -> Result<NamedPicture> {
        let path = folder.join(&file_name);
        let bytes = std::fs::read(&path).with_context(|| path.display().to_string())?;
        Ok(NamedPicture {
            name,
            file_name,
            used_as,
            bytes,
        })
    };
    let maps = scenes::all()
        .into_iter()
        .map(|map| file(map.name, format!("{}.jpg", map.name), PictureUse::Map));
    let tokens = tokens::ALL
        .iter()
        .map(|token| file(token.name, format!("{}.png", token.name), PictureUse::Token));
    maps.chain(tokens).collect()
}

/// Paints the chosen pictures.
fn paint(scale: f32, chosen: &dyn Fn(&str) -> bool) -> Result<Vec<NamedPicture>> {
    let mut pictures = Vec::new();
    for map in scenes::all().into_iter().filter(|map| chosen(map.name)) {
        let painted = picture::paint((map.scene)().as_ref(), map.px_per_cell * scale);
        pictures.push(NamedPicture {
            name: map.name,
            file_name: format!("{}.jpg", map.name),
            used_as: PictureUse::Map,
            bytes: picture::encode_jpeg(&painted, map.quality)?,
        });
    }
    for token in tokens::ALL.iter().filter(|token| chosen(token.name)) {
        pictures.push(NamedPicture {
            name: token.name,
            file_name: format!("{}.png", token.name),
            used_as: PictureUse::Token,
            bytes: tokens::picture(token)?,
        });
    }
    Ok(pictures)
}

fn write_archive(to: &Path, painted: Option<&Path>) -> Result<()> {
    let pictures = match painted {
        Some(folder) => read(folder)?,
        None => paint(1.0, &|_| true)?,
    };
    let contents = campaign::assemble(pictures, File::open(to).ok())?;
    contents.write_file(to)?;
    Ok(())
}
