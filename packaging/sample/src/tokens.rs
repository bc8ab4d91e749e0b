//! The token pictures: round emblems in two or three flat colours with soft shading.
//!
//! Each emblem is a few outlines on a field of 100 by 100, written as paths (`M`, `L`, `C`, `Q`,
//! `Z`, absolute). Every picture gets the same field, rim, drop shadow and light from above, so
//! that they make a set and stay legible at the size of a thumb.

use crate::palette::{mix, rgb};
use crate::picture::encode_png;
use anyhow::{Context, Result};
use glam::{UVec2, Vec3};
use tiny_skia::{
    Color, FillRule, GradientStop, LinearGradient, Mask, Paint, Path, PathBuilder, Pixmap, Point,
    RadialGradient, Shader, SpreadMode, Stroke, Transform,
};

/// Side of a token picture in pixels.
pub const SIZE: u32 = 512;

/// An outline of an emblem and its colour.
struct Part {
    path: &'static str,
    colour: u32,
}

/// A token.
pub struct Token {
    /// File name, without extension.
    pub name: &'static str,
    /// Colour of the field behind the emblem.
    field: u32,
    parts: &'static [Part],
}

const fn part(colour: u32, path: &'static str) -> Part {
    Part { path, colour }
}

const STEEL: u32 = 0xb9c0c8;
const STEEL_DARK: u32 = 0x7e8791;
const BRASS: u32 = 0xd9b25a;
const NIGHT: u32 = 0x241d22;
const BONE: u32 = 0xe4dac0;

