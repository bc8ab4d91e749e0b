#!/usr/bin/env python3
"""Makes the embedded fonts of this folder and `src/app/icons.rs` from their published packages.

    pip install fonttools brotli
    npm pack inter-ui@4.1.1 @phosphor-icons/web@2.1.2    # unpack each into a folder
    python3 subset.py INTER_PACKAGE PHOSPHOR_PACKAGE && cargo fmt

Inter (OFL 1.1, no reserved font name) keeps the scripts that labels and notes are written in;
Phosphor (MIT) keeps the icons named below. To add an icon: add its name to ICONS, run this again.
Every code point of an icon comes from the package, so texts and fonts cannot disagree.
"""
import json
import pathlib
import sys

from fontTools import subset
from fontTools.ttLib import TTFont

HERE = pathlib.Path(__file__).resolve().parent
RUST = HERE.parent.parent / "src" / "app" / "icons.rs"

WEIGHTS = ["Regular", "Medium", "SemiBold", "Bold"]
# What a table writes: Latin with its accents, Greek, Cyrillic, and the signs of rules and prices.
RANGES = [
    (0x0020, 0x007E),  # ASCII
    (0x00A0, 0x00FF),  # Latin-1
    (0x0100, 0x017F),  # Latin Extended-A
    (0x0192, 0x0192), (0x0218, 0x021B), (0x01CD, 0x01DC),  # florin, Romanian, pinyin vowels
    (0x02C6, 0x02C7), (0x02D8, 0x02DD),  # spacing accents
    (0x0300, 0x030C), (0x0327, 0x0328),  # combining accents, for decomposed text
    (0x0370, 0x03FF),  # Greek
    (0x0400, 0x045F), (0x0490, 0x0491),  # Cyrillic
    (0x1E80, 0x1E85), (0x1E9E, 0x1E9E), (0x1EF2, 0x1EF3),  # Welsh, capital sharp s
    (0x2000, 0x200B), (0x2010, 0x2027), (0x202F, 0x203A), (0x2044, 0x2044),  # punctuation
    (0x2070, 0x2070), (0x2074, 0x208E),  # superscripts, subscripts
    (0x20A3, 0x20A4), (0x20AC, 0x20AC), (0x20B4, 0x20B4), (0x20BD, 0x20BD),  # currencies
    (0x2116, 0x2116), (0x2122, 0x2122),  # numero, trade mark
    (0x215B, 0x215E),  # eighths
    (0x2190, 0x2199), (0x21A9, 0x21AA), (0x21D2, 0x21D2), (0x21D4, 0x21D4),  # arrows
    (0x21E7, 0x21E7), (0x2318, 0x2318), (0x2325, 0x2325), (0x232B, 0x232B), (0x23CE, 0x23CE),  # keys
    (0x2202, 0x2202), (0x2206, 0x2206), (0x2212, 0x2212), (0x2215, 0x2215), (0x2219, 0x221A),
    (0x221E, 0x221E), (0x2248, 0x2248), (0x2260, 0x2260), (0x2264, 0x2265),  # mathematics
    (0x25A0, 0x25A1), (0x25B2, 0x25B3), (0x25B6, 0x25B7), (0x25BC, 0x25BD), (0x25C0, 0x25C1),
    (0x25C6, 0x25C7), (0x25CB, 0x25CB), (0x25CF, 0x25CF), (0x2605, 0x2606),  # shapes
    (0x2713, 0x2713), (0x2717, 0x2717), (0xFFFD, 0xFFFD),
]

# By use; a name is Phosphor's own.
ICONS = {
    "tools": "cursor hand hand-grabbing selection lasso paint-brush paint-brush-broad eraser square rectangle "
             "circle triangle polygon hexagon line-segment line-segments scribble-loop bounding-box pencil-simple pencil-line "
             "highlighter-circle eyedropper paint-bucket palette ruler compass-tool crosshair crosshair-simple "
             "target magnet wall door door-open magic-wand crop map-pin user-circle map-pin-plus text-t text-aa "
             "note note-pencil notebook",
    "layers and looks": "eye eye-slash lock-simple lock-simple-open stack stack-simple image images image-square "
                        "image-broken map-trifold grid-four grid-nine lightbulb lamp sun sun-dim moon moon-stars "
                        "fire flame campfire drop wind cloud cloud-fog cloud-rain cloud-snow cloud-lightning "
                        "snowflake waves sparkle gradient circle-half swatches aperture frame-corners vignette",
    "markers": "flag star skull shield sword castle-turret tree-evergreen mountains crown treasure-chest paw-print "
               "ghost dice-five dice-six person footprints users user-focus",
    "table": "monitor monitor-play projector-screen television play pause stop record broadcast screencast "
             "presentation arrow-square-out fast-forward skip-forward skip-back cards",
    "edits": "plus plus-circle minus trash copy copy-simple clipboard scissors check check-circle x x-circle "
             "arrow-clockwise arrow-counter-clockwise arrows-clockwise arrows-out arrows-out-cardinal "
             "arrows-out-simple arrows-in arrow-left arrow-right arrow-up arrow-down arrow-line-up "
             "arrow-line-down flip-horizontal flip-vertical swap prohibit",
    "panels and lists": "caret-up caret-down caret-left caret-right caret-double-left caret-double-right "
                        "caret-up-down dots-six-vertical dots-three dots-three-vertical list list-bullets "
                        "sidebar sidebar-simple sliders-horizontal funnel magnifying-glass "
                        "magnifying-glass-plus magnifying-glass-minus columns squares-four push-pin tag",
    "files and app": "folder folder-open folder-plus file file-plus file-image file-zip floppy-disk download-simple "
                     "upload-simple export archive clock clock-counter-clockwise gear gear-six keyboard command "
                     "mouse-simple question info warning warning-circle bug wrench house bell link "
                     "share-network plugs plugs-connected wifi-high wifi-slash cloud-slash cloud-check "
                     "hard-drives database sign-in sign-out key globe music-notes speaker-high book-open "
                     "scroll sword calendar-blank lifebuoy",
}


