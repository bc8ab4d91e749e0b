//! A server with a certificate, and a client that trusts it because its system does.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use crossbeam_channel::bounded;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

use tableglow::sync::client::Incoming;
use tableglow::sync::dialect::{Dialect, Encryption, RoomAddress};
use tableglow::sync::link::Transport as _;
use tableglow::sync::state::Closed;
use tableglow::sync::websocket::Net;

use crate::client::{PATIENCE, Us, labelled};
use crate::serving::{Serve, command};

/// Where the other half of the test finds the server.
const SERVER: &str = "TABLEGLOW_TLS_SERVER";
const IS_TRUSTED: &str = "TABLEGLOW_TLS_IS_TRUSTED";

/// An authority of our own, and a certificate for this machine that it vouches for.
struct Papers {
    authority: PathBuf,
    chain: PathBuf,
    key: PathBuf,
}

fn papers(folder: &Path) -> Papers {
    let authority_key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_pem = authority.self_signed(&authority_key).unwrap().pem();
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate().unwrap();
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let own = CertificateParams::new(names).unwrap();
    let own = own.signed_by(&key, &issuer).unwrap().pem();
    let write = |name: &str, text: String| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    Papers {
        chain: write("chain.pem", own + &authority_pem),
        authority: write("authority.pem", authority_pem),
        key: write("key.pem", key.serialize_pem()),
    }
}

fn arguments(papers: &Papers) -> [&str; 5] {
    let chain = papers.chain.to_str().unwrap();
    let key = papers.key.to_str().unwrap();
    ["--open", "--tls-cert", chain, "--tls-key", key]
}

#[test]
fn a_certificate_protects_the_room_from_those_who_read_along() {
    let data = tempfile::tempdir().unwrap();
    let papers = papers(data.path());
    let server = Serve::start(data.path(), &arguments(&papers));
    // The system's certificates are read once in a process: this test's other half has its own.
    let ask = |trusted: &Path, is_trusted: bool| {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["tls::the_other_half", "--exact", "--nocapture"])
            .env(SERVER, server.address.to_string())
            .env(IS_TRUSTED, is_trusted.to_string())
            .env("SSL_CERT_FILE", trusted)
            .env_remove("SSL_CERT_DIR")
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
    };
    ask(&papers.authority, true);
    let elsewhere = tempfile::tempdir().unwrap();
    ask(&self::papers(elsewhere.path()).authority, false);
    // Who does not speak TLS learns nothing, and others are none the wiser.
    let mut plain = std::net::TcpStream::connect(server.address).unwrap();
    plain.set_read_timeout(Some(PATIENCE)).unwrap();
    plain.write_all(b"GET /health HTTP/1.1\r\n\r\n").unwrap();
    let mut heard = Vec::new();
    drop(plain.read_to_end(&mut heard));
    assert!(!String::from_utf8_lossy(&heard).contains("HTTP"));
    ask(&papers.authority, true);
}

/// Run by the test above in a process of its own.
#[test]
fn the_other_half() {
    let Ok(host) = std::env::var(SERVER) else {
        return;
    };
    let net = Net::start().unwrap();
    let room = format!("room-{}", std::process::id());
    let mut address = RoomAddress::new(Dialect::YPartyKit, &host, "game_session", &room);
    address.encryption = Encryption::Tls;
    if std::env::var(IS_TRUSTED).as_deref() == Ok("false") {
        let (tell, woken) = bounded(1);
        let wake = Arc::new(move || _ = tell.try_send(()));
        let mut transport = net.websocket(address, wake).unwrap();
        transport.connect();
        woken.recv_timeout(PATIENCE).unwrap();
        let Some(Incoming::Closed(Closed::Lost { why })) = transport.receive() else {
            panic!("a stranger's certificate is taken");
        };
        assert!(why.contains("certificate"), "{why}");
        return;
    }
    let mut us = Us::begin(&net, address.clone());
    let generation = us.edit(labelled("m", "over TLS"));
    us.until_kept(generation);
    let mut other = Us::join(&net, address);
    other.until("the marker", |other| {
        other.label("m").as_deref() == Some("over TLS")
    });
}

#[test]
fn what_is_wrong_with_a_certificate_is_told_in_a_sentence() {
    let data = tempfile::tempdir().unwrap();
    let good = papers(data.path());
    let elsewhere = tempfile::tempdir().unwrap();
    let other = papers(elsewhere.path());
    let nothing = data.path().join("nothing.pem");
    std::fs::write(&nothing, "nothing\n").unwrap();
    let nowhere = data.path().join("nowhere.pem");
    for (chain, key, words) in [
        (&nowhere, &good.key, "nowhere.pem cannot be used for TLS"),
        (&good.chain, &nowhere, "nowhere.pem cannot be used for TLS"),
        (&nothing, &good.key, "there is no certificate in it"),
        (&good.key, &good.key, "there is no certificate in it"),
        (&good.chain, &good.chain, "there is no private key in it"),
        (&good.chain, &other.key, "it is not the key of"),
    ] {
        let papers = Papers {
            authority: PathBuf::new(),
            chain: chain.clone(),
            key: key.clone(),
        };
        let output = command(data.path(), &arguments(&papers)).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(words), "{said}");
        assert_eq!(said.trim().lines().count(), 1, "{said}");
    }
    let half = ["--open", "--tls-cert", "x.pem"];
    let output = command(data.path(), &half).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}
