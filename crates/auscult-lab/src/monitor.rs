//! How a bedside monitor of the CMS8000 family behaves on its connection to a station.
//!
//! Which blocks begin a connection, their order in a cycle, zero padding, cycle time and where
//! TCP cuts them are not known of real units; they vary with the seed so that nobody learns them.

use auscult_model::Timestamp;

use crate::net::{MS, Recorder, SECOND, Way};
use crate::people::Person;
use crate::prng::Prng;
use crate::speak::contec::{self, EcgResp, Nibp, Patient, Spo2, Temperature, limits};
use crate::speak::waves::{Cycle, Waves};
use crate::talk::Talk;

/// Where segment borders fall in the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// One block a segment, spread over the cycle.
    Blocks,
    /// The cycle at once, cut where segments are full.
    Cycles,
    /// Anywhere, with parts held back for the next cycle.
    Anywhere,
}

/// What varies between units.
#[derive(Clone, Debug)]
pub struct Habits {
    /// Order of the four telemetry blocks: sub-types 14 to 17 hex.
    pub order: Vec<u8>,
    /// Another order in every cycle.
    pub restless: bool,
    /// Zeros behind the blocks: 3E, 14, 15, 16, 17.
    pub padding: [usize; 5],
    /// Segment borders.
    pub cut: Cut,
    /// Length of a cycle in nanoseconds.
    pub cycle: i64,
    /// Patient information comes again every so many cycles.
    pub repeat_patient: Option<u32>,
    /// The block 43 is sent at the start.
    pub hello: bool,
}

impl Habits {
    /// Habits of some unit.
    pub fn any(prng: &mut Prng) -> Habits {
        let mut order = vec![0x14, 0x15, 0x16, 0x17];
        if prng.chance(60) {
            prng.shuffle(&mut order);
        }
        Habits {
            order,
            restless: prng.chance(20),
            padding: [
                prng.below(18) as usize,
                prng.below(20) as usize,
                *prng.pick(&[0, 8, 8, 8, 3]),
                prng.below(16) as usize,
                prng.below(16) as usize,
            ],
            cut: *prng.pick(&[Cut::Blocks, Cut::Cycles, Cut::Anywhere]),
            cycle: *prng.pick(&[SECOND, SECOND, 1_024 * MS, 1_500 * MS, 2 * SECOND]),
            repeat_patient: if prng.chance(40) {
                Some(prng.between(8, 20) as u32)
            } else {
                None
            },
            hello: prng.chance(80),
        }
    }
}

/// The numbers of a patient.
#[derive(Clone, Copy, Debug)]
pub struct Vitals {
    /// Heart and pulse rate.
    pub heart: u8,
    /// Respiration rate.
    pub breath: u8,
    /// Oxygen saturation.
    pub saturation: u8,
    /// Systolic, diastolic, mean pressure.
    pub pressure: (u16, u16, u16),
    /// Two temperatures in tenths of a degree.
    pub tenths: (u16, u16),
}

impl Vitals {
    /// Numbers of some resting patient.
    pub fn any(prng: &mut Prng) -> Vitals {
        let diastolic = prng.between(58, 88) as u16;
        let pulse = prng.between(30, 55) as u16;
        Vitals {
            heart: prng.between(56, 104) as u8,
            breath: prng.between(10, 22) as u8,
            saturation: prng.between(92, 99) as u8,
            pressure: (diastolic + pulse, diastolic, diastolic + pulse * 2 / 5),
            tenths: (prng.between(362, 381) as u16, prng.between(358, 376) as u16),
        }
    }
}

/// What a unit is set to.
#[derive(Clone, Debug)]
pub struct Monitor {
    /// Bed number.
    pub bed: u8,
    /// Department text.
    pub department: String,
    /// Who is connected; nobody makes an idle monitor.
    pub patient: Option<Person>,
    /// Identity typed in; else a patient is measured without name and number.
    pub identified: bool,
    /// Habits of the unit.
    pub habits: Habits,
    /// The patient's numbers.
    pub vitals: Vitals,
}

impl Monitor {
    /// Some unit at this bed.
    pub fn any(prng: &mut Prng, bed: u8, department: &str, patient: Option<Person>) -> Monitor {
        Monitor {
            bed,
            department: department.to_owned(),
            patient,
            identified: true,
            habits: Habits::any(prng),
            vitals: Vitals::any(prng),
        }
    }

    fn patient_block(&self, now: Timestamp) -> Option<Vec<u8>> {
        let person = self.patient.as_ref().filter(|_| self.identified)?;
        let (year, month, day, ..) = now.plus(-2 * 86_400 * SECOND).civil();
        let block = Patient {
            department: self.department.clone(),
            bed: self.bed,
            name: person.name("^"),
            number: person.number.clone(),
            admitted: (year as u16, month as u8, day as u8),
            height_mm: person.height_mm,
            weight_100g: person.weight_100g,
            born: person.born,
            doctor: person.doctor.clone(),
        };
        Some(block.encode(self.habits.padding[0]))
    }

    /// The blocks sent when a connection begins.
    pub fn greeting(&self, prng: &mut Prng, now: Timestamp) -> Vec<Vec<u8>> {
        let mut out = Vec::new();
        if self.habits.hello {
            out.push(contec::hello());
        }
        out.push(contec::bed(self.bed));
        out.extend(self.patient_block(now));
        if prng.chance(30) {
            prng.shuffle(&mut out);
        }
        if self.patient.is_none() {
            out.push(contec::technical(3, "SPO2 SENSOR OFF"));
        }
        out
    }

