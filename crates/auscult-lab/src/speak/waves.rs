//! Plausible waves for the streams: ECG, pleth and respiration as unsigned bytes.
//!
//! Piecewise parabolas over the phase of a beat, in plain arithmetic so that every machine makes
//! the same bytes. They look like the thing on a screen and are no model of a heart. Levels are
//! those of the sibling format: ECG base line 127 with R peaks near 230, pleth 7 to 93,
//! respiration 42 to 187.

use crate::prng::Prng;

/// The hidden state of a patient's waves, continued from block to block.
#[derive(Clone, Debug)]
pub struct Waves {
    beat_phase: f64,
    beat_stretch: f64,
    breath_phase: f64,
    prng: Prng,
}

fn bump(phase: f64, centre: f64, width: f64) -> f64 {
    let x = (phase - centre) / width;
    if x.abs() >= 1.0 {
        return 0.0;
    }
    let y = 1.0 - x * x;
    y * y
}

/// One heart beat; `phase` from 0 to 1.
fn ecg(phase: f64) -> f64 {
    12.0 * bump(phase, 0.20, 0.06) - 14.0 * bump(phase, 0.335, 0.012)
        + 103.0 * bump(phase, 0.36, 0.018)
        - 22.0 * bump(phase, 0.385, 0.014)
        + 26.0 * bump(phase, 0.62, 0.09)
}

fn pleth(phase: f64) -> f64 {
    86.0 * bump(phase, 0.55, 0.28) * 0.9 + 22.0 * bump(phase, 0.78, 0.15)
}

/// The waves of one cycle.
#[derive(Clone, Debug)]
pub struct Cycle {
    /// Three ECG channels.
    pub ecg: [[u8; 256]; 3],
    /// Respiration.
    pub resp: [u8; 128],
    /// Pleth.
    pub pleth: [u8; 256],
}

impl Cycle {
    /// What leads and a probe give that touch nobody.
    pub fn detached() -> Cycle {
        Cycle {
            ecg: [[127; 256]; 3],
            resp: [127; 128],
            pleth: [0; 256],
        }
    }
}

impl Waves {
    /// Waves that begin anywhere in a beat.
    pub fn new(mut prng: Prng) -> Waves {
        let beat_phase = prng.below(1000) as f64 / 1000.0;
        let breath_phase = prng.below(1000) as f64 / 1000.0;
        Waves {
            beat_phase,
            beat_stretch: 1.0,
            breath_phase,
            prng,
        }
    }

    /// The next `seconds` of waves at these rates per minute.
    pub fn cycle(&mut self, seconds: f64, heart: u8, breath: u8) -> Cycle {
        let mut out = Cycle::detached();
        let step = seconds / 256.0;
        for i in 0..256 {
            let wander = 4.0 * (bump(self.breath_phase, 0.5, 0.5) - 0.5);
            let noise = self.prng.below(3) as f64 - 1.0;
            let beat = ecg(self.beat_phase);
            for (channel, gain) in out.ecg.iter_mut().zip([0.8, 1.0, 0.6]) {
                channel[i] = (127.0 + gain * beat + wander + noise).clamp(0.0, 255.0) as u8;
            }
            out.pleth[i] = (7.0 + pleth(self.beat_phase)).clamp(0.0, 255.0) as u8;
            if i % 2 == 0 {
                let breath = bump(self.breath_phase, 0.45, 0.45);
                out.resp[i / 2] = (42.0 + 145.0 * breath) as u8;
            }
            self.beat_phase += step * f64::from(heart) / 60.0 * self.beat_stretch;
            self.breath_phase += step * f64::from(breath) / 60.0;
            if self.beat_phase >= 1.0 {
                self.beat_phase -= 1.0;
                self.beat_stretch = 0.97 + self.prng.below(61) as f64 / 1000.0;
            }
            if self.breath_phase >= 1.0 {
                self.breath_phase -= 1.0;
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_has_as_many_r_peaks_as_the_rate_says() {
        let mut waves = Waves::new(Prng::new(3));
        let samples: Vec<u8> = (0..60)
            .flat_map(|_| waves.cycle(1.0, 72, 15).ecg[1].to_vec())
            .collect();
        let rises = samples
            .windows(2)
            .filter(|w| w[0] < 190 && w[1] >= 190)
            .count();
        assert!((70..=74).contains(&rises), "{rises} peaks");
    }
}
