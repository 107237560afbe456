//! Blocks of the CONTEC CMS8000 stream (monitor to central station, TCP 515).
//!
//! Sources: two public decoders read independently (`scarito/cms`, 2020; the bridge of
//! `Cuper05/maindhealth`, 2026); no public capture exists. Limits: places whose meaning is not
//! known are filled with zeros or with the sibling's marker, as said at each; the block order,
//! the length of zero padding and the cycle time are not known and are choices of the caller.

/// Block type: patient information.
pub const PATIENT: u8 = 0x3e;
/// Block type of unknown meaning, without data, seen when a connection begins.
pub const HELLO: u8 = 0x43;
/// Block type: bed number.
pub const BED: u8 = 0x45;
/// Block type: telemetry.
pub const TELEMETRY: u8 = 0x46;
/// Block type: end of a cycle.
pub const CYCLE: u8 = 0x47;
/// Block type: technical message.
pub const TECHNICAL: u8 = 0x49;
/// "No value" of the unknown floats; seen in the sibling format.
pub const NO_FLOAT: f32 = -1000.0;

/// A block: length of what follows, the constant 05, the type, the data.
pub fn block(kind: u8, data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(4 + data.len());
    out.extend_from_slice(&((2 + data.len()) as u16).to_le_bytes());
    out.extend_from_slice(&[0x05, kind]);
    out.extend_from_slice(data);
    out
}

/// End of a cycle.
pub fn end_of_cycle() -> Vec<u8> {
    block(CYCLE, &[])
}

/// The block without data that is seen at the start.
pub fn hello() -> Vec<u8> {
    block(HELLO, &[])
}

/// The bed number announcement.
pub fn bed(number: u8) -> Vec<u8> {
    block(BED, &[0, 0, number, 0xff])
}

/// A technical message such as "SPO2 SENSOR OFF".
pub fn technical(code: u8, text: &str) -> Vec<u8> {
    let mut data = vec![code];
    data.extend_from_slice(text.as_bytes());
    block(TECHNICAL, &data)
}

/// The identity of a patient and of the stay.
#[derive(Clone, Debug, Default)]
pub struct Patient {
    /// Department.
    pub department: String,
    /// Bed number.
    pub bed: u8,
    /// Name, components separated by `^` or a space.
    pub name: String,
    /// Patient number.
    pub number: String,
    /// Day of admission: year, month, day.
    pub admitted: (u16, u8, u8),
    /// Height in millimetres.
    pub height_mm: u16,
    /// Weight in tenths of a kilogram.
    pub weight_100g: u16,
    /// Birth date: year, month, day.
    pub born: (u16, u8, u8),
    /// The doctor's name.
    pub doctor: String,
}

fn text(out: &mut Vec<u8>, size: usize, text: &str) {
    let end = out.len() + size;
    out.extend(text.bytes().take(size));
    out.resize(end, 0);
}

fn date(out: &mut Vec<u8>, (year, month, day): (u16, u8, u8)) {
    text(out, 5, &format!("{year:04}"));
    text(out, 3, &format!("{month:02}"));
    text(out, 3, &format!("{day:02}"));
}

impl Patient {
    /// The block, with `padding` zeros behind the last field.
    pub fn encode(&self, padding: usize) -> Vec<u8> {
        let mut data = Vec::with_capacity(0xad + padding);
        text(&mut data, 32, &self.department);
        data.extend_from_slice(&[0, 0, self.bed]);
        text(&mut data, 32, &self.name);
        text(&mut data, 32, &self.number);
        date(&mut data, self.admitted);
        data.extend_from_slice(&[0; 6]);
        data.extend_from_slice(&self.height_mm.to_le_bytes());
        data.extend_from_slice(&self.weight_100g.to_le_bytes());
        data.extend_from_slice(&[0; 4]);
        date(&mut data, self.born);
        data.extend_from_slice(&[0; 4]);
        // One place not known and the blood type, whose codes are not known either.
        data.extend_from_slice(&[0, 0]);
        text(&mut data, 32, &self.doctor);
        data.resize(data.len() + padding, 0);
        block(PATIENT, &data)
    }
}

/// Upper and lower alarm limit and the alarm setting.
#[derive(Clone, Copy, Debug)]
pub struct Limits<T> {
    /// Upper limit.
    pub high: T,
    /// Lower limit.
    pub low: T,
    /// The switch or priority; 2 everywhere in the sibling.
    pub setting: u16,
}

/// Short form for limits with the usual setting.
pub const fn limits<T>(high: T, low: T) -> Limits<T>
where
    T: Copy,
{
    Limits {
        high,
        low,
        setting: 2,
    }
}

fn high_low(out: &mut Vec<u8>, l: Limits<u16>) {
    for value in [l.high, l.low, l.setting] {
        out.extend_from_slice(&value.to_le_bytes());
    }
}

fn low_high(out: &mut Vec<u8>, l: Limits<u16>) {
    for value in [l.low, l.high, l.setting] {
        out.extend_from_slice(&value.to_le_bytes());
    }
}

