//! A Node program that is asked one JSON line at a time.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value as Json;

/// The program `peer.mjs` of a folder; ended with its owner.
pub(crate) struct Node {
    process: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Node {
    pub(crate) fn start(folder: &Path) -> Self {
        let mut process = Command::new("node")
            .arg("peer.mjs")
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let to = process.stdin.take().unwrap();
        let from = BufReader::new(process.stdout.take().unwrap());
        Self { process, to, from }
    }

    pub(crate) fn ask(&mut self, command: &Json) -> Json {
        writeln!(self.to, "{command}").unwrap();
        self.to.flush().unwrap();
        let mut line = String::new();
        self.from.read_line(&mut line).unwrap();
        let answer: Json =
            serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        assert!(answer.get("error").is_none(), "{command}: {answer}");
        answer
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
