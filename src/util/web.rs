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
        ureq::Error::Io(error) => error.kind().to_string(),
        ureq::Error::Timeout(_) => "it took too long".into(),
        ureq::Error::HostNotFound => "its name is not known".into(),
        ureq::Error::ConnectionFailed => "it does not answer".into(),
        ureq::Error::Rustls(error) => format!("TLS: {error}"),
        _ => "the request failed".into(),
    }
}