fn float_limits(out: &mut Vec<u8>, l: Limits<f32>) {
    out.extend_from_slice(&l.high.to_le_bytes());
    out.extend_from_slice(&l.low.to_le_bytes());
    out.extend_from_slice(&l.setting.to_le_bytes());
}

fn flagged(out: &mut Vec<u8>, value: Option<u8>) {
    match value {
        Some(value) => out.extend_from_slice(&[value, 0]),
        None => out.extend_from_slice(&[0xff, 0xff]),
    }
}

fn telemetry(sub_type: u8, body: &[u8], padding: usize) -> Vec<u8> {
    let mut data = vec![0, 0, sub_type, 0];
    data.extend_from_slice(body);
    data.resize(data.len() + padding, 0);
    block(TELEMETRY, &data)
}

/// ECG and respiration of one cycle.
#[derive(Clone, Debug)]
pub struct EcgResp {
    /// Three channels of ECG.
    pub ecg: [[u8; 256]; 3],
    /// The respiration wave.
    pub resp: [u8; 128],
    /// Heart rate in beats per minute.
    pub heart_rate: Option<u8>,
    /// Respiration rate per minute.
    pub resp_rate: Option<u8>,
    /// Three floats whose meaning is not known (ST levels in the sibling).
    pub floats: [f32; 3],
    /// Limits of the heart rate.
    pub heart_limits: Limits<u16>,
    /// Limits of the respiration rate.
    pub resp_limits: Limits<u16>,
    /// Limits of the three floats.
    pub float_limits: [Limits<f32>; 3],
    /// Limits of premature beats.
    pub pvc_limits: Limits<u16>,
}

impl EcgResp {
    /// The block, with `padding` zeros behind the last field.
    pub fn encode(&self, padding: usize) -> Vec<u8> {
        let mut body = Vec::with_capacity(0x3d0);
        for channel in &self.ecg {
            body.extend_from_slice(channel);
        }
        body.extend_from_slice(&self.resp);
        flagged(&mut body, self.heart_rate);
        flagged(&mut body, self.resp_rate);
        for value in self.floats {
            body.extend_from_slice(&value.to_le_bytes());
        }
        // Fifteen places that no public reader explains.
        body.extend_from_slice(&[0; 15]);
        high_low(&mut body, self.heart_limits);
        high_low(&mut body, self.resp_limits);
        for l in self.float_limits {
            float_limits(&mut body, l);
        }
        high_low(&mut body, self.pvc_limits);
        telemetry(0x14, &body, padding)
    }
}

/// Oxygen saturation and pleth of one cycle.
#[derive(Clone, Debug)]
pub struct Spo2 {
    /// The pleth wave.
    pub pleth: [u8; 256],
    /// Saturation in per cent.
    pub saturation: Option<u8>,
    /// Pulse rate per minute.
    pub pulse: Option<u8>,
    /// Limits of the saturation.
    pub saturation_limits: Limits<u16>,
    /// Limits of the pulse rate.
    pub pulse_limits: Limits<u16>,
}

impl Spo2 {
    /// The block, with `padding` zeros behind the last field.
    pub fn encode(&self, padding: usize) -> Vec<u8> {
        let mut body = self.pleth.to_vec();
        flagged(&mut body, self.saturation);
        flagged(&mut body, self.pulse);
        low_high(&mut body, self.saturation_limits);
        low_high(&mut body, self.pulse_limits);
        telemetry(0x15, &body, padding)
    }
}

/// The last non-invasive blood pressure.
#[derive(Clone, Copy, Debug)]
pub struct Nibp {
    /// Time of the measurement in the monitor's local time; zeros before the first.
    pub at: (u16, u8, u8, u8, u8, u8),
    /// Systolic, diastolic and mean pressure in mmHg.
    pub systolic: u16,
    /// Diastolic pressure.
    pub diastolic: u16,
    /// Mean pressure.
    pub mean: u16,
    /// Limits in the order systolic, diastolic, mean.
    pub limits: [Limits<u16>; 3],
}

impl Nibp {
    /// The block, with `padding` zeros behind the last field.
    pub fn encode(&self, padding: usize) -> Vec<u8> {
        let (year, month, day, hour, minute, second) = self.at;
        let mut body = year.to_le_bytes().to_vec();
        body.extend_from_slice(&[month, day, hour, minute, second]);
        for value in [self.systolic, self.diastolic, self.mean] {
            body.extend_from_slice(&value.to_le_bytes());
        }
        for l in self.limits {
            high_low(&mut body, l);
        }
        telemetry(0x16, &body, padding)
    }
}

/// Two temperatures and their difference in degrees Celsius.
#[derive(Clone, Copy, Debug)]
pub struct Temperature {
    /// First probe, second probe, difference.
    pub values: [f32; 3],
    /// Their limits.
    pub limits: [Limits<f32>; 3],
}

