//! Draws the maps and tokens of Tableglow's sample campaign, by code alone.
//!
//! `cargo run -p sample-campaign -- --pictures DIR` writes the pictures into DIR. The same
//! command always gives the same pictures.

use anyhow::{Context, Result, bail};
use sample_campaign::{picture, scenes, tokens};
use std::path::{Path, PathBuf};

fn main() -> Result<()> {
    let mut pictures: Option<PathBuf> = None;
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
            "--scale" => scale = value()?.parse()?,
            "--only" => only = Some(value()?),
            _ => bail!("unknown argument {argument}"),
        }
    }
    let Some(folder) = pictures else {
        bail!("--pictures DIR is missing")
    };
    write_pictures(&folder, scale, only.as_deref())
}

fn write_pictures(folder: &Path, scale: f32, only: Option<&str>) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    for map in scenes::all() {
        if only.is_some_and(|name| name != map.name) {
            continue;
        }
        let picture = picture::paint((map.scene)().as_ref(), map.px_per_cell * scale);
        let bytes = picture::encode_jpeg(&picture, map.quality)?;
        std::fs::write(folder.join(format!("{}.jpg", map.name)), bytes)?;
    }
    for token in tokens::ALL {
        if only.is_some_and(|name| name != "tokens") {
            continue;
        }
        std::fs::write(
            folder.join(format!("{}.png", token.name)),
            tokens::picture(token)?,
        )?;
    }
    Ok(())
}
