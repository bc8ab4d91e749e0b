//! Lights as glows (`shaders/lights.wgsl`): steady when the picture stands still, pulsing in the
//! documents' rhythm when it moves.

use std::f64::consts::TAU;
use std::time::Duration;

use crate::model::light as prop;
use crate::scene::snapshot::Light;

use super::gpu_data::{gpu_struct, rgba};

gpu_struct! {
    /// One glow.
    LightInstance {
        center_world: [f32; 2],
        diameter_world: f32,
        focus: f32,
        color: [f32; 4],
    }
}

/// The share of a light's strength that pulses.
const PULSE_DEPTH: f64 = 0.4;

/// The glows that are lit. Also tells whether any of them pulses.
pub(super) fn instances(lights: &[Light], time: Option<Duration>) -> (Vec<LightInstance>, bool) {
    let mut pulses = false;
    let instances = lights
        .iter()
        .filter(|light| !light.row.get(prop::OFF))
        .filter_map(|light| {
            let opacity = light.row.get(prop::OPACITY);
            let period = pulse_period(light.row.get(prop::PULSE));
            pulses |= period.is_some();
            let strength = match (time, period) {
                (Some(time), Some(period)) => {
                    let turn = time.as_secs_f64() / period.as_secs_f64() * TAU;
                    1.0 - PULSE_DEPTH + PULSE_DEPTH * pulse(turn)
                }
                _ => 1.0,
            };
            let visible = opacity > 0.0 && light.diameter_world > 0.0;
            visible.then(|| LightInstance {
                center_world: light.position_world.as_vec2().to_array(),
                diameter_world: light.diameter_world as f32,
                focus: focus(&light.row.get(prop::STYLE)),
                color: rgba(light.row.get(prop::COLOR), opacity * strength),
            })
        })
        .collect();
    (instances, pulses)
}

/// How long a pulse takes.
fn pulse_period(pulse: i64) -> Option<Duration> {
    match pulse {
        1 => Some(Duration::from_millis(2000)),
        2 => Some(Duration::from_millis(1000)),
        3 => Some(Duration::from_millis(500)),
        _ => None,
    }
}

/// The documents' rhythm at a phase in radians: 0 to 1.
fn pulse(phase: f64) -> f64 {
    let s = |p: f64| f64::midpoint(p.sin(), 1.0);
    0.5 * s(phase) + 0.3 * s(1.7 * phase + 0.5) + 0.2 * s(0.6 * phase + 1.2)
}

/// How narrow the bright middle of a style is; 1 is as wide as the glow.
fn focus(style: &str) -> f32 {
    match style {
        "candle" => 9.0,
        "torch" => 4.5,
        "fire" => 3.0,
        "magical" => 2.0,
        "spotlight" => 1.4,
        "lightning" => 12.0,
        "bioluminescent" => 1.8,
        "fireflies" => 14.0,
        _ => 5.5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pulse_stays_within_its_bounds() {
        for i in 0..1000 {
            let value = pulse(f64::from(i) * 0.1);
            assert!((0.0..=1.0).contains(&value));
        }
        assert!(
            (pulse(0.0)
                - (0.25
                    + 0.3 * f64::midpoint(0.5_f64.sin(), 1.0)
                    + 0.2 * f64::midpoint(1.2_f64.sin(), 1.0)))
            .abs()
                < 1e-12
        );
    }
}