TESTS = """
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use ab_glyph::{Font as _, FontRef};

    #[test]
    fn every_icon_is_in_the_font_once() {
        let font = FontRef::try_from_slice(include_bytes!("../../assets/fonts/Phosphor.ttf")).unwrap();
        let mut seen = std::collections::BTreeSet::new();
        for &(name, icon) in super::ALL {
            let mut chars = icon.chars();
            let only = chars.next().unwrap();
            assert!(chars.next().is_none() && seen.insert(only), "{name}");
            let glyph = font.glyph_id(only);
            assert!(glyph.0 != 0 && font.outline(glyph).is_some(), "{name} has no glyph");
        }
    }

    #[test]
    fn every_weight_of_inter_draws_what_labels_are_written_in() {
        let weights: [&[u8]; 4] = [
            include_bytes!("../../assets/fonts/Inter-Regular.ttf"),
            include_bytes!("../../assets/fonts/Inter-Medium.ttf"),
            include_bytes!("../../assets/fonts/Inter-SemiBold.ttf"),
            include_bytes!("../../assets/fonts/Inter-Bold.ttf"),
        ];
        for bytes in weights {
            let font = FontRef::try_from_slice(bytes).unwrap();
            for c in "Az09 Åßœž Ωμέ Жяґ “–…” × ½ ≤ → ⌘ ⇧ ⌫".chars() {
                assert_ne!(font.glyph_id(c).0, 0, "{c}");
            }
        }
    }
}
"""


def inter(package):
    """Writes the static weights, cut to RANGES, without hinting: egui rasterises unhinted."""
    wanted = {c for lo, hi in RANGES for c in range(lo, hi + 1)}
    for weight in WEIGHTS:
        font = TTFont(package / "web" / f"Inter-{weight}.woff2")
        font.flavor = None
        options = subset.Options(layout_features=["kern", "mark", "mkmk", "ccmp", "locl"], hinting=False,
                                 notdef_outline=True, name_IDs=[0, 1, 2, 3, 4, 5, 6, 13, 14, 16, 17])
        cutter = subset.Subsetter(options)
        cutter.populate(unicodes=wanted)
        cutter.subset(font)
        font.save(HERE / f"Inter-{weight}.ttf")
    (HERE / "OFL.txt").write_bytes((package / "LICENSE.txt").read_bytes())


def phosphor(package):
    """Writes the icon font and the Rust names of its glyphs."""
    icons = json.loads((package / "src/regular/selection.json").read_text())["icons"]
    codes = {name.strip(): i["properties"]["code"] for i in icons for name in i["properties"]["name"].split(",")}
    groups = {use: list(dict.fromkeys(names.split())) for use, names in ICONS.items()}
    seen = set()
    for use, names in groups.items():
        groups[use] = [n for n in names if n not in seen]
        seen.update(names)
    missing = sorted(seen - codes.keys())
    if missing:
        sys.exit(f"the package has no icon named: {', '.join(missing)}")

    font = TTFont(package / "src/regular/Phosphor.ttf")
    options = subset.Options(layout_features=[], hinting=False, notdef_outline=True,
                             name_IDs=[0, 1, 2, 3, 4, 5, 6, 13, 14])
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes={codes[n] for n in seen})
    cutter.subset(font)
    font.save(HERE / "Phosphor.ttf")
    (HERE / "Phosphor-LICENSE.txt").write_bytes((package / "LICENSE").read_bytes())

    out = [
        "//! Names of the icons in `assets/fonts/Phosphor.ttf`: Phosphor Icons 2.1, regular weight, MIT.",
        "//!",
        "//! Generated by `assets/fonts/subset.py`, which cuts the font to these glyphs: add an icon there.",
        "//! Each constant is one private-use character that only that font has. Must not know anything",
        "//! else. Called by panels, tool bar and menus.",
        "",
    ]
    for use, names in groups.items():
        out.append(f"// {use[0].upper()}{use[1:]}.")
        out.append("")
        for name in sorted(names):
            ident = name.replace("-", "_").upper()
            out.append(f"/// `{name}`.")
            out.append(f'pub const {ident}: &str = "\\u{{{codes[name]:x}}}";')
        out.append("")
    idents = sorted(n.replace("-", "_").upper() for n in seen)
    out.append("/// Every icon above with its name: for tests and for a page that shows them all.")
    out.append("pub const ALL: &[(&str, &str)] = &[")
    out += [f'    ("{i.lower().replace("_", "-")}", {i}),' for i in idents]
    out.append("];")
    out += TESTS.splitlines()
    RUST.write_text("\n".join(out) + "\n")
    print(f"{len(seen)} icons")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    inter(pathlib.Path(sys.argv[1]))
    phosphor(pathlib.Path(sys.argv[2]))
