//! The WGSL files: embedded, put together by their `#import "file.wgsl"` lines, and in debug builds
//! read anew from disk when they change.
//!
//! An imported file is pasted once, before the first line that needs it. What does not parse or
//! validate is reported and never reaches the device, so that a slip while editing keeps the old
//! pipelines.

use std::collections::BTreeSet;

/// One file for each pass, and what they import.
macro_rules! shader_files {
    ($( $name:literal ),* $(,)?) => {
        const EMBEDDED: &[(&str, &str)] = &[
            $( ($name, include_str!(concat!("../../shaders/", $name))), )*
        ];
    };
}

shader_files!(
    "annotation.wgsl",
    "blit.wgsl",
    "clouds.wgsl",
    "common.wgsl",
    "edge.wgsl",
    "fog.wgsl",
    "fog_uniform.wgsl",
    "grid.wgsl",
    "labels.wgsl",
    "lights.wgsl",
    "map.wgsl",
    "markers.wgsl",
    "mist.wgsl",
    "quad.wgsl",
    "solid.wgsl",
);

/// Why a shader can not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum ShaderError {
    /// An import names no file.
    #[error("{importer} imports {name}, which does not exist")]
    NoSuchFile { importer: String, name: String },
    /// It does not parse or validate.
    #[cfg(any(test, debug_assertions))]
    #[error("{name}: {message}")]
    Invalid { name: String, message: String },
}

/// The texts of all files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shaders {
    files: Vec<(&'static str, String)>,
}

impl Shaders {
    /// As they were when this program was built.
    pub(super) fn embedded() -> Self {
        Self {
            files: EMBEDDED
                .iter()
                .map(|(n, t)| (*n, (*t).to_owned()))
                .collect(),
        }
    }

    /// The text of a file with its imports before it.
    pub(super) fn assembled(&self, name: &str) -> Result<String, ShaderError> {
        let mut out = String::new();
        self.paste(name, name, &mut BTreeSet::new(), &mut out)?;
        Ok(out)
    }

    fn paste<'a>(
        &'a self,
        name: &str,
        importer: &str,
        pasted: &mut BTreeSet<&'a str>,
        out: &mut String,
    ) -> Result<(), ShaderError> {
        let Some((name, text)) = self.files.iter().find(|(n, _)| *n == name) else {
            return Err(ShaderError::NoSuchFile {
                importer: importer.to_owned(),
                name: name.to_owned(),
            });
        };
        if !pasted.insert(name) {
            return Ok(());
        }
        for line in text.lines() {
            match line.trim().strip_prefix("#import ") {
                Some(import) => self.paste(import.trim().trim_matches('"'), name, pasted, out)?,
                None => {
                    out.push_str(line);
                    out.push('\n');
                }
            }
        }
        Ok(())
    }

    /// Parses and validates every file with its imports: before what was edited on the disk is used.
    #[cfg(any(test, debug_assertions))]
    pub(super) fn validated(&self) -> Result<Vec<(&'static str, naga::Module)>, ShaderError> {
        self.files
            .iter()
            .map(|(name, _)| {
                let source = self.assembled(name)?;
                let invalid = |message: String| ShaderError::Invalid {
                    name: (*name).to_owned(),
                    message,
                };
                let module = naga::front::wgsl::parse_str(&source)
                    .map_err(|error| invalid(error.emit_to_string(&source)))?;
                naga::valid::Validator::new(
                    naga::valid::ValidationFlags::all(),
                    naga::valid::Capabilities::empty(),
                )
                .validate(&module)
                .map_err(|error| invalid(error.emit_to_string(&source)))?;
                Ok((*name, module))
            })
            .collect()
    }

    /// A module for the device.
    pub(super) fn module(
        &self,
        device: &wgpu::Device,
        name: &'static str,
    ) -> Result<wgpu::ShaderModule, ShaderError> {
        Ok(device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some(name),
            source: wgpu::ShaderSource::Wgsl(self.assembled(name)?.into()),
        }))
    }
}

/// Watches the files in debug builds; in release builds nothing ever changes.
#[derive(Debug)]
pub(super) struct ShaderWatch {
    #[cfg(debug_assertions)]
    last_look: std::time::Instant,
    #[cfg(debug_assertions)]
    current: Shaders,
}

impl ShaderWatch {
    /// Starts with the embedded files.
    pub(super) fn new() -> Self {
        Self {
            #[cfg(debug_assertions)]
            last_look: std::time::Instant::now(),
            #[cfg(debug_assertions)]
            current: Shaders::embedded(),
        }
    }

