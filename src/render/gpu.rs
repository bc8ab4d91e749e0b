//! [`Gpu`]: the device that everything draws with, found for headless work or taken over from the
//! windows. Losing it is reported, never a panic.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;

/// Largest side of a texture that is asked of a device; the adapter may offer less.
const WANTED_TEXTURE_SIDE: u32 = 16_384;

/// Why nothing can be drawn.
#[derive(Debug, Clone, thiserror::Error)]
pub enum GpuError {
    /// No graphics driver answered at all.
    #[error(
        "No usable graphics driver was found, so nothing can be drawn; nothing in the library is \
         affected. Install a Vulkan driver (on Linux mesa-vulkan-drivers, which also draws in \
         software)."
    )]
    NoAdapter,
    /// Software drawing was asked for and there is none.
    #[error(
        "Safe graphics needs a driver that draws in software, and none was found; nothing in the \
         library is affected. On Linux install mesa-vulkan-drivers."
    )]
    NoSoftwareAdapter,
    /// Drivers were found, and each refused.
    #[error(
        "No graphics driver could be started, so nothing can be drawn; nothing in the library is \
         affected. Try --safe-graphics or update the driver. ({0})"
    )]
    NoDevice(String),
    /// The device went away.
    #[error(
        "The graphics driver stopped working; nothing in the library is affected. Start Tableglow \
         again, with --safe-graphics if it happens often. ({0})"
    )]
    Lost(String),
    /// The picture is larger than the device can hold.
    #[error("A picture of {width} × {height} pixels cannot be drawn: each side must be 1 to {max}")]
    TargetSize {
        /// Width that was asked for.
        width: u32,
        /// Height that was asked for.
        height: u32,
        /// Largest side of this device.
        max: u32,
    },
}

/// A graphics device and what is known about it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Gpu {
    device: wgpu::Device,
    queue: wgpu::Queue,
    adapter_info: wgpu::AdapterInfo,
    max_texture_side: u32,
    has_timestamps: bool,
    health: Arc<Health>,
}

/// What went wrong, gathered from the device's callbacks on any thread.
#[derive(Debug, Default)]
struct Health {
    lost: AtomicBool,
    lost_reason: Mutex<String>,
    error_count: AtomicU64,
}

/// How adapters are chosen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AdapterChoice {
    /// Hardware when there is any: native back end first, then by kind of adapter.
    #[default]
    Best,
    /// Software only: `--safe-graphics`, and the reference for golden pictures.
    Software,
}

impl Gpu {
    /// Finds an adapter without any window and opens a device on it; the first that really opens
    /// is taken.
    ///
    /// # Errors
    /// No driver, or none that opens.
    pub fn headless(choice: AdapterChoice) -> Result<Self, GpuError> {
        let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
        descriptor.backends = wgpu::Backends::VULKAN | wgpu::Backends::METAL | wgpu::Backends::DX12;
        let instance = wgpu::Instance::new(descriptor);
        let mut adapters: Vec<wgpu::Adapter> =
            pollster::block_on(instance.enumerate_adapters(wgpu::Backends::all()));
        if adapters.is_empty() {
            return Err(GpuError::NoAdapter);
        }
        if choice == AdapterChoice::Software {
            adapters.retain(|a| a.get_info().device_type == wgpu::DeviceType::Cpu);
            if adapters.is_empty() {
                return Err(GpuError::NoSoftwareAdapter);
            }
        }
        adapters.sort_by_key(|adapter| rank(&adapter.get_info()));
        let mut refusals = Vec::new();
        for adapter in adapters {
            match pollster::block_on(adapter.request_device(&device_descriptor(&adapter))) {
                Ok((device, queue)) => {
                    return Ok(Self::from_device(adapter.get_info(), device, queue));
                }
                Err(error) => refusals.push(format!("{}: {error}", adapter.get_info().name)),
            }
        }
        Err(GpuError::NoDevice(refusals.join("; ")))
    }

