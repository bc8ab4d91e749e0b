//! What a room's requests cost where its server is a Cloudflare Durable Object.
//!
//! Source: Cloudflare's "Durable Objects: Pricing" (the page as of 2026), the paid plan beyond what it
//! includes. Incoming WebSocket messages count as requests 20 to 1; outgoing ones and pings are free;
//! a connection is a request. Our worker reaches a room by two requests for each connection (one
//! names the object, one connects). A room is billed 128 MB for the time that it is awake, and one
//! whose clients renew their presence every 15 s never sleeps. A stored update is a row written, and
//! our worker writes four rows a second at most.
//!
//! ```text
//! requests an hour = messages ÷ 20 + 2 × connections
//! dollars an hour  = requests × 0.15e-6
//!                  + rooms × 3600 s × 0.128 GB × 12.50e-6
//!                  + rows × 1.00e-6
//! ```

/// Incoming WebSocket messages that are billed as one request.
pub const MESSAGES_PER_REQUEST: f64 = 20.0;
/// Requests that a new connection takes.
pub const REQUESTS_PER_CONNECTION: f64 = 2.0;
/// Dollars for a request.
pub const REQUEST_USD: f64 = 0.15e-6;
/// Dollars for a gigabyte of memory for a second.
pub const GB_SECOND_USD: f64 = 12.50e-6;
/// Memory that a room is billed, in gigabytes.
pub const ROOM_GB: f64 = 0.128;
/// Dollars for a row written.
pub const ROW_USD: f64 = 1.00e-6;
/// Rows that a room writes in a second at most.
pub const MOST_ROWS_PER_SECOND: f64 = 4.0;

const HOUR_SECONDS: f64 = 3600.0;

/// What one client does in an hour.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct HourlyUse {
    /// WebSocket messages that it sends.
    pub messages: f64,
    /// Connections that it makes.
    pub connections: f64,
    /// Transactions that it writes.
    pub transactions: f64,
    /// Rooms that it keeps awake.
    pub rooms: f64,
}

impl HourlyUse {
    /// Requests that are billed for it.
    #[must_use]
    pub fn requests(&self) -> f64 {
        self.messages / MESSAGES_PER_REQUEST + REQUESTS_PER_CONNECTION * self.connections
    }

    /// Dollars for its requests alone.
    #[must_use]
    pub fn requests_usd(&self) -> f64 {
        self.requests() * REQUEST_USD
    }

    /// Dollars for all of it.
    #[must_use]
    pub fn usd(&self) -> f64 {
        let rows = self.transactions.min(MOST_ROWS_PER_SECOND * HOUR_SECONDS);
        self.requests_usd() + self.rooms * HOUR_SECONDS * ROOM_GB * GB_SECOND_USD + rows * ROW_USD
    }
}
