//! Checks the structure of an update before the document library sees it.
//!
//! A few hostile bytes can make a decoder ask for terabytes and abort the process. This walks the
//! whole update (Yjs update format version 1) with every count and length checked against the bytes
//! that remain, clocks against overflow, and nesting against a limit. What it refuses no web client
//! writes.

/// The largest update that is looked at.
pub const MAX_UPDATE_BYTES: usize = 256 << 20;

/// How deep plain values may nest.
const MAX_NESTING: u32 = 64;

/// Replica ids of other clients have up to 53 bits.
const MAX_CLIENT: u64 = 1 << 53;

/// Clocks stay below this, so that sums of them cannot overflow.
const MAX_CLOCK: u64 = 1 << 31;

/// The kind of a block that stands for ticks which are left out.
const SKIP: u8 = 10;

const HAS_ORIGIN: u8 = 0x80;
const HAS_RIGHT_ORIGIN: u8 = 0x40;
const HAS_PARENT_SUB: u8 = 0x20;

/// The update is not one: damaged, cut off or hostile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the document's data is damaged at byte {at} ({what})")]
pub struct Malformed {
    /// Where.
    pub at: usize,
    /// What is wrong there.
    pub what: &'static str,
}

/// The clock ticks of one client that an update brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// The client.
    pub client: u64,
    /// The first tick.
    pub start: u64,
    /// Behind the last tick.
    pub end: u64,
    /// Ticks in between are left out.
    pub has_gap: bool,
}

/// Whether `bytes` are a well-formed update.
///
/// # Errors
/// Where and how they are not.
pub fn check_update(bytes: &[u8]) -> Result<(), Malformed> {
    extents(bytes).map(drop)
}

/// What an update brings, by client, after checking it as [`check_update`] does.
///
/// # Errors
/// Where and how it is none.
pub fn extents(bytes: &[u8]) -> Result<Vec<Extent>, Malformed> {
    walk(bytes, None)
}

/// As [`extents`], of an update that may write nothing but keys of maps below these roots, and only
/// plain values or maps: what somebody sends who is not to bring anything else.
///
/// # Errors
/// Where and how it is no such update.
pub fn extents_of_map_writes(bytes: &[u8], roots: &[&str]) -> Result<Vec<Extent>, Malformed> {
    walk(bytes, Some(roots))
}

fn walk(bytes: &[u8], only_maps_of: Option<&[&str]>) -> Result<Vec<Extent>, Malformed> {
    let mut walk = Walk {
        bytes,
        at: 0,
        only_maps_of,
    };
    if bytes.len() > MAX_UPDATE_BYTES {
        return Err(walk.fault("too large"));
    }
    let clients = walk.count(3)?;
    let mut seen = std::collections::HashSet::new();
    let mut extents = Vec::new();
    for _ in 0..clients {
        let blocks = walk.count(2)?;
        let client = walk.client()?;
        if !seen.insert(client) {
            return Err(walk.fault("a replica twice"));
        }
        let mut clock = walk.clock()?;
        let mut extent: Option<Extent> = None;
        for _ in 0..blocks {
            let is_skip = walk.bytes.get(walk.at) == Some(&SKIP);
            let start = clock;
            clock = clock.saturating_add(walk.block()?);
            if clock >= MAX_CLOCK {
                return Err(walk.fault("clock out of range"));
            }
            if is_skip {
                continue;
            }
            let extent = extent.get_or_insert(Extent {
                client,
                start,
                end: start,
                has_gap: false,
            });
            extent.has_gap |= extent.end != start;
            extent.end = clock;
        }
        extents.extend(extent);
    }
    let deleted_clients = walk.count(2)?;
    for _ in 0..deleted_clients {
        walk.client()?;
        let ranges = walk.count(2)?;
        for _ in 0..ranges {
            if walk.clock()? + walk.clock()? >= MAX_CLOCK {
                return Err(walk.fault("clock out of range"));
            }
        }
    }
    if walk.at == bytes.len() {
        Ok(extents)
    } else {
        Err(walk.fault("bytes left over"))
    }
}

struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Only keys of maps below these roots may be written.
    only_maps_of: Option<&'a [&'a str]>,
}

impl Extent {
    /// The ticks begin where a document that knows `end` of them ends, or before.
    #[must_use]
    pub const fn follows(&self, end: u64) -> bool {
        self.start <= end && (!self.has_gap || self.end <= end)
    }
}

