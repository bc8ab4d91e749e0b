//! The server's certificate: TLS without a proxy in front.
//!
//! Both files are read once, at the start: a renewed certificate is served after a restart. What is
//! wrong with them is told before anything listens. Must not know rooms. Called by `cli`; used by
//! [`super::listener`].

use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use super::ServerError;

/// A certificate and its key, ready to be used.
#[derive(Debug, Clone)]
pub struct Tls(Arc<ServerConfig>);

impl Tls {
    /// Reads a certificate chain (the server's own first) and its private key, both PEM.
    ///
    /// # Errors
    /// When a file cannot be read, holds something else, or the key is another certificate's.
    pub fn read(chain_path: &Path, key_path: &Path) -> Result<Self, ServerError> {
        let failed = |path: &Path, detail: String| ServerError::Tls {
            path: path.to_owned(),
            detail,
        };
        let chain: Vec<_> = CertificateDer::pem_file_iter(chain_path)
            .and_then(Iterator::collect)
            .map_err(|error| failed(chain_path, said(&error, "certificate")))?;
        if chain.is_empty() {
            return Err(failed(chain_path, "there is no certificate in it".into()));
        }
        let key = PrivateKeyDer::from_pem_file(key_path)
            .map_err(|error| failed(key_path, said(&error, "private key")))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| failed(chain_path, error.to_string()))?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(|error| match error {
                rustls::Error::InconsistentKeys(_) => {
                    let other = format!("it is not the key of {}", chain_path.display());
                    failed(key_path, other)
                }
                other => failed(chain_path, other.to_string()),
            })?;
        // WebSocket upgrades are of HTTP/1.1.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(Arc::new(config)))
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.0))
    }
}

/// What is wrong with a file that was to hold such a thing.
fn said(error: &pem::Error, thing: &str) -> String {
    match error {
        pem::Error::Io(error) => error.to_string(),
        pem::Error::NoItemsFound => format!("there is no {thing} in it"),
        other => format!("it is no PEM file: {other}"),
    }
}