    /// Takes over the device of the windows.
    #[must_use]
    pub fn from_device(
        adapter_info: wgpu::AdapterInfo,
        device: wgpu::Device,
        queue: wgpu::Queue,
    ) -> Self {
        let health = Arc::new(Health::default());
        let on_lost = health.clone();
        device.set_device_lost_callback(move |reason, message| {
            if reason != wgpu::DeviceLostReason::Destroyed {
                tracing::error!(target: "render", "the graphics device is lost: {message}");
            }
            *on_lost.lost_reason.lock() = message;
            on_lost.lost.store(true, Ordering::Release);
        });
        let on_error = health.clone();
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            // One broken call must not fill the log frame after frame.
            if on_error.error_count.fetch_add(1, Ordering::AcqRel) < 20 {
                tracing::error!(target: "render", "graphics error: {error}");
            }
        }));
        Self {
            max_texture_side: device.limits().max_texture_dimension_2d,
            has_timestamps: device.features().contains(wgpu::Features::TIMESTAMP_QUERY),
            device,
            queue,
            adapter_info,
            health,
        }
    }

    /// The device.
    #[must_use]
    pub const fn device(&self) -> &wgpu::Device {
        &self.device
    }

    /// The queue.
    #[must_use]
    pub const fn queue(&self) -> &wgpu::Queue {
        &self.queue
    }

    /// The adapter.
    #[must_use]
    pub const fn adapter_info(&self) -> &wgpu::AdapterInfo {
        &self.adapter_info
    }

    /// Name, back end and driver of the adapter, for reports.
    #[must_use]
    pub fn adapter_name(&self) -> String {
        let info = &self.adapter_info;
        let driver = format!("{} {}", info.driver, info.driver_info);
        format!("{} ({:?}, {})", info.name, info.backend, driver.trim())
    }

    /// Largest side of a texture, in pixels.
    #[must_use]
    pub const fn max_texture_side(&self) -> u32 {
        self.max_texture_side
    }

    /// Whether the GPU's own time can be measured.
    #[must_use]
    pub const fn has_timestamps(&self) -> bool {
        self.has_timestamps
    }

    /// # Errors
    /// [`GpuError::Lost`] once the device is gone.
    pub fn check(&self) -> Result<(), GpuError> {
        if self.health.lost.load(Ordering::Acquire) {
            Err(GpuError::Lost(self.health.lost_reason.lock().clone()))
        } else {
            Ok(())
        }
    }

    /// Errors that the device reported so far and nobody caught.
    #[must_use]
    pub fn error_count(&self) -> u64 {
        self.health.error_count.load(Ordering::Acquire)
    }

    /// Runs `make` and tells whether the device took all of it.
    pub(super) fn tried<T>(&self, make: impl FnOnce() -> T) -> Result<T, String> {
        let memory = self.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let validation = self.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let made = make();
        let errors = [
            pollster::block_on(validation.pop()),
            pollster::block_on(memory.pop()),
        ];
        match errors.into_iter().flatten().next() {
            Some(error) => Err(error.to_string()),
            None => Ok(made),
        }
    }
}

/// The device that is asked of an adapter: what every view needs, and timestamps where there are
/// any. Also right for the windows' own device.
#[must_use]
pub fn device_descriptor(adapter: &wgpu::Adapter) -> wgpu::DeviceDescriptor<'static> {
    let offered = adapter.limits();
    let mut limits = wgpu::Limits::default().or_worse_values_from(&offered);
    limits.max_texture_dimension_2d = offered.max_texture_dimension_2d.min(WANTED_TEXTURE_SIDE);
    wgpu::DeviceDescriptor {
        label: Some("tableglow"),
        required_features: adapter.features() & wgpu::Features::TIMESTAMP_QUERY,
        required_limits: limits,
        ..Default::default()
    }
}

/// Lower is better: a native back end before a foreign one, hardware before software.
fn rank(info: &wgpu::AdapterInfo) -> (u8, u8) {
    let native = match info.backend {
        wgpu::Backend::Dx12 | wgpu::Backend::Metal => 0,
        wgpu::Backend::Vulkan => 1,
        _ => 2,
    };
    let kind = match info.device_type {
        wgpu::DeviceType::DiscreteGpu => 0,
        wgpu::DeviceType::IntegratedGpu => 1,
        wgpu::DeviceType::VirtualGpu => 2,
        wgpu::DeviceType::Other => 3,
        wgpu::DeviceType::Cpu => 4,
    };
    // Software of the native back end comes after hardware of any other.
    if kind == 4 {
        (9, native)
    } else {
        (native, kind)
    }
}
