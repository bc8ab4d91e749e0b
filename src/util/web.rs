//! The HTTP client that everything in this program starts from.

use std::sync::Arc;

use ureq::config::ConfigBuilder;
use ureq::tls::{RootCerts, TlsConfig};
use ureq::typestate::AgentScope;

/// A client with this program's TLS (rustls with ring, the system's certificates). Statuses are
/// answers, not errors. A redirection is not followed: a secret must not go somewhere else.
#[must_use]
pub fn client() -> ConfigBuilder<AgentScope> {
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::PlatformVerifier)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build();
    ureq::Agent::config_builder()
        .tls_config(tls)
        .max_redirects(0)
        .http_status_as_error(false)
}

/// What went wrong, without the address that some errors repeat.
#[must_use]
pub fn in_words(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Io(error) if is_unknown_name(error) => "its name is not known".into(),
        ureq::Error::Io(error) => error.kind().to_string(),
        ureq::Error::Timeout(_) => "it took too long".into(),
        ureq::Error::HostNotFound => "its name is not known".into(),
        ureq::Error::ConnectionFailed => "it does not answer".into(),
        ureq::Error::Rustls(error) => format!("TLS: {error}"),
        _ => "the request failed".into(),
    }
}

/// Nobody knows an address of that name; the system's own error says so in no kind.
fn is_unknown_name(error: &std::io::Error) -> bool {
    // WSAHOST_NOT_FOUND and WSANO_DATA.
    let of_windows = cfg!(windows) && matches!(error.raw_os_error(), Some(11_001 | 11_004));
    of_windows || error.to_string().starts_with("failed to lookup address")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_nobody_knows_is_told_in_words() {
        let error = std::io::Error::other("failed to lookup address information: Name not known");
        assert_eq!(in_words(&ureq::Error::Io(error)), "its name is not known");
        let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        assert_eq!(in_words(&ureq::Error::Io(refused)), "connection refused");
    }
}
