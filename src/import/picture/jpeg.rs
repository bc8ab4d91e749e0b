//! JPEG rows by libjpeg (mozjpeg).
//!
//! libjpeg leaves an error by unwinding through its own frames; that is contained here, and the
//! decoder is dropped afterwards. Its warnings about data that is missing or does not decode are
//! errors here, because it would go on with grey. Its memory for whole pictures (progressive
//! ones) is limited through its own memory manager.
#![expect(
    unsafe_code,
    reason = "libjpeg's error and memory managers are reachable through C structs only"
)]

use std::io::{BufReader, Read};
use std::os::raw::{c_int, c_long};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use mozjpeg::ColorSpace;
use mozjpeg::decompress::{DecompressBuilder, DecompressStarted};
use mozjpeg_sys as ffi;

use super::colour::Layout;
use super::jpeg_header::JpegHeader;
use super::{Limits, PictureError, PictureFormat};

const FORMAT: PictureFormat = PictureFormat::Jpeg;
/// Progressive pictures have about ten scans; each costs a pass over the whole picture.
const MAX_SCANS: c_long = 200;

/// What libjpeg stopped for: the payload of its unwinding.
#[derive(Clone, Copy)]
enum Stop {
    EndsEarly,
    TooManyScans,
    Memory,
    Read,
    Data(c_int),
}

/// Rows of one JPEG.
pub(super) struct JpegRows<R: Read> {
    /// `None` once it stopped for an error.
    decoder: Option<DecompressStarted<BufReader<R>>>,
    row: Vec<u8>,
    inverted: bool,
    limit_mib: u64,
}

impl<R: Read> JpegRows<R> {
    pub(super) fn open(
        source: BufReader<R>,
        header: &JpegHeader,
        limits: &Limits,
    ) -> Result<(Self, Layout), PictureError> {
        let (space, layout) = match header.components {
            1 => (ColorSpace::JCS_GRAYSCALE, Layout::Gray8),
            3 => (ColorSpace::JCS_RGB, Layout::Rgb8),
            _ => (ColorSpace::JCS_CMYK, Layout::Cmyk8),
        };
        let limit_mib = limits.whole_bytes >> 20;
        let decoder = contain(limit_mib, || {
            DecompressBuilder::new()
                .with_err(error_manager(limit_mib))
                .from_reader(source)?
                .to_colorspace(space)
        })?;
        let (width, height) = (decoder.width(), decoder.height());
        if (width, height) != (header.width as usize, header.height as usize) {
            return Err(PictureError::damaged(FORMAT, "two sizes"));
        }
        let rows = Self {
            decoder: Some(decoder),
            row: vec![0; width * layout.bytes_per_pixel()],
            inverted: layout == Layout::Cmyk8 && header.adobe,
            limit_mib,
        };
        Ok((rows, layout))
    }

    pub(super) fn next_row(&mut self) -> Result<&[u8], PictureError> {
        let Some(mut decoder) = self.decoder.take() else {
            return Err(PictureError::damaged(FORMAT, "it failed before"));
        };
        let row = self.row.as_mut_slice();
        contain(self.limit_mib, || {
            decoder.read_scanlines_into(row).map(|_| ())
        })?;
        self.decoder = Some(decoder);
        if self.inverted {
            for ink in &mut self.row {
                *ink = 255 - *ink;
            }
        }
        Ok(&self.row)
    }

    /// Checks that the file ends where the picture does.
    pub(super) fn finish(&mut self) -> Result<(), PictureError> {
        match self.decoder.take() {
            Some(decoder) => contain(self.limit_mib, || decoder.finish()),
            None => Ok(()),
        }
    }
}

