//! How often an address may present a wrong code: [`super::code`]s are short, so that they can be
//! typed, and somebody who could try without end would find one.
//!
//! Each address has a stock of tries that fills up again with time. An empty stock refuses right
//! codes too, or the limit would be none. Long tokens are never counted and never refused: nobody
//! guesses those, and a forgotten window with an old one must not lock a household out.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use parking_lot::Mutex;

/// Addresses that are remembered.
const MOST_ADDRESSES: usize = 4096;

/// Tries in stock at most, and the time that one more takes.
type Stock = (u32, Duration);

/// An address of the network: 20 at once, then 20 a minute. All of 50 bits take 100 million years.
const NETWORK: Stock = (20, Duration::from_secs(3));
/// This machine, where everybody comes from who comes through a proxy: 200 at once, then 20 a second.
const HERE: Stock = (200, Duration::from_millis(50));

/// The wrong tries of each address.
#[derive(Debug, Default)]
pub struct Tries(Mutex<HashMap<IpAddr, Duration>>);

impl Tries {
    /// Whether this address may present a code.
    #[must_use]
    pub fn may_try(&self, from: IpAddr, now: Duration) -> bool {
        let (most, step) = stock_of(from);
        let used_until = self.0.lock().get(&holder(from)).copied();
        used_until.is_none_or(|until| until.saturating_sub(now) <= step * (most - 1))
    }

    /// It was a wrong one.
    pub fn failed(&self, from: IpAddr, now: Duration) {
        let (most, step) = stock_of(from);
        let mut all = self.0.lock();
        if all.len() >= MOST_ADDRESSES {
            all.retain(|_, until| *until > now);
            // So many at once are one attacker: whoever is let off soonest is forgotten.
            let first = all.iter().min_by_key(|(_, until)| **until);
            if all.len() >= MOST_ADDRESSES
                && let Some(first) = first.map(|(address, _)| *address)
            {
                all.remove(&first);
            }
        }
        let until = all.entry(holder(from)).or_insert(now);
        *until = (*until).max(now) + step;
        *until = (*until).min(now + step * most);
    }
}

const fn stock_of(from: IpAddr) -> Stock {
    if from.is_loopback() { HERE } else { NETWORK }
}

/// Whoever has one IPv6 address has the whole network of 64 bits.
fn holder(from: IpAddr) -> IpAddr {
    match from.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        address => address,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn tries_at(tries: &Tries, from: IpAddr, now: Duration) -> u32 {
        let mut done = 0;
        while tries.may_try(from, now) {
            tries.failed(from, now);
            done += 1;
        }
        done
    }

    #[test]
    fn wrong_codes_of_one_address_run_out_and_come_back_with_time() {
        let tries = Tries::default();
        let guest: IpAddr = "192.168.1.7".parse().unwrap();
        assert_eq!(tries_at(&tries, guest, s(100)), 20);
        assert_eq!(tries_at(&tries, guest, s(102)), 0);
        assert_eq!(tries_at(&tries, guest, s(103)), 1);
        assert_eq!(tries_at(&tries, guest, s(163)), 20);
        assert_eq!(tries_at(&tries, guest, s(100_000)), 20);
        let other: IpAddr = "192.168.1.8".parse().unwrap();
        assert!(tries.may_try(other, s(163)));
    }

    #[test]
    fn a_network_of_addresses_is_one_and_the_memory_is_bounded() {
        let tries = Tries::default();
        let address = |n: u16| IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, n]);
        assert_eq!(tries_at(&tries, address(1), s(1)), 20);
        assert!(!tries.may_try(address(2), s(1)));
        for n in 0..10_000_u32 {
            tries.failed(IpAddr::from(n.to_be_bytes()), s(2));
        }
        assert!(tries.0.lock().len() <= MOST_ADDRESSES);
    }
}