/// All tokens.
pub const ALL: &[Token] = &[
    Token {
        name: "knight",
        field: 0x8a3034,
        parts: &[
            // Plume, helm, visor with its slit and breaths.
            part(0xd8c9a6, "M52 8 C66 4 82 12 84 30 C76 24 66 24 58 27 Z"),
            part(
                STEEL,
                "M50 16 C32 16 24 30 24 46 L24 66 C24 74 38 86 50 90 C62 86 76 74 76 66 L76 46 C76 30 68 16 50 16 Z",
            ),
            part(
                STEEL_DARK,
                "M24 46 C38 42 62 42 76 46 L76 66 C76 74 62 86 50 90 C38 86 24 74 24 66 Z",
            ),
            part(BRASS, "M47 16 L53 16 L54 88 L50 90 L46 88 Z"),
            part(NIGHT, "M29 49 L46 47 L46 54 L29 55 Z"),
            part(NIGHT, "M71 49 L54 47 L54 54 L71 55 Z"),
            part(
                NIGHT,
                "M33 63 L36 63 L36 69 L33 69 Z M39 64 L42 64 L42 72 L39 72 Z M58 64 L61 64 L61 72 L58 72 Z M64 63 L67 63 L67 69 L64 69 Z",
            ),
        ],
    },
    Token {
        name: "wizard",
        field: 0x37426f,
        parts: &[
            part(0xe9e4d6, "M36 62 C36 80 44 92 50 95 C56 92 64 80 64 62 Z"),
            part(0xd9a67e, "M37 58 C37 72 43 77 50 77 C57 77 63 72 63 58 Z"),
            part(
                0xe9e4d6,
                "M36 68 C42 64 46 70 50 70 C54 70 58 64 64 68 C62 84 54 94 50 95 C46 94 38 84 36 68 Z",
            ),
            part(
                NIGHT,
                "M42 62 C43 60 46 60 47 62 C46 64 43 64 42 62 Z M53 62 C54 60 57 60 58 62 C57 64 54 64 53 62 Z",
            ),
            part(
                0x6b5aa8,
                "M30 56 C34 38 44 26 52 8 C60 8 68 16 70 22 C64 20 62 22 62 26 C64 38 68 46 70 56 Z",
            ),
            part(
                0x54468c,
                "M14 60 C22 50 38 52 50 52 C62 52 78 50 86 60 C72 66 62 62 50 62 C38 62 28 66 14 60 Z",
            ),
            part(
                BRASS,
                "M32 49 C44 45 56 45 68 49 L70 55 C58 51 42 51 30 55 Z",
            ),
            part(
                0xf1d98a,
                "M50 26 L52 32 L58 33 L53 36 L55 42 L50 38 L45 42 L47 36 L42 33 L48 32 Z",
            ),
        ],
    },
    Token {
        name: "rogue",
        field: 0x3d4a44,
        parts: &[
            part(
                0x55635a,
                "M50 8 C28 12 18 38 18 62 C18 78 24 90 30 94 L70 94 C76 90 82 78 82 62 C82 38 72 12 50 8 Z",
            ),
            part(
                NIGHT,
                "M50 26 C36 28 31 44 32 58 C34 72 42 80 50 83 C58 80 66 72 68 58 C69 44 64 28 50 26 Z",
            ),
            part(
                0xd3a179,
                "M34 48 C42 44 58 44 66 48 C67 54 66 58 65 60 C56 57 44 57 35 60 C34 58 33 54 34 48 Z",
            ),
            part(
                0x8a3034,
                "M34 60 C44 56 56 56 66 60 C64 72 57 80 50 83 C43 80 36 72 34 60 Z",
            ),
            part(
                0xf3efdf,
                "M38 51 C42 49 46 51 47 54 C43 56 39 55 38 51 Z M62 51 C58 49 54 51 53 54 C57 56 61 55 62 51 Z",
            ),
            part(
                NIGHT,
                "M42 51 L45 51 L45 55 L42 55 Z M55 51 L58 51 L58 55 L55 55 Z",
            ),
            part(STEEL, "M76 60 L82 56 L62 92 L58 90 Z"),
        ],
    },
    Token {
        name: "cleric",
        field: 0x9a7a36,
        parts: &[
            part(
                0xf0d88e,
                "M50 4 L56 24 L70 10 L67 30 L86 22 L76 39 L96 40 L79 50 L96 60 L76 61 L86 78 L67 70 L70 90 L56 76 L50 96 L44 76 L30 90 L33 70 L14 78 L24 61 L4 60 L21 50 L4 40 L24 39 L14 22 L33 30 L30 10 L44 24 Z",
            ),
            part(
                0xfdf3cf,
                "M50 26 C63 26 74 37 74 50 C74 63 63 74 50 74 C37 74 26 63 26 50 C26 37 37 26 50 26 Z",
            ),
            part(
                0xb98a36,
                "M46 33 L54 33 L54 45 L66 45 L66 53 L54 53 L54 69 L46 69 L46 53 L34 53 L34 45 L46 45 Z",
            ),
        ],
    },
    Token {
        name: "bard",
        field: 0x6a3f63,
        parts: &[
            part(0x6b4526, "M58 44 L80 12 L87 17 L65 49 Z"),
            part(0x8a5a30, "M77 10 L84 5 L94 12 L89 19 Z"),
            part(
                0xc98d4c,
                "M66 46 C74 58 66 66 62 72 C60 86 42 96 28 86 C14 76 14 56 28 50 C36 46 40 34 52 36 C58 37 63 41 66 46 Z",
            ),
            part(
                0xe2b373,
                "M61 50 C66 58 60 63 56 69 C54 80 42 88 31 81 C21 74 21 60 31 55 C38 51 42 42 50 42 C55 42 59 45 61 50 Z",
            ),
            part(
                NIGHT,
                "M48 55 C54 55 57 60 54 65 C51 70 45 70 42 66 C39 61 42 55 48 55 Z",
            ),
            part(0x6b4526, "M28 70 L38 79 L35 83 L25 74 Z"),
            part(BONE, "M33 76 L81 15 L83 16.500 L35 78 Z"),
        ],
    },
    Token {
        name: "ranger",
        field: 0x47602f,
        parts: &[
            part(
                0x8a5a30,
                "M30 6 C66 14 86 40 84 78 L90 82 L80 86 C84 46 62 22 26 13 L22 8 Z",
            ),
            part(BONE, "M25 11 L27 10 L83 82 L81 84 Z"),
            part(0xc9a36a, "M14 83 L79 18 L82 21 L17 86 Z"),
            part(STEEL, "M92 8 L86 28 L80 20 L72 14 Z"),
            part(0xc9523f, "M10 78 L22 70 L24 76 L30 78 L22 90 L20 82 Z"),
        ],
    },
    Token {
        name: "wolf",
        field: 0x4d5966,
        parts: &[
            part(
                0x8f959a,
                "M18 8 L38 28 L62 28 L82 8 L84 44 L92 60 L76 66 L66 84 L50 94 L34 84 L24 66 L8 60 L16 44 Z",
            ),
            part(0x5f666d, "M18 8 L34 30 L22 44 Z M82 8 L66 30 L78 44 Z"),
            part(
                0xd9d7cf,
                "M16 48 L40 52 L50 62 L60 52 L84 48 L92 60 L76 66 L66 84 L50 94 L34 84 L24 66 L8 60 Z",
            ),
            part(0x70777d, "M42 30 L58 30 L60 54 L56 76 L44 76 L40 54 Z"),
            part(NIGHT, "M42 75 L58 75 L56 84 L50 88 L44 84 Z"),
            part(
                0xf2c14e,
                "M25 46 L41 51 L38 57 L28 54 Z M75 46 L59 51 L62 57 L72 54 Z",
            ),
            part(
                NIGHT,
                "M33 49 L37 50 L36 55 L32 54 Z M67 49 L63 50 L64 55 L68 54 Z",
            ),
        ],
    },
    Token {
        name: "goblin",
        field: 0x5a4a2c,
        parts: &[
            part(
                0x7f9a45,
                "M28 38 L2 26 C6 44 14 56 28 60 Z M72 38 L98 26 C94 44 86 56 72 60 Z",
            ),
            part(
                0x4f6430,
                "M26 42 L9 33 C12 44 18 52 27 55 Z M74 42 L91 33 C88 44 82 52 73 55 Z",
            ),
            part(
                0x8fab4e,
                "M50 16 C32 16 24 30 25 48 C26 66 38 86 50 88 C62 86 74 66 75 48 C76 30 68 16 50 16 Z",
            ),
            part(
                0xf4df6b,
                "M30 44 C36 38 44 42 46 50 C40 54 32 52 30 44 Z M70 44 C64 38 56 42 54 50 C60 54 68 52 70 44 Z",
            ),
            part(
                NIGHT,
                "M39 43 L42 44 L41 51 L38 50 Z M61 43 L58 44 L59 51 L62 50 Z",
            ),
            part(
                0x6f883b,
                "M26 38 C34 30 44 36 49 44 L48 48 C42 42 34 40 27 44 Z M74 38 C66 30 56 36 51 44 L52 48 C58 42 66 40 73 44 Z",
            ),
            part(0x6f883b, "M47 48 L53 48 L58 62 C54 66 46 66 42 62 Z"),
            part(
                NIGHT,
                "M34 69 C44 74 56 74 66 69 C64 78 56 82 50 82 C44 82 36 78 34 69 Z",
            ),
            part(
                BONE,
                "M38 71 L42 72.500 L40 79 Z M62 71 L58 72.500 L60 79 Z M47 73.500 L50 73.500 L48.500 78 Z",
            ),
        ],
    },
    Token {
        name: "skeleton",
        field: 0x3a3440,
        parts: &[
            part(
                BONE,
                "M50 10 C28 10 18 26 18 44 C18 56 24 62 29 66 L31 80 L37 90 L63 90 L69 80 L71 66 C76 62 82 56 82 44 C82 26 72 10 50 10 Z",
            ),
            part(0xc9bc9b, "M31 72 L69 72 L68 80 L63 90 L37 90 L32 80 Z"),
            part(
                NIGHT,
                "M28 44 C32 36 44 38 45 48 C45 58 32 60 28 54 C26 51 26 48 28 44 Z M72 44 C68 36 56 38 55 48 C55 58 68 60 72 54 C74 51 74 48 72 44 Z",
            ),
            part(NIGHT, "M50 56 L56 67 L50 65 L44 67 Z"),
            part(
                NIGHT,
                "M39 73 L41 73 L41 86 L39 86 Z M46 73 L48 73 L48 88 L46 88 Z M52 73 L54 73 L54 88 L52 88 Z M59 73 L61 73 L61 86 L59 86 Z",
            ),
            part(
                0x9fd6d2,
                "M35 47 C36 45 39 45 40 47 C40 50 36 51 35 49 Z M65 47 C64 45 61 45 60 47 C60 50 64 51 65 49 Z",
            ),
        ],
    },
    Token {
        name: "dragon",
        field: 0x7a2f26,
        parts: &[
            part(0xe0c07a, "M56 28 L92 4 L82 36 Z M66 40 L98 34 L80 54 Z"),
            part(
                0xc9523f,
                "M84 44 C74 24 52 20 38 32 C28 42 16 48 8 62 C10 70 16 74 24 72 C34 70 42 68 50 72 C48 82 52 92 60 96 L88 96 C94 78 92 60 84 44 Z",
            ),
            part(
                0xa33c30,
                "M60 96 C52 92 48 82 50 72 C60 70 66 62 66 52 C74 62 78 80 76 96 Z",
            ),
            part(
                0xe8c885,
                "M8 62 L24 66 L46 64 L50 72 C42 68 34 70 24 72 C16 74 10 70 8 62 Z",
            ),
            part(0xf6f0dc, "M16 65 L19 73 L22 66 Z M28 66 L31 74 L34 66 Z"),
            part(0xf4d35e, "M42 44 C48 38 58 40 60 46 C56 50 46 52 42 44 Z"),
            part(NIGHT, "M50 41 L54 41 L53 49 L50 48 Z"),
            part(NIGHT, "M14 58 L19 55 L19 59 Z"),
            part(
                0x8a2f26,
                "M38 40 C46 32 58 32 64 42 L60 44 C54 38 46 38 42 43 Z",
            ),
        ],
    },
    Token {
        name: "chest",
        field: 0x4b5a63,
        parts: &[
            part(
                0x9a6a3a,
                "M14 46 C14 28 24 20 34 20 L66 20 C76 20 86 28 86 46 Z",
            ),
            part(0x7c5229, "M14 48 L86 48 L86 82 L14 82 Z"),
            part(BRASS, "M14 44 L86 44 L86 52 L14 52 Z"),
            part(
                BRASS,
                "M24 24 C27 21 30 20 33 20 L33 82 L24 82 Z M76 24 C73 21 70 20 67 20 L67 82 L76 82 Z",
            ),
            part(0xf0d48a, "M42 42 L58 42 L58 62 C58 66 42 66 42 62 Z"),
            part(
                NIGHT,
                "M50 48 C53 48 54 52 51.500 54 L52.500 60 L47.500 60 L48.500 54 C46 52 47 48 50 48 Z",
            ),
        ],
    },
    Token {
        name: "abbot",
        field: 0x2c4f52,
        parts: &[
            part(
                0xbfe3dc,
                "M50 8 C30 8 20 26 20 46 L20 92 L30 82 L40 94 L50 84 L60 94 L70 82 L80 92 L80 46 C80 26 70 8 50 8 Z",
            ),
            part(
                0x1d3436,
                "M50 22 C38 22 32 34 32 46 C32 60 40 70 50 72 C60 70 68 60 68 46 C68 34 62 22 50 22 Z",
            ),
            part(
                0xeafff8,
                "M38 44 C42 40 46 44 46 48 C43 52 38 50 38 44 Z M62 44 C58 40 54 44 54 48 C57 52 62 50 62 44 Z",
            ),
            part(0x8fc9c0, "M46 60 C48 58 52 58 54 60 C54 65 46 65 46 60 Z"),
            part(
                BRASS,
                "M30 12 L38 20 L50 6 L62 20 L70 12 L68 28 C56 23 44 23 32 28 Z",
            ),
        ],
    },
];

