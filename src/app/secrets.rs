//! Codes of rooms in the system's key store: Keychain, Credential Manager, Secret Service.
//!
//! A key store may be absent, locked, or wait for somebody to type a password, so it is asked on a
//! thread of its own and for two seconds at most. What it does not keep is kept until the app ends, and
//! that is told once. Must not know rooms. Given to the session by [`super::run`].

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use parking_lot::Mutex;

use crate::session::room::Secrets;

/// A key store is waited for this long.
const PATIENCE: Duration = Duration::from_secs(2);
/// What the entries are called in the system's own list.
const SERVICE: &str = "Tableglow";

/// A store of texts by account; may wait for as long as it likes.
pub trait Backend: Send + 'static {
    /// The text of an account.
    ///
    /// # Errors
    /// Why it cannot be told.
    fn get(&self, account: &str) -> Result<Option<String>, String>;

    /// Stores a text, or removes it.
    ///
    /// # Errors
    /// Why it was not stored.
    fn set(&self, account: &str, text: Option<&str>) -> Result<(), String>;
}

/// The system's own.
#[derive(Debug)]
pub struct SystemStore;

impl Backend for SystemStore {
    fn get(&self, account: &str) -> Result<Option<String>, String> {
        let entry = keyring::Entry::new(SERVICE, account).map_err(|error| error.to_string())?;
        match entry.get_password() {
            Ok(text) => Ok(Some(text)),
            Err(keyring::Error::NoEntry) => Ok(None),
            // What is stored there is no text of ours; the error would show its bytes.
            Err(keyring::Error::BadEncoding(_)) => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    }

    fn set(&self, account: &str, text: Option<&str>) -> Result<(), String> {
        let entry = keyring::Entry::new(SERVICE, account).map_err(|error| error.to_string())?;
        let done = match text {
            Some(text) => entry.set_password(text),
            None => match entry.delete_credential() {
                Err(keyring::Error::NoEntry) => Ok(()),
                other => other,
            },
        };
        done.map_err(|error| error.to_string())
    }
}

/// What the thread is asked.
enum Ask {
    Get(String, Sender<Option<String>>),
    Set(String, Option<String>, Sender<Option<String>>),
}

/// Codes of rooms, in the key store if there is one and in memory in any case.
pub struct KeyStore {
    asks: Option<Sender<Ask>>,
    shared: Arc<Shared>,
    patience: Duration,
}

#[derive(Default)]
struct Shared {
    /// What this run knows; `None` = forgotten.
    known: Mutex<HashMap<String, Option<String>>>,
    /// The store failed, and nobody was told yet.
    trouble: AtomicBool,
    told: AtomicBool,
    /// An answer did not come in time, and none came since.
    stuck: AtomicBool,
}

impl std::fmt::Debug for KeyStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyStore").finish_non_exhaustive()
    }
}

impl KeyStore {
    /// The system's key store.
    #[must_use]
    pub fn of_system() -> Arc<Self> {
        Self::start(SystemStore, PATIENCE)
    }

    fn start(backend: impl Backend, patience: Duration) -> Arc<Self> {
        let shared = Arc::new(Shared::default());
        let (asks, inbox) = bounded(16);
        let theirs = Arc::clone(&shared);
        let started = std::thread::Builder::new()
            .name("key store".into())
            .spawn(move || answer(&backend, &inbox, &theirs));
        Arc::new(Self {
            asks: started.is_ok().then_some(asks),
            shared,
            patience,
        })
    }

    /// What the user shall know about the key store: once, when it kept nothing.
    #[must_use]
    pub fn take_trouble(&self) -> Option<&'static str> {
        let fresh = self.shared.trouble.load(Ordering::Acquire)
            && !self.shared.told.swap(true, Ordering::AcqRel);
        fresh.then_some(
            "This system's key store cannot be used, so codes of rooms are kept only until Tableglow is closed; your campaigns are not affected. Unlock or install one (GNOME Keyring, KWallet), or type the codes again next time.",
        )
    }

    fn ask(&self, make: impl FnOnce(Sender<Option<String>>) -> Ask) -> Option<String> {
        let (reply, answer) = bounded(1);
        let asked = self
            .asks
            .as_ref()
            .is_some_and(|asks| asks.try_send(make(reply)).is_ok());
        if !asked {
            self.shared.trouble.store(true, Ordering::Release);
            return None;
        }
        // A store that hangs (a question on the screen) delays one call and no other.
        if self.shared.stuck.load(Ordering::Acquire) {
            return None;
        }
        match answer.recv_timeout(self.patience) {
            Ok(answer) => answer,
            Err(_) => {
                self.shared.stuck.store(true, Ordering::Release);
                self.shared.trouble.store(true, Ordering::Release);
                tracing::warn!(target: "app", "the key store does not answer");
                None
            }
        }
    }

    fn put(&self, account: String, text: Option<&str>) {
        let text = text.map(str::to_owned);
        self.shared
            .known
            .lock()
            .insert(account.clone(), text.clone());
        self.ask(|reply| Ask::Set(account, text, reply));
    }
}

