//! What is asked over HTTP.

use serde_json::json;
use tableglow::storage::blobs::hash_of;

use super::peer::ROOM;
use super::serving::Serve;

#[test]
fn the_http_side_does_what_it_promises() {
    let data = tempfile::tempdir().unwrap();
    let server = Serve::start(data.path(), &["--open"]);
    let with_name = format!("{ROOM}?_pk=1&userId=ada&userName=Ada%20L");
    let mut ada = server.connect(&with_name, &[]).unwrap();
    ada.sync();
    let mut bob = server
        .connect(&format!("{ROOM}?_pk=2&userId=bob"), &[])
        .unwrap();
    bob.sync();
    ada.wait_until(|peer| peer.texts.iter().any(|text| text.contains("USER_JOINED")));

    let room = server.json("GET", ROOM, "", b"");
    let ada_here = json!({"id": "ada", "name": "Ada L", "role": "dm"});
    assert!(
        room["users"].as_array().unwrap().contains(&ada_here),
        "{room}"
    );
    assert!(room["document"]["bytes"].is_u64());

    let event = br#"{"requestId": 7,  "body":"as it is","name":"x"}"#;
    assert_eq!(server.json("POST", ROOM, "", event), json!({"sent": 2}));
    let unread = String::from_utf8(event.to_vec()).unwrap();
    ada.wait_until(|peer| peer.texts.contains(&unread));
    bob.wait_until(|peer| peer.texts.contains(&unread));
    let but_ada = format!("{ROOM}?exclude=ada");
    assert_eq!(
        server.json("POST", &but_ada, "", b"[1]"),
        json!({"sent": 1})
    );
    let pong = server.json("POST", ROOM, "", br#"{"type":"ping","timestamp":5}"#);
    assert_eq!(
        (&pong["type"], &pong["timestamp"]),
        (&json!("pong"), &json!(5))
    );
    assert_eq!(server.request("POST", ROOM, "", b"{no").0, 400);
    assert_eq!(server.request("POST", ROOM, "", &[b' '; 70_000]).0, 413);
    drop(bob);
    ada.wait_until(|peer| peer.texts.iter().any(|text| text.contains("USER_LEFT")));

    let origin = "origin: http://localhost:5173\r\n";
    let (status, head, body) = server.request("OPTIONS", ROOM, origin, b"");
    assert_eq!((status, &body[..]), (200, &br#"{"ok":true}"#[..]));
    assert!(
        head.contains("access-control-allow-origin: http://localhost:5173"),
        "{head}"
    );
    assert!(head.contains("post"));

    for (path, status) in [
        ("/", 200),
        ("/health", 200),
        ("/nothing", 404),
        ("/parties/p", 404),
    ] {
        assert_eq!(server.request("GET", path, "", b"").0, status, "{path}");
    }
    let (_, _, figures) = server.request("GET", "/metrics", "", b"");
    let figures = String::from_utf8(figures).unwrap();
    assert!(figures.contains("tableglow_connections"), "{figures}");
    assert!(!figures.contains("cellar") && !figures.contains("ada"));

    // A beginning is for rooms that were never used.
    let seeded = "/parties/notes/first?text=body";
    assert_eq!(
        server.request("PUT", seeded, "", b"Once upon a time").0,
        201
    );
    assert_eq!(server.request("PUT", seeded, "", b"Another").0, 409);
    assert!(
        server.json("GET", "/parties/notes/first", "", b"")["document"]["bytes"].as_u64()
            > Some(16)
    );

    let picture: Vec<u8> = (0..100_000_u32).map(|n| (n % 251) as u8).collect();
    let path = format!("/assets/{}", hash_of(&picture));
    assert_eq!(server.request("GET", &path, "", b"").0, 404);
    assert_eq!(server.request("PUT", &path, "", b"something else").0, 422);
    assert_eq!(server.request("PUT", &path, "", &picture).0, 201);
    assert_eq!(server.request("PUT", &path, "", &picture).0, 200);
    assert_eq!(server.request("GET", &path, "", b"").2, picture);
    let (status, head, part) = server.request("GET", &path, "range: bytes=1000-1999\r\n", b"");
    assert_eq!((status, &part[..]), (206, &picture[1000..2000]));
    assert!(
        head.contains("content-range: bytes 1000-1999/100000"),
        "{head}"
    );
}