impl Temperature {
    /// The block, with `padding` zeros behind the last field.
    pub fn encode(&self, padding: usize) -> Vec<u8> {
        let mut body = Vec::new();
        for value in self.values {
            body.extend_from_slice(&value.to_le_bytes());
        }
        for l in self.limits {
            float_limits(&mut body, l);
        }
        telemetry(0x17, &body, padding)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(16)).collect();
        digits.chunks(2).map(|d| (d[0] * 16 + d[1]) as u8).collect()
    }

    #[test]
    fn short_blocks_of_the_worked_examples() {
        assert_eq!(end_of_cycle(), hex("02 00 05 47"));
        assert_eq!(bed(7), hex("06 00 05 45 00 00 07 ff"));
        let text = hex("12 00 05 49 03 53 50 4f 32 20 53 45 4e 53 4f 52 20 4f 46 46");
        assert_eq!(technical(3, "SPO2 SENSOR OFF"), text);
    }

    #[test]
    fn blood_pressure_of_the_worked_examples() {
        let nibp = Nibp {
            at: (2026, 3, 14, 9, 26, 53),
            systolic: 121,
            diastolic: 78,
            mean: 92,
            limits: [limits(160, 90), limits(90, 50), limits(110, 60)],
        };
        let want = hex(
            "25 00 05 46 00 00 16 00 ea 07 03 0e 09 1a 35 79 00 4e 00 5c 00
             a0 00 5a 00 02 00 5a 00 32 00 02 00 6e 00 3c 00 02 00",
        );
        assert_eq!(nibp.encode(0), want);
    }

    #[test]
    fn temperature_of_the_worked_examples() {
        let t = limits(39.0, 36.0);
        let block = Temperature {
            values: [36.5, 37.0, 0.5],
            limits: [t, t, limits(2.0, 0.0)],
        };
        let want = hex(
            "30 00 05 46 00 00 17 00  00 00 12 42  00 00 14 42  00 00 00 3f
             00 00 1c 42 00 00 10 42 02 00  00 00 1c 42 00 00 10 42 02 00
             00 00 00 40 00 00 00 00 02 00",
        );
        assert_eq!(block.encode(0), want);
    }

    #[test]
    fn saturation_of_the_worked_examples() {
        let block = Spo2 {
            pleth: [0x3c; 256],
            saturation: Some(97),
            pulse: Some(72),
            saturation_limits: limits(100, 90),
            pulse_limits: limits(120, 50),
        };
        let mut want = hex("16 01 05 46 00 00 15 00");
        want.extend_from_slice(&[0x3c; 256]);
        want.extend(hex("61 00 48 00 5a 00 64 00 02 00 32 00 78 00 02 00"));
        assert_eq!(block.encode(0), want);
        assert_eq!(block.encode(8)[..2], [0x1e, 0x01]);
    }

    #[test]
    fn patient_of_the_worked_examples() {
        let patient = Patient {
            department: "ICU".into(),
            bed: 7,
            name: "TEST^PATIENT".into(),
            number: "0000000001".into(),
            admitted: (2026, 3, 14),
            height_mm: 1720,
            weight_100g: 705,
            born: (1970, 1, 2),
            doctor: "DR TEST".into(),
        };
        let mut want = hex("af 00 05 3e 49 43 55");
        want.resize(4 + 32, 0);
        want.extend(hex("00 00 07 54 45 53 54 5e 50 41 54 49 45 4e 54"));
        want.resize(4 + 0x43, 0);
        want.extend(hex("30 30 30 30 30 30 30 30 30 31"));
        want.resize(4 + 0x63, 0);
        want.extend(hex("32 30 32 36 00 30 33 00 31 34 00 00 00 00 00 00 00"));
        want.extend(hex(
            "b8 06 c1 02 00 00 00 00 31 39 37 30 00 30 31 00 30 32 00",
        ));
        want.extend(hex("00 00 00 00 00 00 44 52 20 54 45 53 54"));
        want.resize(4 + 0xad, 0);
        assert_eq!(patient.encode(0), want);
    }

    #[test]
    fn ecg_block_has_the_offsets_of_the_layout() {
        let block = EcgResp {
            ecg: [[1; 256], [2; 256], [3; 256]],
            resp: [4; 128],
            heart_rate: Some(80),
            resp_rate: None,
            floats: [NO_FLOAT; 3],
            heart_limits: limits(120, 50),
            resp_limits: limits(30, 8),
            float_limits: [limits(0.2, -0.2); 3],
            pvc_limits: limits(10, 0),
        }
        .encode(3);
        assert_eq!(block[..2], (0x3d5_u16 + 3).to_le_bytes());
        let data = &block[4..];
        assert_eq!(
            (data[0x103], data[0x104], data[0x204], data[0x304]),
            (1, 2, 3, 4)
        );
        assert_eq!(data[0x384..0x388], [80, 0, 0xff, 0xff]);
        assert_eq!(data[0x388..0x38c], [0x00, 0x00, 0x7a, 0xc4]);
        assert_eq!(data[0x3a3..0x3a9], [120, 0, 50, 0, 2, 0]);
        assert_eq!(data[0x3cd..0x3d3], [10, 0, 0, 0, 2, 0]);
        assert_eq!(data.len(), 0x3d3 + 3);
    }
}