fn answer(backend: &impl Backend, inbox: &Receiver<Ask>, shared: &Shared) {
    for ask in inbox {
        let (result, reply) = match ask {
            Ask::Get(account, reply) => (backend.get(&account), reply),
            Ask::Set(account, text, reply) => {
                (backend.set(&account, text.as_deref()).map(|()| None), reply)
            }
        };
        shared.stuck.store(false, Ordering::Release);
        let found = result.unwrap_or_else(|why| {
            tracing::warn!(target: "app", %why, "the key store");
            shared.trouble.store(true, Ordering::Release);
            None
        });
        // Whoever asked may have given up.
        let _ = reply.send(found);
    }
}

fn account(server: &str, room: &str) -> String {
    format!("{room} at {server}")
}

impl Secrets for KeyStore {
    fn get(&self, server: &str, room: &str) -> Option<String> {
        let account = account(server, room);
        if let Some(known) = self.shared.known.lock().get(&account) {
            return known.clone();
        }
        let found = self.ask(|reply| Ask::Get(account.clone(), reply))?;
        let mut known = self.shared.known.lock();
        known.insert(account, Some(found.clone()));
        Some(found)
    }

    fn set(&self, server: &str, room: &str, code: &str) {
        self.put(account(server, room), Some(code));
    }

    fn forget(&self, server: &str, room: &str) {
        self.put(account(server, room), None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Kept = Arc<Mutex<HashMap<String, String>>>;

    struct Memory(Kept);

    impl Backend for Memory {
        fn get(&self, account: &str) -> Result<Option<String>, String> {
            Ok(self.0.lock().get(account).cloned())
        }

        fn set(&self, account: &str, text: Option<&str>) -> Result<(), String> {
            match text {
                Some(text) => self.0.lock().insert(account.to_owned(), text.to_owned()),
                None => self.0.lock().remove(account),
            };
            Ok(())
        }
    }

    struct Absent;

    impl Backend for Absent {
        fn get(&self, _account: &str) -> Result<Option<String>, String> {
            Err("no such service".into())
        }

        fn set(&self, _account: &str, _text: Option<&str>) -> Result<(), String> {
            Err("no such service".into())
        }
    }

    /// Waits for a password that nobody types.
    struct Locked(Receiver<()>);

    impl Backend for Locked {
        fn get(&self, _account: &str) -> Result<Option<String>, String> {
            let _ = self.0.recv();
            Ok(None)
        }

        fn set(&self, account: &str, _text: Option<&str>) -> Result<(), String> {
            self.get(account).map(|_| ())
        }
    }

    const GENEROUS: Duration = Duration::from_secs(30);

    #[test]
    fn codes_are_there_after_a_restart_until_they_are_forgotten() {
        let kept = Kept::default();
        let room = "game_session/g";
        let first = KeyStore::start(Memory(Arc::clone(&kept)), GENEROUS);
        first.set("http://a", room, "CODE");
        first.set("http://b", room, "OTHER");
        let second = KeyStore::start(Memory(Arc::clone(&kept)), GENEROUS);
        assert_eq!(second.get("http://a", room).as_deref(), Some("CODE"));
        second.forget("http://a", room);
        assert_eq!(second.get("http://a", room), None);
        let third = KeyStore::start(Memory(kept), GENEROUS);
        assert_eq!(third.get("http://a", room), None);
        assert_eq!(third.get("http://b", room).as_deref(), Some("OTHER"));
        assert_eq!(third.take_trouble(), None);
    }

    #[test]
    fn without_a_key_store_codes_last_for_this_run_and_that_is_told_once() {
        let store = KeyStore::start(Absent, GENEROUS);
        let room = "game_session/g";
        assert_eq!(store.take_trouble(), None);
        store.set("http://a", room, "CODE");
        assert_eq!(store.get("http://a", room).as_deref(), Some("CODE"));
        assert!(store.take_trouble().is_some());
        store.set("http://a", room, "CODE2");
        assert_eq!(store.take_trouble(), None);
        assert!(!format!("{store:?}").contains("CODE"));
    }

    #[test]
    fn a_key_store_that_hangs_holds_nobody_up() {
        let (_keep_locked, locked) = bounded(0);
        let store = KeyStore::start(Locked(locked), Duration::from_millis(20));
        let room = "game_session/g";
        store.set("http://a", room, "CODE");
        // Would take 40 ms each if every call waited again, and for ever without a limit.
        for n in 0..40 {
            let other = format!("game_session/g{n}");
            assert_eq!(store.get("http://a", &other), None);
        }
        assert_eq!(store.get("http://a", room).as_deref(), Some("CODE"));
        assert!(store.take_trouble().is_some());
    }
}