/// Reads a path of absolute `M L C Q Z` commands.
fn parse_path(text: &str) -> Option<Path> {
    let mut builder = PathBuilder::new();
    let mut words = text.split_ascii_whitespace().peekable();
    let mut command = 'M';
    while let Some(word) = words.peek() {
        if let Some(letter) = word.chars().next().filter(char::is_ascii_alphabetic) {
            command = letter;
        }
        let mut numbers = [0.0f32; 6];
        let count = match command {
            'M' | 'L' => 2,
            'Q' => 4,
            'C' => 6,
            _ => 0,
        };
        if count == 0 {
            words.next();
        }
        for number in numbers.iter_mut().take(count) {
            *number = words
                .next()?
                .trim_start_matches(char::is_alphabetic)
                .parse()
                .ok()?;
        }
        let [a, b, c, d, e, f] = numbers;
        match command {
            'M' => builder.move_to(a, b),
            'L' => builder.line_to(a, b),
            'Q' => builder.quad_to(a, b, c, d),
            'C' => builder.cubic_to(a, b, c, d, e, f),
            _ => builder.close(),
        }
    }
    builder.finish()
}

fn colour(rgb: Vec3, alpha: f32) -> Color {
    let c = rgb.clamp(Vec3::ZERO, Vec3::ONE);
    Color::from_rgba(c.x, c.y, c.z, alpha).unwrap_or(Color::BLACK)
}

