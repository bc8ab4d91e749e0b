//! Which graphics driver the windows use.
//!
//! Native back ends first, then Vulkan; a device is really opened before an adapter is taken, because
//! some drivers list themselves and then fail. Called once by [`super::run`].

use std::sync::Arc;

use eframe::egui_wgpu::{SurfaceConfig, WgpuConfiguration, WgpuSetup, WgpuSetupCreateNew};
use wgpu::{Adapter, AdapterInfo, Backend, DeviceType};

use crate::render::device_descriptor;

/// What a user reads where no driver can show a window.
pub const NO_DRIVER: &str = "No graphics driver can show a window; your campaigns are not affected. Install a Vulkan driver (on Linux mesa-vulkan-drivers, which also draws in software) and start again.";

/// How eframe shall find its device. `safe`: software only.
#[must_use]
pub fn configuration(safe: bool) -> WgpuConfiguration {
    let mut setup = WgpuSetupCreateNew::without_display_handle();
    setup.native_adapter_selector = Some(Arc::new(move |adapters, surface| {
        choose(adapters, surface, safe)
    }));
    setup.device_descriptor = Arc::new(device_descriptor);
    WgpuConfiguration {
        surface: SurfaceConfig {
            present_mode: wgpu::PresentMode::AutoVsync,
            ..SurfaceConfig::LOW_LATENCY
        },
        wgpu_setup: WgpuSetup::CreateNew(setup),
        ..WgpuConfiguration::default()
    }
}

/// The first adapter, best first, that can show the window and whose device opens.
fn choose(
    adapters: &[Adapter],
    surface: Option<&wgpu::Surface<'_>>,
    safe: bool,
) -> Result<Adapter, String> {
    let mut candidates: Vec<&Adapter> = adapters
        .iter()
        .filter(|adapter| surface.is_none_or(|surface| adapter.is_surface_supported(surface)))
        .filter(|adapter| !safe || adapter.get_info().device_type == DeviceType::Cpu)
        .collect();
    candidates.sort_by_key(|adapter| rank(&adapter.get_info()));
    if candidates.is_empty() {
        return Err(if safe {
            "No software renderer is installed, so safe graphics cannot start. Your campaigns are not affected. On Linux install mesa-vulkan-drivers.".to_owned()
        } else {
            NO_DRIVER.to_owned()
        });
    }
    let mut refused = Vec::new();
    for adapter in candidates {
        let info = adapter.get_info();
        match pollster::block_on(adapter.request_device(&device_descriptor(adapter))) {
            Ok(_) => {
                tracing::info!(target: "app", adapter = info.name, backend = ?info.backend, "graphics adapter chosen");
                return Ok(adapter.clone());
            }
            Err(error) => {
                tracing::warn!(target: "app", adapter = info.name, %error, "graphics adapter refused");
                refused.push(format!("{} ({error})", info.name));
            }
        }
    }
    Err(format!(
        "No graphics driver could be started. Your campaigns are not affected. Try --safe-graphics, or update the driver. Tried: {}",
        refused.join("; ")
    ))
}

/// Lower is better: hardware before software, the system's own back end before others.
fn rank(info: &AdapterInfo) -> (u8, u8) {
    let kind = match info.device_type {
        DeviceType::DiscreteGpu => 0,
        DeviceType::IntegratedGpu => 1,
        DeviceType::VirtualGpu => 2,
        DeviceType::Other => 3,
        DeviceType::Cpu => 9,
    };
    let backend = match info.backend {
        Backend::Dx12 | Backend::Metal => 0,
        Backend::Vulkan => 1,
        _ => 2,
    };
    if kind == 9 {
        (9, backend)
    } else {
        (backend, kind)
    }
}
