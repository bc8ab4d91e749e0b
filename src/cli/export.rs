//! `tableglow export INPUT --output FILE`: an archive, a Universal VTT file or a scene's picture.

use std::path::PathBuf;

use anyhow::bail;
use clap::{Args, ValueEnum};

use crate::model::id::PartyId;
use crate::session::export::write_universal_vtt;
use crate::session::jobs::exported_lines;

use super::input::{self, Opened};
use super::tell;

/// Writes a campaign archive, a Universal VTT file or a picture.
#[derive(Debug, Args)]
pub(super) struct Export {
    /// A library, archive, picture or map file.
    input: PathBuf,

    /// The file to write; its ending says what it becomes: .tableglow, .uvtt, .dd2vtt or .png.
    #[arg(long, value_name = "FILE")]
    output: PathBuf,

    /// What to write, where the ending does not say.
    #[arg(long, value_enum)]
    format: Option<Format>,

    /// The scene to write; by default the active one, else the first.
    #[arg(long, value_name = "ID")]
    scene: Option<String>,

    /// The one party to write into an archive; by default all of the library.
    #[arg(long, value_name = "ID")]
    party: Option<String>,

    /// Size of a picture; by default the scene's display.
    #[cfg(feature = "render")]
    #[arg(long, value_name = "WxH", value_parser = super::render::parse_size)]
    size: Option<[u32; 2]>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A campaign archive with documents and pictures.
    Archive,
    /// A Universal VTT file of one scene.
    Uvtt,
    /// A picture of one scene as the DM sees it.
    Png,
}

impl Export {
    fn wanted(&self) -> anyhow::Result<Format> {
        if let Some(format) = self.format {
            return Ok(format);
        }
        let ending = self
            .output
            .extension()
            .map(|ending| ending.to_string_lossy().to_lowercase());
        match ending.as_deref() {
            Some("tableglow") => Ok(Format::Archive),
            Some("uvtt" | "dd2vtt" | "df2vtt") => Ok(Format::Uvtt),
            Some("png") => Ok(Format::Png),
            _ => bail!(
                "{} does not say what to write; end it with .tableglow, .uvtt, .dd2vtt or .png, \
                 or give --format",
                self.output.display()
            ),
        }
    }

    pub(super) fn run(&self, safe_graphics: bool) -> anyhow::Result<()> {
        let format = self.wanted()?;
        let mut opened = input::open(&self.input)?;
        match format {
            Format::Archive => {
                let Opened::Campaign(campaign) = &opened else {
                    bail!("a bare document is no campaign, so there is nothing to export");
                };
                // Without a choice the whole library goes out.
                let parties: Vec<PartyId> = self.party.iter().map(|id| PartyId::new(id)).collect();
                let library = campaign.workspace.library();
                for line in exported_lines(&library.export_archive(&parties, &self.output)?) {
                    tell(&line);
                }
                Ok(())
            }
            Format::Uvtt => {
                let (library, scene) = opened.scene_to_export(self.scene.as_deref())?;
                let report = write_universal_vtt(&library, &scene, &self.output)?;
                for line in report.texts() {
                    tell(line);
                }
                Ok(())
            }
            #[cfg(feature = "render")]
            Format::Png => {
                let look = opened.look(self.scene.as_deref())?;
                let size = self.size.unwrap_or_else(|| {
                    look.scene
                        .display_size_world()
                        .to_array()
                        .map(|side| side.round().clamp(1.0, 16384.0) as u32)
                });
                super::render::write_scene_picture(&look, size, &self.output, safe_graphics)
            }
            #[cfg(not(feature = "render"))]
            Format::Png => {
                let _ = safe_graphics;
                bail!("this program was built without the renderer")
            }
        }
    }
}