fn flat(rgb: Vec3, alpha: f32) -> Paint<'static> {
    Paint {
        shader: Shader::SolidColor(colour(rgb, alpha)),
        anti_alias: true,
        ..Paint::default()
    }
}

/// A fill that is lit from above: lighter at `top`, darker at `bottom`.
fn lit(base: Vec3, top: f32, bottom: f32) -> Paint<'static> {
    let white = Vec3::new(1.0, 0.97, 0.90);
    let stops = vec![
        GradientStop::new(0.0, colour(mix(base, white, 0.26), 1.0)),
        GradientStop::new(0.5, colour(base, 1.0)),
        GradientStop::new(1.0, colour(base * 0.68, 1.0)),
    ];
    let shader = LinearGradient::new(
        Point::from_xy(42.0, top),
        Point::from_xy(58.0, bottom),
        stops,
        SpreadMode::Pad,
        Transform::identity(),
    );
    Paint {
        shader: shader.unwrap_or(Shader::SolidColor(colour(base, 1.0))),
        anti_alias: true,
        ..Paint::default()
    }
}

fn disc(radius: f32) -> Option<Path> {
    PathBuilder::from_circle(50.0, 50.0, radius)
}

/// Draws a token; straight-alpha RGBA, [`SIZE`] a side.
fn draw(token: &Token) -> Option<Vec<u8>> {
    let mut pixmap = Pixmap::new(SIZE, SIZE)?;
    let to_px = Transform::from_scale(SIZE as f32 / 100.0, SIZE as f32 / 100.0);
    let field = rgb(token.field);
    let rim = rgb(0x2a2522);

    pixmap.fill_path(
        &disc(50.0)?,
        &flat(rim, 1.0),
        FillRule::Winding,
        to_px,
        None,
    );
    pixmap.fill_path(
        &disc(48.6)?,
        &lit(rgb(0xb8924e), 0.0, 100.0),
        FillRule::Winding,
        to_px,
        None,
    );
    pixmap.fill_path(
        &disc(44.4)?,
        &flat(rim, 1.0),
        FillRule::Winding,
        to_px,
        None,
    );
    let glow = RadialGradient::new(
        Point::from_xy(50.0, 36.0),
        0.0,
        Point::from_xy(50.0, 44.0),
        52.0,
        vec![
            GradientStop::new(
                0.0,
                colour(mix(field, Vec3::new(1.0, 0.95, 0.85), 0.34), 1.0),
            ),
            GradientStop::new(0.55, colour(field, 1.0)),
            GradientStop::new(1.0, colour(field * 0.45, 1.0)),
        ],
        SpreadMode::Pad,
        Transform::identity(),
    )?;
    let ground = Paint {
        shader: glow,
        anti_alias: true,
        ..Paint::default()
    };
    pixmap.fill_path(&disc(43.2)?, &ground, FillRule::Winding, to_px, None);

    // The emblem stays inside of the field.
    let mut inside = Mask::new(SIZE, SIZE)?;
    inside.fill_path(&disc(43.2)?, FillRule::Winding, true, to_px);
    let emblem = to_px.pre_concat(Transform::from_row(0.80, 0.0, 0.0, 0.80, 10.0, 10.0));
    let paths: Vec<(Path, Vec3)> = token
        .parts
        .iter()
        .map(|part| Some((parse_path(part.path)?, rgb(part.colour))))
        .collect::<Option<_>>()?;

    // A soft shadow below: the outlines, fattened and faint, a few times over.
    for (width, alpha) in [(13.0, 0.05), (9.5, 0.07), (6.0, 0.10), (3.0, 0.14)] {
        let stroke = Stroke {
            width,
            line_join: tiny_skia::LineJoin::Round,
            ..Stroke::default()
        };
        let below = emblem.pre_translate(1.2, 3.0);
        for (path, _) in &paths {
            pixmap.stroke_path(
                path,
                &flat(Vec3::ZERO, alpha),
                &stroke,
                below,
                Some(&inside),
            );
        }
    }
    let ink = Stroke {
        width: 3.4,
        line_join: tiny_skia::LineJoin::Round,
        ..Stroke::default()
    };
    for (path, _) in &paths {
        pixmap.stroke_path(path, &flat(rim, 1.0), &ink, emblem, Some(&inside));
    }
    for (path, base) in &paths {
        let bounds = path.bounds();
        let paint = lit(*base, bounds.top(), bounds.bottom());
        pixmap.fill_path(path, &paint, FillRule::Winding, emblem, Some(&inside));
        let seam = Stroke {
            width: 0.9,
            line_join: tiny_skia::LineJoin::Round,
            ..Stroke::default()
        };
        pixmap.stroke_path(
            path,
            &flat(*base * 0.42, 0.75),
            &seam,
            emblem,
            Some(&inside),
        );
    }
    // One broad shade on the right half of the emblem gives it body.
    let mut body = Mask::new(SIZE, SIZE)?;
    for (path, _) in &paths {
        body.fill_path(path, FillRule::Winding, true, emblem);
    }
    let shade = LinearGradient::new(
        Point::from_xy(34.0, 24.0),
        Point::from_xy(82.0, 76.0),
        vec![
            GradientStop::new(0.0, colour(Vec3::ONE, 0.16)),
            GradientStop::new(0.45, colour(Vec3::ONE, 0.0)),
            GradientStop::new(0.55, colour(Vec3::ZERO, 0.0)),
            GradientStop::new(1.0, colour(Vec3::new(0.08, 0.03, 0.10), 0.42)),
        ],
        SpreadMode::Pad,
        Transform::identity(),
    )?;
    let shade = Paint {
        shader: shade,
        anti_alias: true,
        ..Paint::default()
    };
    pixmap.fill_path(&disc(43.2)?, &shade, FillRule::Winding, to_px, Some(&body));
    // A thin bright line on the rim, where the light catches it.
    let catch = Stroke {
        width: 0.5,
        ..Stroke::default()
    };
    pixmap.stroke_path(
        &disc(48.2)?,
        &flat(rgb(0xf2dcae), 0.55),
        &catch,
        to_px,
        None,
    );

    Some(
        pixmap
            .pixels()
            .iter()
            .flat_map(|pixel| {
                let c = pixel.demultiply();
                [c.red(), c.green(), c.blue(), c.alpha()]
            })
            .collect(),
    )
}

/// A token's picture as a PNG.
pub fn picture(token: &Token) -> Result<Vec<u8>> {
    let rgba =
        draw(token).with_context(|| format!("the emblem of {} cannot be drawn", token.name))?;
    encode_png(UVec2::splat(SIZE), &rgba)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_emblem_is_made_of_paths_that_can_be_read() {
        for token in ALL {
            for part in token.parts {
                assert!(
                    parse_path(part.path).is_some(),
                    "{}: {}",
                    token.name,
                    part.path
                );
            }
        }
    }

    #[test]
    fn a_token_is_round_and_opaque_inside() {
        let rgba = draw(&ALL[0]).unwrap_or_default();
        let alpha = |x: u32, y: u32| rgba.get((y * SIZE + x) as usize * 4 + 3).copied();
        assert_eq!(alpha(0, 0), Some(0));
        assert_eq!(alpha(SIZE / 2, SIZE / 2), Some(255));
    }
}