/// Runs libjpeg and turns its unwinding into an error.
fn contain<T>(limit_mib: u64, run: impl FnOnce() -> std::io::Result<T>) -> Result<T, PictureError> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(e)) if e.kind() == std::io::ErrorKind::UnexpectedEof => {
            Err(PictureError::EndsEarly(FORMAT))
        }
        Ok(Err(e)) => Err(PictureError::damaged(FORMAT, e)),
        Err(payload) => Err(match payload.downcast_ref::<Stop>() {
            Some(Stop::EndsEarly) => PictureError::EndsEarly(FORMAT),
            Some(Stop::Memory) => PictureError::Memory {
                format: FORMAT,
                limit_mib,
            },
            Some(Stop::TooManyScans) => PictureError::damaged(FORMAT, "too many scans"),
            Some(Stop::Read) => PictureError::damaged(FORMAT, "it could not be read on"),
            Some(Stop::Data(code)) => {
                PictureError::damaged(FORMAT, format_args!("libjpeg's error {code}"))
            }
            None => PictureError::damaged(FORMAT, "the decoder failed"),
        }),
    }
}

/// libjpeg's standard manager with our two hooks. Two of its fields are used by libjpeg's own
/// hooks only, which these replace: `trace_level` holds the memory limit in MiB, `num_warnings`
/// the number of scans so far.
fn error_manager(limit_mib: u64) -> ffi::jpeg_error_mgr {
    // SAFETY: the struct is plain data of integers, pointers and optional functions, for which
    // zero is valid; `jpeg_std_error` then fills it, as its documentation asks.
    let mut manager: ffi::jpeg_error_mgr = unsafe { std::mem::zeroed() };
    // SAFETY: as above.
    unsafe { ffi::jpeg_std_error(&mut manager) };
    manager.error_exit = Some(on_error);
    manager.emit_message = Some(on_message);
    manager.trace_level = c_int::try_from(limit_mib).unwrap_or(c_int::MAX);
    manager.num_warnings = 0;
    manager
}

#[cold]
extern "C-unwind" fn on_error(cinfo: &mut ffi::jpeg_common_struct) {
    // SAFETY: libjpeg calls this with its own live struct, whose manager is ours.
    let code = unsafe { cinfo.err.as_ref() }.map_or(0, |manager| manager.msg_code);
    stop(
        if is(code, ffi::JERR_OUT_OF_MEMORY) || is(code, ffi::JERR_NO_BACKING_STORE) {
            Stop::Memory
        } else if is(code, ffi::JERR_FILE_READ) {
            Stop::Read
        } else {
            Stop::Data(code)
        },
    )
}

extern "C-unwind" fn on_message(cinfo: &mut ffi::jpeg_common_struct, level: c_int) {
    // SAFETY: libjpeg calls this with its own live struct, whose manager is ours; nothing else
    // holds a reference to it during the call.
    let Some(manager) = (unsafe { cinfo.err.as_mut() }) else {
        return;
    };
    let code = manager.msg_code;
    if level < 0 {
        if is(code, ffi::JWRN_JPEG_EOF) {
            stop(Stop::EndsEarly);
        }
        let pixels_lost = [
            ffi::JWRN_HIT_MARKER,
            ffi::JWRN_HUFF_BAD_CODE,
            ffi::JWRN_MUST_RESYNC,
            ffi::JWRN_BOGUS_PROGRESSION,
        ];
        if pixels_lost.iter().any(|lost| is(code, *lost)) {
            stop(Stop::Data(code));
        }
        return;
    }
    // Trace messages come for every marker, the first before any large allocation.
    // SAFETY: the memory manager lives as long as the struct that libjpeg hands in.
    if let Some(memory) = unsafe { cinfo.mem.as_mut() } {
        memory.max_memory_to_use = c_long::from(manager.trace_level).saturating_mul(1 << 20);
    }
    if is(code, ffi::JTRC_SOS) {
        manager.num_warnings += 1;
        if manager.num_warnings > MAX_SCANS {
            stop(Stop::TooManyScans);
        }
    }
}

fn is(code: c_int, message: ffi::J_MESSAGE_CODE) -> bool {
    i64::from(code) == i64::from(message)
}

/// Unwinds without the panic handler, as nothing of ours is broken.
#[cold]
fn stop(why: Stop) -> ! {
    resume_unwind(Box::new(why))
}
