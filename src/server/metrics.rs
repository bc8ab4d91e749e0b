//! Counters of a server, as Prometheus reads them.
//!
//! No names of rooms, users or scenes: whoever may read the figures may not therefore know those.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

macro_rules! metrics {
    ($($(#[doc = $help:literal])+ $kind:ident $name:ident = $shown:literal;)+) => {
        /// Counters and gauges of a server.
        #[derive(Debug, Default)]
        pub struct Metrics {
            $($(#[doc = $help])+ pub $name: metrics!(@type $kind),)+
        }

        impl Metrics {
            /// All of them in the text format of Prometheus.
            #[must_use]
            pub fn to_text(&self) -> String {
                let mut text = String::new();
                $(
                    // Writing into a string cannot fail.
                    let _ = writeln!(
                        text,
                        concat!("# HELP {0}{1}\n# TYPE {0} ", stringify!($kind), "\n{0} {2}"),
                        $shown,
                        concat!($($help),+).trim_end_matches('.'),
                        self.$name.load(Ordering::Relaxed),
                    );
                )+
                text
            }
        }
    };
    (@type counter) => { AtomicU64 };
    (@type gauge) => { AtomicI64 };
}

metrics! {
    /// WebSocket connections that are open.
    gauge connections = "tableglow_connections";
    /// Rooms that are loaded.
    gauge rooms = "tableglow_rooms";
    /// Connections that were let in.
    counter joins = "tableglow_joins_total";
    /// Requests that were refused at the door.
    counter refusals = "tableglow_refusals_total";
    /// WebSocket messages that arrived.
    counter messages_in = "tableglow_messages_received_total";
    /// Their bytes.
    counter bytes_in = "tableglow_received_bytes_total";
    /// WebSocket messages that were sent.
    counter messages_out = "tableglow_messages_sent_total";
    /// Their bytes.
    counter bytes_out = "tableglow_sent_bytes_total";
    /// Document updates that arrived.
    counter updates_in = "tableglow_updates_received_total";
    /// Document updates that were stored and passed on, after merging.
    counter updates_merged = "tableglow_updates_merged_total";
    /// Document updates of connections that may not write, dropped.
    counter updates_refused = "tableglow_updates_refused_total";
    /// Presence entries that were news.
    counter presence_taken = "tableglow_presence_taken_total";
    /// Presence entries that were known already.
    counter presence_stale = "tableglow_presence_stale_total";
    /// Messages that are none.
    counter malformed = "tableglow_malformed_total";
    /// Slow connections that were brought up to date by one difference.
    counter catch_ups = "tableglow_catch_ups_total";
    /// Connections that the server ended.
    counter closed = "tableglow_closed_by_server_total";
    /// Events that were passed on, by receiver.
    counter events_out = "tableglow_events_sent_total";
    /// Rooms whose record could not be read.
    counter load_failures = "tableglow_load_failures_total";
    /// Saves to the outside store that failed.
    counter hook_failures = "tableglow_hook_failures_total";
    /// Saves to the outside store that worked.
    counter hook_saves = "tableglow_hook_saves_total";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_what_prometheus_reads() {
        let metrics = Metrics::default();
        metrics.connections.store(3, Ordering::Relaxed);
        let text = metrics.to_text();
        assert!(
            text.contains(
                "# HELP tableglow_connections WebSocket connections that are open\n\
             # TYPE tableglow_connections gauge\n\
             tableglow_connections 3\n"
            ),
            "{text}"
        );
    }
}
