//! `tableglow render INPUT`: a scene as a picture, without a window.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use serde_json::json;

use crate::render::{Frame, SceneInput};

use crate::render::{AdapterChoice, Headless, LayerSet, Picture, RenderReport};

use crate::scene::player::PlayerScene;
use crate::storage::atomic;
use crate::storage::error::StorageError;

use super::input::{self, Look};
use super::{print_json, tell};

/// How long a picture may wait for its pixels: the first look at a huge map builds its tiles.
pub(super) const PATIENCE: Duration = Duration::from_secs(300);
/// The longest side of a picture: every adapter that we accept can draw it.
const MAX_SIDE: u32 = 16_384;

/// Draws a scene into a PNG file.
#[derive(Debug, Args)]
pub(super) struct Render {
    /// A library, archive, document, picture or map file.
    input: PathBuf,

    /// Whose view.
    #[arg(long = "as", value_enum)]
    side: Side,

    /// Size of the picture, for example 1920x1080.
    #[arg(long, value_name = "WxH", value_parser = parse_size)]
    size: [u32; 2],

    /// The PNG file to write.
    #[arg(long, value_name = "PNG")]
    output: PathBuf,

    /// The scene; by default the active one, else the first of the game used last.
    #[arg(long, value_name = "ID")]
    scene: Option<String>,

    /// Only these layers, separated by commas: background, map, mist, lights, markers,
    /// fog-of-war, grid, edge, annotations.
    #[arg(long, value_name = "LIST", value_parser = parse_layers)]
    layers: Option<LayerSet>,

    /// What fills the picture: the display rectangle, or the map's own.
    #[arg(long, value_enum, default_value_t = View::Display)]
    view: View,

    /// Draw so often and print what a frame costs, as JSON.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    repeat: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Side {
    /// Everything.
    Dm,
    /// What the table may see.
    Player,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum View {
    /// The scene's display rectangle.
    Display,
    /// The map's rectangle.
    Map,
}

/// Reads `1920x1080`.
pub(super) fn parse_size(text: &str) -> Result<[u32; 2], String> {
    let sides = text
        .split_once(['x', 'X'])
        .and_then(|(w, h)| Some([w.parse().ok()?, h.parse().ok()?]));
    match sides {
        Some(sides @ [w, h]) if (1..=MAX_SIDE).contains(&w) && (1..=MAX_SIDE).contains(&h) => {
            Ok(sides)
        }
        Some(_) => Err(format!("each side is from 1 to {MAX_SIDE}")),
        None => Err("write it as WIDTHxHEIGHT, for example 1920x1080".to_owned()),
    }
}

fn parse_layers(list: &str) -> Result<LayerSet, String> {
    LayerSet::parse(list).map_err(|error| error.to_string())
}

impl Render {
    pub(super) fn run(&self, safe_graphics: bool) -> anyhow::Result<()> {
        let mut opened = input::open(&self.input)?;
        let look = opened.look(self.scene.as_deref())?;
        let player;
        let scene = match self.side {
            Side::Dm => SceneInput::Dm(&look.scene),
            Side::Player => {
                player = PlayerScene::of(&look.scene);
                SceneInput::Player(&player)
            }
        };
        let mut frame = match self.view {
            View::Display => Frame::of_display(scene, self.size),
            View::Map => match Frame::of_map(scene, self.size) {
                Some(frame) => frame,
                None => bail!("this scene has no map; leave --view map out"),
            },
        };
        if let Some(layers) = self.layers {
            frame.layers = layers;
        }
        let mut headless = Headless::new(adapter_choice(safe_graphics))?;
        let (picture, report) = headless.render(&frame, &*look.pictures, PATIENCE)?;
        write_picture(&picture, report, &self.output)?;
        if let Some(repeat) = self.repeat {
            let timing = headless.time(&frame, &*look.pictures, repeat, PATIENCE)?;
            print_json(&json!({
                "adapter": timing.adapter,
                "size": self.size,
                "frames": timing.frames,
                "msPerFrame": {
                    "min": timing.min_ms,
                    "median": timing.median_ms,
                    "max": timing.max_ms,
                },
                "cpuMsPerFrame": timing.cpu_ms,
                "gpuMsPerFrame": timing.gpu_ms,
            }))?;
        }
        Ok(())
    }
}

pub(super) const fn adapter_choice(safe_graphics: bool) -> AdapterChoice {
    if safe_graphics {
        AdapterChoice::Software
    } else {
        AdapterChoice::Best
    }
}

/// Writes a scene's display as the DM sees it.
pub(super) fn write_scene_picture(
    look: &Look,
    size_px: [u32; 2],
    output: &Path,
    safe_graphics: bool,
) -> anyhow::Result<()> {
    let frame = Frame::of_display(SceneInput::Dm(&look.scene), size_px);
    let mut headless = Headless::new(adapter_choice(safe_graphics))?;
    let (picture, report) = headless.render(&frame, &*look.pictures, PATIENCE)?;
    write_picture(&picture, report, output)
}

/// Writes the PNG file, whole or not at all, and tells what is missing in the picture.
pub(super) fn write_picture(
    picture: &Picture,
    report: RenderReport,
    output: &Path,
) -> anyhow::Result<()> {
    if report.timed_out {
        tell("Some of the map did not load in time; the picture shows coarser parts in its place.");
    }
    if report.missing > 0 {
        tell("Some pictures are not on this machine; the picture shows the scene without them.");
    }
    if report.fog_failed {
        tell("The fog could not be drawn; the players' view is black in its place.");
    }
    atomic::write_file(output, |file| Ok(picture.write_png(file)?))
        .map_err(|error| StorageError::from_io(output, &error))
        .context("the picture was not written")
}
