//! What happens on the four maps: who stands where, what is hidden, what is drawn.
//!
//! Positions are cells of the painted maps (`crate::scenes`), counted from their top left.

use std::f32::consts::TAU;

use glam::Vec2;
use tableglow::model::edit::Assignment;
use tableglow::model::scene as s;
use tableglow::model::stroke::StrokeMode::{Add, Erase};

use super::sketch::{Frame, Outline, Pictures, Seen, Shown, Sketch, Token};
use crate::scenes::{crypt, hexwild, lantern_alley, long_road};
use crate::shape::curve;

/// The table that the scenes are set for: 40 inches, full HD.
const DISPLAY_PX: Vec2 = Vec2::new(1920.0, 1080.0);
const DISPLAY_INCH: [f64; 2] = [34.86, 19.6];

const fn v(x: f32, y: f32) -> Vec2 {
    Vec2::new(x, y)
}

/// An arrow from the first to the last point of a path, as lines to draw.
fn arrow(path: &[Vec2], head: f32) -> Vec<Vec<Vec2>> {
    let mut lines = vec![path.to_vec()];
    if let [.., before, tip] = path {
        let back = (*before - *tip).normalize_or_zero() * head;
        for turn in [0.55f32, -0.55] {
            lines.push(vec![*tip, *tip + Vec2::from_angle(turn).rotate(back)]);
        }
    }
    lines
}

/// Every second piece of a path: a dashed line.
fn dashed(path: &[Vec2], dash: f32) -> Vec<Vec<Vec2>> {
    let mut dashes = Vec::new();
    let mut current: Vec<Vec2> = Vec::new();
    let mut walked = 0.0;
    for pair in path.windows(2) {
        let on = (walked / dash) as i64 % 2 == 0;
        if on {
            if current.is_empty() {
                current.push(pair[0]);
            }
            current.push(pair[1]);
        } else if !current.is_empty() {
            dashes.push(std::mem::take(&mut current));
        }
        walked += pair[0].distance(pair[1]);
    }
    if !current.is_empty() {
        dashes.push(current);
    }
    dashes
}

fn ring(centre: Vec2, radius: f32) -> Vec<Vec2> {
    (0..=32)
        .map(|i| centre + Vec2::from_angle(i as f32 / 32.0 * TAU) * radius)
        .collect()
}

fn slices(lines: &[Vec<Vec2>]) -> Vec<&[Vec2]> {
    lines.iter().map(Vec::as_slice).collect()
}

/// Settings that all scenes share.
fn table(order: f64, map: Option<&Shown>, zoom: f64, offset: Vec2) -> Vec<Assignment> {
    vec![
        Assignment::new(s::ORDER, order),
        Assignment::new(s::DISPLAY_SIZE_X, DISPLAY_INCH[0]),
        Assignment::new(s::DISPLAY_SIZE_Y, DISPLAY_INCH[1]),
        Assignment::new(s::DISPLAY_RESOLUTION_X, f64::from(DISPLAY_PX.x)),
        Assignment::new(s::DISPLAY_RESOLUTION_Y, f64::from(DISPLAY_PX.y)),
        Assignment::new(s::MAP_LOCATION, map.map(|shown| shown.key.as_str())),
        Assignment::new(s::MAP_ZOOM, zoom),
        Assignment::new(s::MAP_OFFSET_X, f64::from(offset.x).round()),
        Assignment::new(s::MAP_OFFSET_Y, f64::from(offset.y).round()),
        Assignment::new(s::GRID_SPACING, 1.0),
        Assignment::new(s::FOG_OF_WAR_OPACITY_PLAYER, 1.0),
        Assignment::new(s::MAP_COORD_VERSION, 1_i64),
    ]
}

/// The look of a scene's grid and fog.
fn look(
    grid_colour: &str,
    grid_opacity: f64,
    fog_colour: &str,
    background: &str,
) -> Vec<Assignment> {
    vec![
        Assignment::new(s::GRID_LINE_COLOR, grid_colour),
        Assignment::new(s::GRID_OPACITY, grid_opacity),
        Assignment::new(s::FOG_OF_WAR_COLOR, fog_colour),
        Assignment::new(s::BACKGROUND_COLOR, background),
    ]
}

