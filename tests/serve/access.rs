//! Who is let in.

use std::collections::BTreeSet;

use serde_json::Value;

use super::peer::ROOM;
use super::serving::{Serve, command};

#[test]
fn nobody_comes_in_without_the_right_token_from_the_right_place() {
    let data = tempfile::tempdir().unwrap();
    let server = Serve::start(data.path(), &["--room", "game_session/cellar"]);
    let file = std::fs::read(data.path().join("tokens.json")).unwrap();
    let file: Value = serde_json::from_slice(&file).unwrap();
    let token = |role: &str| {
        file["rooms"]["game_session/cellar"][role]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let own = file["server"].as_str().unwrap().to_owned();
    let with = |token: &str| format!("{ROOM}?_pk=1&token={token}");

    assert_eq!(server.connect(ROOM, &[]).err(), Some(401));
    assert_eq!(server.connect(&with("guess"), &[]).err(), Some(403));
    let other = format!("/parties/game_session/attic?token={}", token("dm"));
    assert_eq!(server.connect(&other, &[]).err(), Some(403));
    // Of a room that is no game it is not known what players must not see: they are not let in.
    let text = with(&token("dm")).replace("?", "?text=notes&");
    assert_eq!(server.request("PUT", &text, "", b"some text").0, 201);
    for role in ["player", "display"] {
        assert_eq!(server.connect(&with(&token(role)), &[]).err(), Some(403));
    }
    let dm = format!("Bearer {}", token("dm"));
    let evil = [
        ("authorization", dm.as_str()),
        ("origin", "https://evil.example"),
    ];
    assert_eq!(server.connect(ROOM, &evil).err(), Some(403));
    let (status, _, _) = server.request("GET", "/health", "host: evil.example\r\n", b"");
    assert_eq!(status, 421);
    for (method, path) in [
        ("GET", ROOM),
        ("POST", ROOM),
        ("PUT", ROOM),
        ("GET", "/tokens/p/r"),
    ] {
        assert_eq!(
            server.request(method, path, "", b"{}").0,
            401,
            "{method} {path}"
        );
        let wrong = "authorization: Bearer guess\r\n";
        assert_eq!(
            server.request(method, path, wrong, b"{}").0,
            403,
            "{method} {path}"
        );
    }
    assert_eq!(
        server
            .request("GET", &format!("/assets/{}", "0".repeat(64)), "", b"")
            .0,
        401
    );

    let mut ada = server.connect(ROOM, &[("authorization", &dm)]).unwrap();
    ada.sync();
    // A viewer reads along; what it writes changes nothing.
    let mut viewer = server.connect(&with(&token("viewer")), &[]).unwrap();
    viewer.sync();
    viewer.create("forged");
    ada.create("cave");
    viewer.wait_until(|peer| peer.scenes().contains("cave"));
    let mut late = server.connect(&with(&own), &[]).unwrap();
    late.sync();
    assert_eq!(late.scenes(), BTreeSet::from(["cave".to_owned()]));
    let header = format!("authorization: Bearer {}\r\n", token("viewer"));
    assert_eq!(server.request("POST", ROOM, &header, b"{}").0, 403);

    // An invitation made beside the running server, and one made by it.
    let invited = command(data.path(), &["--invite", "game_session/attic"])
        .output()
        .unwrap();
    let invited: Value = serde_json::from_slice(&invited.stdout).unwrap();
    let attic = invited["tokens"]["dm"].as_str().unwrap();
    let attic = format!("/parties/game_session/attic?token={attic}");
    assert!(server.connect(&attic, &[]).is_ok());
    let header = format!("authorization: Bearer {own}\r\n");
    let asked = server.json("GET", "/tokens/game_session/attic", &header, b"");
    assert_eq!(asked, invited["tokens"]);

    #[cfg(unix)]
    {
        let (_, said) = server.terminate();
        for secret in [own, token("dm"), token("viewer"), token("player")] {
            assert!(!said.contains(&secret), "a token in {said}");
        }
    }
}