    fn ecg_block(&self, cycle: &Cycle) -> Vec<u8> {
        let connected = self.patient.is_some();
        EcgResp {
            ecg: cycle.ecg,
            resp: cycle.resp,
            heart_rate: connected.then_some(self.vitals.heart),
            resp_rate: connected.then_some(self.vitals.breath),
            floats: [contec::NO_FLOAT; 3],
            heart_limits: limits(120, 50),
            resp_limits: limits(30, 8),
            float_limits: [limits(0.2, -0.2); 3],
            pvc_limits: limits(10, 0),
        }
        .encode(self.habits.padding[1])
    }

    fn numbers_block(&self, sub_type: u8, cycle: &Cycle, measured: Timestamp) -> Vec<u8> {
        let connected = self.patient.is_some();
        let v = self.vitals;
        match sub_type {
            0x14 => self.ecg_block(cycle),
            0x15 => Spo2 {
                pleth: cycle.pleth,
                saturation: connected.then_some(v.saturation),
                pulse: connected.then_some(v.heart),
                saturation_limits: limits(100, 90),
                pulse_limits: limits(120, 50),
            }
            .encode(self.habits.padding[2]),
            0x16 => {
                let (year, month, day, hour, minute, second, _) = measured.civil();
                let at = (
                    year as u16,
                    month as u8,
                    day as u8,
                    hour as u8,
                    minute as u8,
                    second as u8,
                );
                let (systolic, diastolic, mean) = if connected { v.pressure } else { (0, 0, 0) };
                Nibp {
                    at: if connected { at } else { (0, 0, 0, 0, 0, 0) },
                    systolic,
                    diastolic,
                    mean,
                    limits: [limits(160, 90), limits(90, 50), limits(110, 60)],
                }
                .encode(self.habits.padding[3])
            }
            _ => {
                let (one, two) = (f32::from(v.tenths.0) / 10.0, f32::from(v.tenths.1) / 10.0);
                let none = contec::NO_FLOAT;
                let values = if connected {
                    [one, two, (one - two).abs()]
                } else {
                    [none; 3]
                };
                let t = limits(39.0, 36.0);
                Temperature {
                    values,
                    limits: [t, t, limits(2.0, 0.0)],
                }
                .encode(self.habits.padding[4])
            }
        }
    }

    /// Streams over an open connection from `from` until `until`.
    pub fn stream(
        &self,
        rec: &mut Recorder,
        prng: &mut Prng,
        talk: &mut Talk,
        (from, until): (Timestamp, Timestamp),
    ) -> Timestamp {
        let mut waves = Waves::new(prng.fork("waves"));
        let mut at = from;
        for block in self.greeting(prng, at) {
            at = talk
                .send(rec, Way::Out, &block, at)
                .plus(prng.between(1, 60) * MS);
        }
        let measured = from.plus(-prng.between(60, 1500) * SECOND);
        let mut held = Vec::new();
        let mut n = 0;
        let seconds = self.habits.cycle as f64 / SECOND as f64;
        while at < until {
            let begin = at;
            let cycle = match &self.patient {
                Some(_) => waves.cycle(seconds, self.vitals.heart, self.vitals.breath),
                None => Cycle::detached(),
            };
            let mut order = self.habits.order.clone();
            if self.habits.restless {
                prng.shuffle(&mut order);
            }
            let mut blocks: Vec<Vec<u8>> = order
                .iter()
                .map(|st| self.numbers_block(*st, &cycle, measured))
                .collect();
            n += 1;
            if self
                .habits
                .repeat_patient
                .is_some_and(|every| n % every == 0)
            {
                blocks.extend(self.patient_block(at));
            }
            blocks.push(contec::end_of_cycle());
            self.send_cycle(rec, prng, talk, &blocks, &mut held, begin);
            at = begin
                .plus(self.habits.cycle + prng.between(-15, 15) * MS)
                .max(talk.now);
        }
        if !held.is_empty() {
            talk.send(rec, Way::Out, &held, talk.now);
        }
        talk.now
    }

    fn send_cycle(
        &self,
        rec: &mut Recorder,
        prng: &mut Prng,
        talk: &mut Talk,
        blocks: &[Vec<u8>],
        held: &mut Vec<u8>,
        begin: Timestamp,
    ) {
        match self.habits.cut {
            Cut::Blocks => {
                let gap = self.habits.cycle / (blocks.len() as i64 + 2);
                for (n, block) in blocks.iter().enumerate() {
                    talk.push(rec, block, &[], begin.plus(gap * n as i64));
                }
            }
            Cut::Cycles => {
                talk.push(rec, &blocks.concat(), &[], begin);
            }
            Cut::Anywhere => {
                let mut data = std::mem::take(held);
                data.extend(blocks.concat());
                let keep = prng.below(data.len().min(300) as u64) as usize;
                *held = data.split_off(data.len() - keep);
                let mut cuts: Vec<usize> = (0..2)
                    .map(|_| prng.between(1, data.len() as i64) as usize)
                    .collect();
                cuts.sort_unstable();
                talk.push(rec, &data, &cuts, begin);
            }
        }
    }
}