/// A scene whose grid is its map's: settings and frame. `centre` is the cell in the middle of the
/// table.
fn on_map_grid(
    order: f64,
    map: Option<Shown>,
    cells: (u32, u32),
    centre: Vec2,
) -> (Vec<Assignment>, Frame) {
    let cells_f = Vec2::new(cells.0 as f32, cells.1 as f32);
    let cell_px = f64::from(DISPLAY_PX.x) / DISPLAY_INCH[0];
    let size_px = map.as_ref().map_or(cells_f, |shown| shown.size_px);
    let zoom = cell_px * f64::from(cells_f.x / size_px.x);
    let from_middle = (centre - cells_f * 0.5) * cell_px as f32;
    let mut settings = table(
        order,
        map.as_ref(),
        zoom,
        Vec2::new(-from_middle.x, from_middle.y),
    );
    settings.push(Assignment::new(s::GRID_MODE, s::GRID_MODE_MAP_DEFINED));
    settings.push(Assignment::new(
        s::GRID_MAP_DEFINED_X,
        Some(i64::from(cells.0)),
    ));
    settings.push(Assignment::new(
        s::GRID_MAP_DEFINED_Y,
        Some(i64::from(cells.1)),
    ));
    (
        settings,
        Frame {
            cells: cells_f,
            size_px,
            picture_px: size_px,
        },
    )
}

/// A scene whose map is as large as the table, with the table's own grid.
fn on_table_grid(
    order: f64,
    map: Option<Shown>,
    cells: (f32, f32),
    grid_type: i64,
) -> (Vec<Assignment>, Frame) {
    let mut settings = table(order, map.as_ref(), 0.5, Vec2::ZERO);
    settings.push(Assignment::new(s::GRID_MODE, s::GRID_MODE_FILL_SPACE));
    settings.push(Assignment::new(s::GRID_TYPE, grid_type));
    let frame = Frame {
        cells: v(cells.0, cells.1),
        size_px: DISPLAY_PX,
        picture_px: DISPLAY_PX * 2.0,
    };
    (settings, frame)
}

/// The four heroes of the Lantern Company, standing at these places.
fn company(sketch: &mut Sketch<'_>, places: [Vec2; 4]) {
    let heroes = [
        (
            "Ser Oda",
            "knight",
            "#b8474a",
            "# Ser Oda\nShield of the company. AC 19.\n- Swore to bring her brother home\n- Will not draw steel on holy ground",
        ),
        (
            "Mirelle",
            "wizard",
            "#5a6fc0",
            "# Mirelle\nReads every inscription aloud. Every one.",
        ),
        (
            "Fen",
            "rogue",
            "#5c8a6a",
            "# Fen\nScouts thirty feet ahead. Owes the Gilded Stag 40 gold.",
        ),
        (
            "Brother Aldous",
            "cleric",
            "#c99a3e",
            "# Brother Aldous\nCarries the lantern that the company is named for.",
        ),
    ];
    for ((title, picture, colour, note), at) in heroes.into_iter().zip(places) {
        sketch.token(Token {
            title,
            at,
            picture: Some(picture),
            colour,
            note: Some(note),
            ..Token::default()
        });
    }
}