    /// New files that validate, at most once for each change. Looks twice a second.
    #[cfg(debug_assertions)]
    pub(super) fn changed(&mut self) -> Option<Shaders> {
        if self.last_look.elapsed() < std::time::Duration::from_millis(500) {
            return None;
        }
        self.last_look = std::time::Instant::now();
        let on_disk = Shaders {
            files: EMBEDDED
                .iter()
                .map(|(name, text)| {
                    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/shaders/");
                    let text = std::fs::read_to_string(format!("{path}{name}"))
                        .unwrap_or_else(|_| (*text).to_owned());
                    (*name, text)
                })
                .collect(),
        };
        if on_disk == self.current {
            return None;
        }
        self.current = on_disk.clone();
        match on_disk.validated() {
            Ok(_) => {
                tracing::info!(target: "render", "shaders changed on disk and are used");
                Some(on_disk)
            }
            Err(error) => {
                tracing::warn!(target: "render", "changed shaders are not used: {error}");
                None
            }
        }
    }

    /// New files: never in a release build.
    #[cfg(not(debug_assertions))]
    pub(super) fn changed(&mut self) -> Option<Shaders> {
        None
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;
    use crate::render::gpu_data::{FrameUniform, GpuData, Member};

    #[test]
    fn every_shader_validates_and_every_file_is_embedded() {
        let modules = Shaders::embedded().validated().unwrap();
        let mut on_disk: Vec<String> =
            std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/shaders"))
                .unwrap()
                .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
                .collect();
        on_disk.sort();
        let embedded: Vec<_> = modules.iter().map(|(name, _)| *name).collect();
        assert_eq!(on_disk, embedded);
    }

    #[test]
    fn a_broken_or_missing_import_is_refused() {
        let broken = Shaders {
            files: vec![("a.wgsl", "#import \"b.wgsl\"\n".to_owned())],
        };
        assert!(
            broken
                .validated()
                .unwrap_err()
                .to_string()
                .contains("b.wgsl")
        );
        let invalid = Shaders {
            files: vec![("a.wgsl", "fn f() -> f32 { return 1u; }".to_owned())],
        };
        assert!(invalid.validated().is_err());
    }

    /// Members of a struct as WGSL has them.
    fn wgsl_members(
        modules: &[(&str, naga::Module)],
        file: &str,
        name: &str,
    ) -> Vec<(String, u32, String)> {
        let module = &modules.iter().find(|(n, _)| *n == file).unwrap().1;
        let (_, ty) = module
            .types
            .iter()
            .find(|(_, ty)| ty.name.as_deref() == Some(name))
            .unwrap();
        let naga::TypeInner::Struct { members, .. } = &ty.inner else {
            panic!("{name} is no struct");
        };
        members
            .iter()
            .map(|m| {
                let spelled = match module.types[m.ty].inner {
                    naga::TypeInner::Scalar(naga::Scalar::F32) => "f32",
                    naga::TypeInner::Scalar(naga::Scalar::U32) => "u32",
                    naga::TypeInner::Vector {
                        size: naga::VectorSize::Bi,
                        ..
                    } => "vec2<f32>",
                    naga::TypeInner::Vector {
                        size: naga::VectorSize::Quad,
                        ..
                    } => "vec4<f32>",
                    ref other => panic!("{name}: unexpected {other:?}"),
                };
                (m.name.clone().unwrap(), m.offset, spelled.to_owned())
            })
            .collect()
    }

    fn check<T: GpuData>(modules: &[(&str, naga::Module)], file: &str, is_uniform: bool) {
        let wgsl = wgsl_members(modules, file, T::NAME);
        let names = |m: &Member| (m.0.to_owned(), m.2.to_owned());
        let rust: Vec<_> = T::MEMBERS.iter().map(names).collect();
        let there: Vec<_> = wgsl.iter().map(|m| (m.0.clone(), m.2.clone())).collect();
        assert_eq!(rust, there, "{} in {file}", T::NAME);
        if is_uniform {
            let rust: Vec<_> = T::MEMBERS.iter().map(|m| m.1 as u32).collect();
            let there: Vec<_> = wgsl.iter().map(|m| m.1).collect();
            assert_eq!(rust, there, "offsets of {} in {file}", T::NAME);
            assert_eq!(size_of::<T>() % 16, 0, "size of {}", T::NAME);
        }
    }

    #[test]
    fn structs_are_the_same_on_both_sides() {
        let modules = Shaders::embedded().validated().unwrap();
        check::<FrameUniform>(&modules, "common.wgsl", true);
        check::<crate::render::quad::QuadInstance>(&modules, "quad.wgsl", false);
        check::<crate::render::fog::FogUniform>(&modules, "fog.wgsl", true);
        check::<crate::render::grid::GridUniform>(&modules, "grid.wgsl", true);
        check::<crate::render::edge::EdgeUniform>(&modules, "edge.wgsl", true);
        check::<crate::render::lights::LightInstance>(&modules, "lights.wgsl", false);
        check::<crate::render::markers::MarkerInstance>(&modules, "markers.wgsl", false);
        check::<crate::render::markers::MarkerUniform>(&modules, "markers.wgsl", true);
        check::<crate::render::labels::LabelInstance>(&modules, "labels.wgsl", false);
        check::<crate::render::labels::LabelUniform>(&modules, "labels.wgsl", true);
        check::<crate::render::blit::BlitUniform>(&modules, "blit.wgsl", true);
    }
}
