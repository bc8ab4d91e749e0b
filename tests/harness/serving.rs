//! `tableglow serve` as a process of its own.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

/// What a slow machine may take for an answer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A running server; killed when it goes.
pub(crate) struct Serve {
    pub(crate) child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) stderr: BufReader<ChildStderr>,
}

/// The command, with a home of its own in the data folder.
pub(crate) fn command(data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tableglow"));
    let home = data.join("home");
    command
        .args(["serve", "--data"])
        .arg(data)
        .args(arguments)
        .env("HOME", &home)
        .env("XDG_STATE_HOME", home.join("state"))
        .env("LOCALAPPDATA", home.join("local"))
        .stdin(Stdio::null());
    command
}

impl Serve {
    pub(crate) fn start(data: &Path, arguments: &[&str]) -> Self {
        Self::start_at("127.0.0.1:0", data, arguments)
    }

    pub(crate) fn start_at(listen: &str, data: &Path, arguments: &[&str]) -> Self {
        let mut command = command(data, &["--listen", listen]);
        command.args(arguments);
        Self::spawn(command)
    }

    pub(crate) fn spawn(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        stderr.read_line(&mut line).unwrap();
        let address = line
            .split_once("://")
            .and_then(|(_, rest)| rest.split_whitespace().next())
            .and_then(|address| address.parse().ok())
            .unwrap_or_else(|| panic!("no address in {line:?}"));
        Self {
            child,
            address,
            stderr,
        }
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Status, head in small letters, body.
    pub(crate) fn request(
        &self,
        method: &str,
        path: &str,
        headers: &str,
        body: &[u8],
    ) -> (u16, String, Vec<u8>) {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let host = if headers.starts_with("host:") {
            String::new()
        } else {
            format!("host: {}\r\n", self.address)
        };
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\n{host}{headers}content-length: {length}\r\nconnection: close\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        // A refusal may come before the body was read.
        let _ = stream.write_all(body);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let end = answer
            .windows(4)
            .position(|window| window == b"\r\n\r\n")
            .unwrap();
        let head = String::from_utf8_lossy(&answer[..end]).to_lowercase();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, head, answer[end + 4..].to_vec())
    }

    pub(crate) fn json(&self, method: &str, path: &str, headers: &str, body: &[u8]) -> Value {
        let (status, head, body) = self.request(method, path, headers, body);
        assert!((200..300).contains(&status), "{head}");
        serde_json::from_slice(&body).unwrap()
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