/// "The Sunken Crypt".
pub fn sunken_crypt(pictures: Pictures<'_>) -> Sketch<'_> {
    let (mut settings, frame) =
        on_map_grid(1.0, pictures("sunken-crypt"), crypt::CELLS, v(17.0, 9.5));
    settings.extend(look("#f2e7cf", 0.22, "#4d4956", "#0b0a0d"));
    let mut sketch = Sketch::new("The Sunken Crypt", frame, settings, pictures);

    sketch.fog_everything(Add);
    for (min, max) in [
        (v(1.5, 11.5), v(8.5, 17.5)),
        (v(3.5, 8.5), v(6.5, 12.5)),
        (v(1.5, 1.5), v(9.5, 9.5)),
        (v(8.5, 4.5), v(12.5, 7.5)),
        (v(11.5, 1.5), v(24.5, 12.5)),
    ] {
        sketch.fog_rect(Erase, min, max);
    }
    // A look down the stairs to the south and into the passage to the tombs.
    sketch.fog_path(Erase, 1.2, &[v(20.0, 12.0), v(20.0, 13.6)]);
    sketch.fog_path(Erase, 0.9, &[v(24.0, 4.5), v(25.1, 4.5)]);

    company(
        &mut sketch,
        [v(13.5, 6.5), v(12.5, 5.5), v(14.5, 8.5), v(12.5, 6.5)],
    );
    for (label, at) in [
        ("S1", v(22.5, 5.5)),
        ("S2", v(23.5, 8.5)),
        ("S3", v(20.5, 11.5)),
    ] {
        sketch.token(Token {
            title: "Drowned acolyte",
            label: Some(label),
            at,
            picture: Some("skeleton"),
            colour: "#6d6478",
            note: Some(
                "AC 13, HP 22. Rises again after one minute while the shard on the altar glows.",
            ),
            ..Token::default()
        });
    }
    sketch.token(Token {
        title: "The drowned abbot",
        label: None,
        at: v(28.0, 12.0),
        picture: Some("abbot"),
        colour: "#3f7a78",
        size: 2,
        seen: Seen::ByDm,
        note: Some("# The drowned abbot\nWaits behind the altar until someone touches the shard.\n- Chill touch: 2d8, and speed halves\n- Flees into the pool at half strength\n- Knows where Ser Oda's brother is buried"),
        ..Token::default()
    });
    sketch.token(Token {
        title: "Tithe chest",
        at: v(2.5, 6.5),
        picture: Some("chest"),
        outline: Outline::Square,
        colour: "#a5793f",
        note: Some("Locked, DC 14. 112 silver, a wet prayer book, the key to the ossuary."),
        ..Token::default()
    });
    sketch.token(Token {
        title: "Loose flag",
        label: Some("!"),
        at: v(10.5, 6.5),
        outline: Outline::Triangle,
        colour: "#d5543f",
        seen: Seen::ByDm,
        note: Some("# Loose flag\nPassive perception 14 or a ten-foot drop into the drain. It leads to the ossuary."),
        ..Token::default()
    });
    sketch.token(Token {
        title: "The hidden way",
        label: Some("?"),
        at: v(29.5, 9.5),
        outline: Outline::Square,
        colour: "#8e6bc0",
        seen: Seen::ByDm,
        note: Some("A door behind the middle tomb. Its key is the ring on the effigy's hand."),
        ..Token::default()
    });
    sketch.token(Token {
        title: "Something moves in the water",
        label: Some("~"),
        at: v(18.0, 7.0),
        outline: Outline::Circle,
        colour: "#3c8f96",
        seen: Seen::OnHover,
        size: 2,
        note: Some("A hand, pale as wax, and then nothing but rings on the water."),
        ..Token::default()
    });

    for at in [
        v(13.5, 3.5),
        v(22.5, 3.5),
        v(13.5, 10.5),
        v(22.5, 10.5),
        v(3.5, 13.5),
        v(6.5, 13.5),
    ] {
        sketch.light(at, 4.5, "torch", "#FF8A3D", 2, 0.55);
    }
    sketch.light(crypt_shrine(), 6.0, "magical", "#59D6E0", 1, 0.6);

    let flank = curve(
        &[v(14.6, 9.1), v(15.6, 11.0), v(18.0, 11.6), v(19.9, 11.5)],
        8,
    );
    sketch.drawing(
        "Fen's plan",
        "#F0A63A",
        true,
        0.16,
        &slices(&arrow(&flank, 0.7)),
    );
    let patrol = curve(
        &[
            v(23.0, 5.0),
            v(23.3, 8.5),
            v(22.0, 11.2),
            v(20.0, 12.8),
            v(20.0, 15.0),
            v(24.0, 15.0),
        ],
        10,
    );
    sketch.drawing(
        "Patrol of the acolytes",
        "#E5645F",
        false,
        0.12,
        &slices(&dashed(&patrol, 0.45)),
    );
    sketch
}

const fn crypt_shrine() -> Vec2 {
    v(28.5, 14.0)
}

/// "Hexwild".
pub fn hexwild(pictures: Pictures<'_>) -> Sketch<'_> {
    let hex = hexwild::hex_centre;
    let (mut settings, frame) =
        on_table_grid(2.0, pictures("hexwild"), hexwild::CELLS, s::GRID_TYPE_HEX);
    settings.extend(look("#fbf6df", 0.34, "#7c8577", "#0e110d"));
    let mut sketch = Sketch::new("Hexwild", frame, settings, pictures);

    sketch.fog_everything(Add);
    let road = [
        v(-0.5, 7.5),
        v(4.0, 8.6),
        v(8.0, 7.6),
        v(12.5, 8.8),
        v(16.5, 8.4),
        v(20.5, 8.2),
    ];
    sketch.fog_path(Erase, 4.6, &curve(&road, 6));
    sketch.fog_ellipse(Erase, hex(-10, 2), v(5.4, 4.2));
    sketch.fog_ellipse(Erase, v(20.8, 7.6), v(4.6, 5.0));
    sketch.fog_path(
        Erase,
        2.6,
        &curve(&[v(20.5, 8.0), v(23.5, 6.4), v(26.0, 5.4)], 6),
    );

    company(
        &mut sketch,
        [hex(-2, -2), hex(-4, -2), hex(1, -1), hex(-3, -1)],
    );
    sketch.token(Token {
        title: "Tamsin",
        at: hex(-9, 2),
        picture: Some("ranger"),
        colour: "#5d7a3c",
        note: Some("Guide. Two silver a day, and she will not go near the stones after dark."),
        ..Token::default()
    });
    for (label, at) in [("W1", hex(4, -3)), ("W2", hex(5, -2)), ("W3", hex(4, 0))] {
        sketch.token(Token {
            title: "Grey wolf",
            label: Some(label),
            at,
            picture: Some("wolf"),
            colour: "#6b7480",
            note: Some("AC 13, HP 11. Pack tactics. Flees when the pack leader falls."),
            ..Token::default()
        });
    }
    for (label, at) in [("G1", hex(8, -6)), ("G2", hex(10, -4)), ("G3", hex(9, -3))] {
        sketch.token(Token {
            title: "Goblin lookout",
            label: Some(label),
            at,
            picture: Some("goblin"),
            colour: "#7f8f3f",
            seen: Seen::ByDm,
            note: Some("Rings the cracked bell when it sees a light on the road."),
            ..Token::default()
        });
    }
    sketch.token(Token { title: "Old Maugrim", label: Some("M"), at: hex(9, -5), picture: Some("dragon"), colour: "#a33c30", size: 3, seen: Seen::ByDm, note: Some("# Old Maugrim\nAsleep under the tower since the wet summer.\n- Wakes on a roll of 1 when the bell rings\n- Prefers bargains to blood"), ..Token::default() });
    sketch.token(Token {
        title: "The ford",
        label: Some("F"),
        at: hex(3, -2),
        outline: Outline::Square,
        colour: "#5b9df5",
        seen: Seen::OnHover,
        note: Some("Knee deep. Difficult ground; the stones are slippery."),
        ..Token::default()
    });
    sketch.token(Token {
        title: "Ring of stones",
        label: Some("6"),
        at: hex(-13, 6),
        outline: Outline::Triangle,
        colour: "#8e6bc0",
        seen: Seen::ByDm,
        note: Some("Five stand, one has fallen. Raise it, and the ring opens at moonrise."),
        ..Token::default()
    });

    sketch.light(hex(-10, 2), 4.0, "fire", "#FF7A35", 2, 0.6);
    sketch.light(hex(-13, 6), 3.0, "fireflies", "#C6E86A", 1, 0.5);

    let trail = curve(&[v(22.4, 8.6), v(24.6, 7.6), v(27.6, 7.4), v(27.0, 6.2)], 8);
    sketch.drawing(
        "Trail that Tamsin found",
        "#F0D24A",
        true,
        0.16,
        &slices(&dashed(&trail, 0.4)),
    );
    sketch.drawing(
        "Where the bell is heard",
        "#E5645F",
        false,
        0.10,
        &slices(&dashed(&ring(hex(9, -5), 6.0), 1.0)),
    );
    sketch
}

/// "Lantern Alley".
pub fn lantern_alley(pictures: Pictures<'_>) -> Sketch<'_> {
    let cell = |x: f32, y: f32| lantern_alley::on_grid(x + 0.5, y + 0.5);
    let at = lantern_alley::on_grid;
    let (mut settings, frame) = on_table_grid(
        3.0,
        pictures("lantern-alley"),
        lantern_alley::CELLS,
        s::GRID_TYPE_SQUARE,
    );
    settings.extend(look("#9fb6dc", 0.20, "#2a3046", "#06070b"));
    let mut sketch = Sketch::new("Lantern Alley", frame, settings, pictures);

    // Everybody knows the quay; the back lanes and the far bank are another matter.
    sketch.fog_everything(Erase);
    sketch.fog_rect(Add, at(22.5, -1.0), at(36.0, 6.4));
    sketch.fog_rect(Add, at(-1.0, 17.0), at(18.8, 20.0));
    sketch.fog_rect(Add, at(23.6, 17.0), at(36.0, 20.0));
    sketch.fog_ellipse(Add, at(33.8, 9.0), v(3.6, 3.2));

    company(
        &mut sketch,
        [
            cell(14.0, 10.0),
            cell(13.0, 9.0),
            cell(18.0, 6.0),
            cell(15.0, 11.0),
        ],
    );
    sketch.token(Token { title: "Lisette", at: cell(17.0, 9.0), picture: Some("bard"), colour: "#8a5580", note: Some("# Lisette\nSings at the fountain every night and hears everything.\n- The barge unloads at the third bell\n- Nobody asks what is in the crates"), ..Token::default() });
    sketch.token(Token {
        title: "Harbour watch",
        label: Some("H1"),
        at: cell(20.0, 12.0),
        colour: "#47607a",
        note: Some("Can be bought. Is proud of not being cheap."),
        ..Token::default()
    });
    sketch.token(Token {
        title: "Harbour watch",
        label: Some("H2"),
        at: cell(21.0, 15.0),
        colour: "#47607a",
        ..Token::default()
    });
    for (label, place) in [("K1", cell(28.0, 12.0)), ("K2", cell(26.0, 11.0))] {
        sketch.token(Token {
            title: "Smuggler",
            label: Some(label),
            at: place,
            picture: Some("rogue"),
            outline: Outline::Square,
            colour: "#7a4b3a",
            seen: Seen::ByDm,
            note: Some("AC 12, HP 16. Drops the crate and runs for the boat."),
            ..Token::default()
        });
    }
    sketch.token(Token {
        title: "Marked crate",
        label: Some("X"),
        at: cell(27.0, 12.0),
        outline: Outline::Square,
        colour: "#c99a3e",
        seen: Seen::OnHover,
        note: Some("The abbey's seal, freshly broken."),
        ..Token::default()
    });
    sketch.token(Token {
        title: "The third roof",
        label: Some("!"),
        at: at(15.5, 2.5),
        outline: Outline::Triangle,
        colour: "#d5543f",
        seen: Seen::ByDm,
        note: Some("A crossbow and a bored man. Perception 15 to see him against the slates."),
        ..Token::default()
    });

    for (i, lantern) in lantern_alley::LANTERNS.into_iter().enumerate() {
        sketch.light(
            at(lantern.x, lantern.y),
            4.5,
            "lantern",
            "#FFB45A",
            if i % 3 == 0 { 1 } else { 0 },
            0.62,
        );
    }
    sketch.light(at(16.0, 8.5), 3.5, "bioluminescent", "#7CC7E8", 1, 0.4);

    let roofs = curve(
        &[
            at(8.2, 1.0),
            at(11.0, 2.2),
            at(16.5, 1.2),
            at(22.5, 2.4),
            at(26.2, 5.4),
            at(27.6, 11.4),
        ],
        10,
    );
    sketch.drawing(
        "Over the roofs",
        "#E5645F",
        false,
        0.12,
        &slices(&arrow(&roofs, 0.7)),
    );
    sketch.drawing(
        "Meet here at the third bell",
        "#F0A63A",
        true,
        0.14,
        &slices(&[ring(at(21.5, 15.0), 1.15)]),
    );
    sketch
}

/// "The Long Road".
pub fn long_road(pictures: Pictures<'_>) -> Sketch<'_> {
    let cell = |x: f32, y: f32| v(x + 0.5, y + 0.5);
    let (mut settings, frame) =
        on_map_grid(4.0, pictures("long-road"), long_road::CELLS, v(76.0, 50.0));
    settings.extend(look("#fbf3da", 0.16, "#8b8a7c", "#0e0f0b"));
    let mut sketch = Sketch::new("The Long Road", frame, settings, pictures);

    sketch.fog_everything(Add);
    let road = [
        v(-2.0, 85.0),
        v(9.0, 79.0),
        v(20.0, 71.5),
        v(33.0, 67.0),
        v(46.0, 62.0),
        v(57.0, 59.0),
        v(70.0, 58.0),
        v(80.0, 56.5),
        v(83.0, 50.0),
        v(82.0, 44.0),
    ];
    sketch.fog_path(Erase, 9.0, &curve(&road, 6));
    sketch.fog_ellipse(Erase, v(40.0, 65.0), v(24.0, 17.0));
    sketch.fog_ellipse(Erase, v(83.0, 46.0), v(17.0, 15.0));

    company(
        &mut sketch,
        [
            cell(68.0, 58.0),
            cell(66.0, 58.0),
            cell(72.0, 57.0),
            cell(67.0, 57.0),
        ],
    );
    sketch.token(Token {
        title: "Castellan Roake",
        label: Some("R"),
        at: cell(81.0, 45.0),
        picture: Some("knight"),
        colour: "#5b6f8f",
        note: Some("Lets nobody in after sunset. Can be reminded of an old debt."),
        ..Token::default()
    });
    for (label, place) in [("A", cell(80.0, 45.0)), ("B", cell(83.0, 45.0))] {
        sketch.token(Token {
            title: "Gate guard",
            label: Some(label),
            at: place,
            colour: "#8f5a4a",
            ..Token::default()
        });
    }
    sketch.token(Token {
        title: "Miller's cart",
        label: Some("3"),
        at: cell(90.0, 59.0),
        outline: Outline::Square,
        colour: "#a5793f",
        size: 2,
        note: Some("Three sacks of flour and one of something else."),
        ..Token::default()
    });
    sketch.token(Token { title: "Mother of the hill", at: v(70.5, 4.5), picture: Some("dragon"), colour: "#a33c30", size: 3, seen: Seen::ByDm, note: Some("# Mother of the hill\nSleeps in the rings of the old fort. The shepherds know, and pay."), ..Token::default() });
    for (label, place) in [
        ("W1", cell(99.0, 54.0)),
        ("W2", cell(101.0, 57.0)),
        ("W3", cell(98.0, 57.0)),
    ] {
        sketch.token(Token {
            title: "Grey wolf",
            label: Some(label),
            at: place,
            picture: Some("wolf"),
            colour: "#6b7480",
            seen: Seen::ByDm,
            ..Token::default()
        });
    }
    sketch.token(Token {
        title: "Under the bridge",
        label: Some("!"),
        at: cell(63.0, 60.0),
        outline: Outline::Triangle,
        colour: "#d5543f",
        seen: Seen::ByDm,
        note: Some("The third pier is hollow. The toll of forty years lies in it."),
        ..Token::default()
    });
    sketch.token(Token {
        title: "Village of Wend",
        label: Some("W"),
        at: cell(37.0, 64.0),
        outline: Outline::Square,
        colour: "#5fb58a",
        seen: Seen::OnHover,
        note: Some("Nineteen roofs, one church, no inn. Ask for the miller."),
        ..Token::default()
    });

    let journey = curve(
        &[
            v(1.0, 83.6),
            v(9.0, 79.0),
            v(20.0, 71.5),
            v(33.0, 67.0),
            v(46.0, 62.0),
            v(57.0, 59.0),
            v(66.0, 58.4),
        ],
        24,
    );
    sketch.drawing(
        "The day's journey",
        "#F0A63A",
        true,
        0.5,
        &slices(&dashed(&journey, 1.5)),
    );
    let cross = [
        vec![v(81.0, 30.0), v(83.5, 32.5)],
        vec![v(83.5, 30.0), v(81.0, 32.5)],
    ];
    sketch.drawing(
        "Where the shard was taken",
        "#E5645F",
        false,
        0.5,
        &slices(&cross),
    );
    sketch
}