impl<'a> Walk<'a> {
    const fn fault(&self, what: &'static str) -> Malformed {
        Malformed { at: self.at, what }
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], Malformed> {
        let end = usize::try_from(length)
            .ok()
            .and_then(|length| self.at.checked_add(length))
            .ok_or(self.fault("cut off"))?;
        let taken = self.bytes.get(self.at..end).ok_or(self.fault("cut off"))?;
        self.at = end;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, Malformed> {
        let byte = *self.bytes.get(self.at).ok_or(self.fault("cut off"))?;
        self.at += 1;
        Ok(byte)
    }

    fn var(&mut self) -> Result<u64, Malformed> {
        let mut value = 0u64;
        for shift in (0..63).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(self.fault("number too long"))
    }

    /// A count of things of which each takes `least` bytes or more.
    fn count(&mut self, least: u64) -> Result<u64, Malformed> {
        let count = self.var()?;
        let remain = (self.bytes.len() - self.at) as u64;
        if count > remain / least {
            return Err(self.fault("count beyond the data"));
        }
        Ok(count)
    }

    fn client(&mut self) -> Result<u64, Malformed> {
        let client = self.var()?;
        if client > MAX_CLIENT {
            return Err(self.fault("replica id out of range"));
        }
        Ok(client)
    }

    fn clock(&mut self) -> Result<u64, Malformed> {
        let clock = self.var()?;
        if clock >= MAX_CLOCK {
            return Err(self.fault("clock out of range"));
        }
        Ok(clock)
    }

    fn id(&mut self) -> Result<(), Malformed> {
        self.client()?;
        self.clock()?;
        Ok(())
    }

    fn text(&mut self) -> Result<&'a str, Malformed> {
        let length = self.var()?;
        let taken = self.take(length)?;
        std::str::from_utf8(taken).map_err(|_| self.fault("text is not UTF-8"))
    }

    fn buffer(&mut self) -> Result<(), Malformed> {
        let length = self.var()?;
        self.take(length).map(|_| ())
    }

    /// A block; returns how many clock ticks it takes.
    fn block(&mut self) -> Result<u64, Malformed> {
        let info = self.byte()?;
        if info == 0 || info == SKIP {
            // Collected or skipped.
            let length = self.clock()?;
            return if length == 0 {
                Err(self.fault("empty block"))
            } else {
                Ok(length)
            };
        }
        if info & HAS_ORIGIN != 0 {
            self.id()?;
        }
        if info & HAS_RIGHT_ORIGIN != 0 {
            self.id()?;
        }
        if info & (HAS_ORIGIN | HAS_RIGHT_ORIGIN) == 0 {
            match self.var()? {
                1 => {
                    let root = self.text()?;
                    if self
                        .only_maps_of
                        .is_some_and(|roots| !roots.contains(&root))
                    {
                        return Err(self.fault("a root that is not to be written"));
                    }
                }
                0 => self.id()?,
                _ => return Err(self.fault("unknown parent")),
            }
            if info & HAS_PARENT_SUB != 0 {
                self.text()?;
            } else if self.only_maps_of.is_some() {
                // What follows on something is where that is; what begins a list is no key of a map.
                return Err(self.fault("no key of a map"));
            }
        }
        self.content(info & 0x0f)
    }

    fn content(&mut self, kind: u8) -> Result<u64, Malformed> {
        if self.only_maps_of.is_some() && matches!(kind, 4..=6) {
            return Err(self.fault("no plain value"));
        }
        let length = match kind {
            1 => self.clock()?,
            3 => {
                self.buffer()?;
                1
            }
            4 => self.text()?.encode_utf16().count() as u64,
            5 => {
                self.text()?;
                1
            }
            6 => {
                self.text()?;
                self.text()?;
                1
            }
            7 => {
                match self.var()? {
                    1 => {}
                    _ if self.only_maps_of.is_some() => return Err(self.fault("no map")),
                    3 => {
                        // An XML element has a name.
                        self.text()?;
                    }
                    0..=6 => {}
                    _ => return Err(self.fault("unknown shared type")),
                }
                1
            }
            8 => {
                let values = self.count(1)?;
                for _ in 0..values {
                    self.any(0)?;
                }
                values
            }
            // 2 is the JSON content of ten years ago, 9 a document within a document: no client of
            // ours or theirs writes them.
            _ => return Err(self.fault("unknown content")),
        };
        if length == 0 {
            return Err(self.fault("empty block"));
        }
        Ok(length)
    }

    fn any(&mut self, depth: u32) -> Result<(), Malformed> {
        if depth > MAX_NESTING {
            return Err(self.fault("nested too deeply"));
        }
        match self.byte()? {
            120 | 121 | 126 | 127 => Ok(()),
            125 => self.signed_var(),
            124 => self.take(4).map(|_| ()),
            122 | 123 => self.take(8).map(|_| ()),
            119 => self.text().map(|_| ()),
            118 => {
                let entries = self.count(2)?;
                for _ in 0..entries {
                    self.text()?;
                    self.any(depth + 1)?;
                }
                Ok(())
            }
            117 => {
                let values = self.count(1)?;
                for _ in 0..values {
                    self.any(depth + 1)?;
                }
                Ok(())
            }
            116 => self.buffer(),
            _ => Err(self.fault("unknown value")),
        }
    }

    /// A signed number: six bits, then seven a byte.
    fn signed_var(&mut self) -> Result<(), Malformed> {
        let mut bits = 6;
        let mut byte = self.byte()?;
        while byte & 0x80 != 0 {
            bits += 7;
            if bits > 62 {
                return Err(self.fault("number too long"));
            }
            byte = self.byte()?;
        }
        Ok(())
    }
}
