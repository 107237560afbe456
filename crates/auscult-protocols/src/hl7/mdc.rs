//! What observation codes measure: quantities of patients, identity of devices, alarms.
//!
//! Sources: ISO/IEEE 11073-10101 (32-bit code = partition * 65536 + term), IHE DEV technical
//! framework (PCD-01, PCD-04), LOINC, HP/Philips MDIL units, labels of makers' dialects. Limits:
//! the quantities that bedside monitors send; everything else is an unnamed result.

use std::borrow::Cow;

/// A number measured on a patient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quantity {
    pub(super) name: &'static str,
    pub(super) unit: &'static str,
}

const fn quantity(name: &'static str, unit: &'static str) -> Quantity {
    Quantity { name, unit }
}

const HEART_RATE: Quantity = quantity("heart-rate", "/min");
const PULSE_RATE: Quantity = quantity("pulse-rate", "/min");
const SPO2: Quantity = quantity("spo2", "%");
const PERFUSION: Quantity = quantity("perfusion-index", "%");
const RESPIRATION: Quantity = quantity("respiration-rate", "/min");
const ETCO2: Quantity = quantity("etco2", "mmHg");
const NIBP_SYSTOLIC: Quantity = quantity("nibp-systolic", "mmHg");
const NIBP_DIASTOLIC: Quantity = quantity("nibp-diastolic", "mmHg");
const NIBP_MEAN: Quantity = quantity("nibp-mean", "mmHg");
const ART_SYSTOLIC: Quantity = quantity("art-systolic", "mmHg");
const ART_DIASTOLIC: Quantity = quantity("art-diastolic", "mmHg");
const ART_MEAN: Quantity = quantity("art-mean", "mmHg");
const BP_SYSTOLIC: Quantity = quantity("bp-systolic", "mmHg");
const BP_DIASTOLIC: Quantity = quantity("bp-diastolic", "mmHg");
const BP_MEAN: Quantity = quantity("bp-mean", "mmHg");
const CVP_MEAN: Quantity = quantity("cvp-mean", "mmHg");
const ICP_MEAN: Quantity = quantity("icp-mean", "mmHg");
const TEMPERATURE: Quantity = quantity("temperature", "Cel");
const PVC: Quantity = quantity("pvc-rate", "/min");

/// MDC code, reference id, quantity.
static MDC: &[(u32, &str, Quantity)] = &[
    (147_842, "MDC_ECG_HEART_RATE", HEART_RATE),
    (148_065, "MDC_ECG_V_P_C_CNT", PVC),
    (149_514, "MDC_PULS_RATE", PULSE_RATE),
    (149_530, "MDC_PULS_OXIM_PULS_RATE", PULSE_RATE),
    (149_546, "MDC_PULS_RATE_NON_INV", PULSE_RATE),
    (150_021, "MDC_PRESS_BLD_NONINV_SYS", NIBP_SYSTOLIC),
    (150_022, "MDC_PRESS_BLD_NONINV_DIA", NIBP_DIASTOLIC),
    (150_023, "MDC_PRESS_BLD_NONINV_MEAN", NIBP_MEAN),
    (150_033, "MDC_PRESS_BLD_ART_SYS", ART_SYSTOLIC),
    (150_034, "MDC_PRESS_BLD_ART_DIA", ART_DIASTOLIC),
    (150_035, "MDC_PRESS_BLD_ART_MEAN", ART_MEAN),
    (150_087, "MDC_PRESS_BLD_VEN_CENT_MEAN", CVP_MEAN),
    (150_301, "MDC_PRESS_CUFF_SYS", NIBP_SYSTOLIC),
    (150_302, "MDC_PRESS_CUFF_DIA", NIBP_DIASTOLIC),
    (150_303, "MDC_PRESS_CUFF_MEAN", NIBP_MEAN),
    (150_344, "MDC_TEMP", TEMPERATURE),
    (150_364, "MDC_TEMP_BODY", TEMPERATURE),
    (150_448, "MDC_PULS_OXIM_PERF_REL", PERFUSION),
    (150_456, "MDC_PULS_OXIM_SAT_O2", SPO2),
    (151_562, "MDC_RESP_RATE", RESPIRATION),
    (151_586, "MDC_TTHOR_RESP_RATE", RESPIRATION),
    (151_594, "MDC_CO2_RESP_RATE", RESPIRATION),
    (151_728, "MDC_AWAY_CO2_ET", ETCO2),
    (153_611, "MDC_PRESS_INTRA_CRAN_MEAN", ICP_MEAN),
];

/// LOINC code, quantity.
static LOINC: &[(&str, Quantity)] = &[
    ("8867-4", HEART_RATE),
    ("2708-6", SPO2),
    ("59408-5", SPO2),
    ("9279-1", RESPIRATION),
    ("8480-6", BP_SYSTOLIC),
    ("8462-4", BP_DIASTOLIC),
    ("8478-0", BP_MEAN),
    ("8310-5", TEMPERATURE),
];

/// Codes of Mindray's dialect, which have no coding system; the label tells them from others.
static MINDRAY: &[(u32, &str, Quantity)] = &[
    (170, "SYS", NIBP_SYSTOLIC),
    (171, "DIA", NIBP_DIASTOLIC),
    (500, "SYS", ART_SYSTOLIC),
    (502, "DIA", ART_DIASTOLIC),
    (605, "MEAN", CVP_MEAN),
];

/// Labels in capitals.
static LABELS: &[(&str, Quantity)] = &[
    ("CO2ET", ETCO2),
    ("ETCO2", ETCO2),
    ("HR", HEART_RATE),
    ("NBPD", NIBP_DIASTOLIC),
    ("NBPM", NIBP_MEAN),
    ("NBPS", NIBP_SYSTOLIC),
    ("NIBPD", NIBP_DIASTOLIC),
    ("NIBPM", NIBP_MEAN),
    ("NIBPS", NIBP_SYSTOLIC),
    ("NIBP_D", NIBP_DIASTOLIC),
    ("NIBP_M", NIBP_MEAN),
    ("NIBP_S", NIBP_SYSTOLIC),
    ("PR", PULSE_RATE),
    ("RESP", RESPIRATION),
    ("RR", RESPIRATION),
    ("SPO2", SPO2),
    ("T1", TEMPERATURE),
    ("T2", TEMPERATURE),
    ("TEMP", TEMPERATURE),
];

/// OBX-3, and the unit of OBX-6 where that holds the code.
#[derive(Debug, Default)]
pub(super) struct Code<'a> {
    pub(super) id: Cow<'a, str>,
    pub(super) label: Cow<'a, str>,
    pub(super) system: Cow<'a, str>,
    /// First component of OBX-6.
    pub(super) unit: Cow<'a, str>,
}

/// What an observation is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Observed {
    /// A number measured on the patient.
    Vital(Quantity),
    /// A curve.
    Waveform,
    /// Weight or height of the patient.
    Demographics,
    /// A value that names the device: the claim's attribute.
    Identity(&'static str),
    /// The device itself (medical device system).
    DeviceSystem,
    /// Name of an alarm.
    Alarm,
    /// A further fact of an alarm: the attribute.
    AlarmFacet(&'static str),
    /// Something of the device that names nobody.
    DeviceFact,
    /// Any other result.
    Other,
}

impl Code<'_> {
    fn number(&self) -> Option<u32> {
        self.id.parse().ok()
    }

    /// What it is.
    pub(super) fn observed(&self) -> Observed {
        let number = self.number();
        let named = number.filter(|_| self.system == "MDC" || self.label.starts_with("MDC_"));
        if let Some(special) = named.and_then(by_code).or_else(|| by_name(&self.label)) {
            return special;
        }
        self.vital().map_or(Observed::Other, Observed::Vital)
    }

    fn vital(&self) -> Option<Quantity> {
        let number = self.number().or_else(|| mdil(&self.unit));
        let by_mdc = MDC.iter().find(|(code, name, _)| {
            number == Some(*code) || self.label == *name || self.id == *name
        });
        if let Some((_, _, quantity)) = by_mdc {
            return Some(*quantity);
        }
        if self.system == "LN" {
            return LOINC
                .iter()
                .find(|(code, _)| *code == self.id)
                .map(|(_, q)| *q);
        }
        let code = mdil(&self.unit);
        if let Some((_, _, quantity)) = MDC.iter().find(|(mdc, _, _)| code == Some(*mdc)) {
            return Some(*quantity);
        }
        let label = if self.label.is_empty() {
            &self.id
        } else {
            &self.label
        };
        let label = label.to_ascii_uppercase();
        let mindray = MINDRAY.iter().find(|(code, name, _)| {
            self.system.is_empty() && number == Some(*code) && label == *name
        });
        let labelled = LABELS.iter().find(|(name, _)| *name == label);
        mindray.map(|(_, _, q)| *q).or(labelled.map(|(_, q)| *q))
    }

    /// Whether the unit is MDIL's, whose makers send sentinels for "not measured".
    pub(super) fn is_mdil(&self) -> bool {
        mdil(&self.unit).is_some()
    }
}

/// `0002-4182`: partition and term in hexadecimal.
fn mdil(unit: &str) -> Option<u32> {
    let (partition, term) = unit.split_once('-')?;
    if partition.len() != 4 || term.len() != 4 {
        return None;
    }
    let partition = u16::from_str_radix(partition, 16).ok()?;
    let term = u16::from_str_radix(term, 16).ok()?;
    Some(u32::from(partition) << 16 | u32::from(term))
}

fn by_code(code: u32) -> Option<Observed> {
    Some(match code {
        531_969 => Observed::Identity("model"),
        531_970 => Observed::Identity("vendor"),
        531_972 => Observed::Identity("serial"),
        531_973 => Observed::Identity("part_number"),
        531_974 => Observed::Identity("hardware_version"),
        531_975 => Observed::Identity("software_version"),
        531_976 => Observed::Identity("firmware"),
        69_410 => Observed::Identity("reported_ip"),
        69_416 => Observed::Identity("reported_mac"),
        69_417 => Observed::Identity("wireless_network"),
        69_965 | 69_985 | 70_001 => Observed::DeviceSystem,
        68_063 => Observed::Demographics,
        131_329 | 131_330 | 131_389 | 150_452 => Observed::Waveform,
        196_616 | 68_012 => Observed::Alarm,
        68_546 => Observed::AlarmFacet("alarm_text"),
        68_480 | 68_164 => Observed::AlarmFacet("alarm_source"),
        68_481 | 68_165 => Observed::AlarmFacet("alarm_phase"),
        68_482 | 68_166 => Observed::AlarmFacet("alarm_state"),
        68_483 | 68_167 => Observed::AlarmFacet("alarm_inactivation"),
        68_484 | 68_168 => Observed::AlarmFacet("alarm_priority"),
        68_485 => Observed::AlarmFacet("alarm_type"),
        // The partitions of device types and of communication.
        65_536..=131_071 | 524_288..=589_823 => Observed::DeviceFact,
        _ => return None,
    })
}

fn by_name(name: &str) -> Option<Observed> {
    if !name.starts_with("MDC") {
        return None;
    }
    static ENDS: &[(&str, Observed)] = &[
        ("MODEL_NUMBER", Observed::Identity("model")),
        ("MODEL_MANUFACTURER", Observed::Identity("vendor")),
        ("PROD_SPEC_SERIAL", Observed::Identity("serial")),
        ("PROD_SPEC_HW", Observed::Identity("hardware_version")),
        ("PROD_SPEC_SW", Observed::Identity("software_version")),
        ("PROD_SPEC_FW", Observed::Identity("firmware")),
        ("_MDS", Observed::DeviceSystem),
        ("EVT_ALARM", Observed::Alarm),
        ("ALERT_SOURCE", Observed::AlarmFacet("alarm_source")),
        ("EVENT_PHASE", Observed::AlarmFacet("alarm_phase")),
        ("ALARM_STATE", Observed::AlarmFacet("alarm_state")),
        (
            "INACTIVATION_STATE",
            Observed::AlarmFacet("alarm_inactivation"),
        ),
        ("ALARM_PRIORITY", Observed::AlarmFacet("alarm_priority")),
    ];
    ENDS.iter()
        .find(|(end, _)| name.ends_with(end))
        .map(|(_, observed)| *observed)
}

/// The value in the quantity's own unit; `unit` and `label` are the components of OBX-6.
pub(super) fn convert(value: f64, quantity: Quantity, unit: &str, label: &str) -> f64 {
    let is = |code: &str, names: &[&str]| {
        unit == code || names.contains(&unit) || names.contains(&label)
    };
    match quantity.unit {
        "mmHg" if is("265987", &["kPa", "MDC_DIM_KILO_PASCAL"]) => value * 7.500_616_8,
        "Cel"
            if is(
                "266560",
                &["[degF]", "degF", "F", "\u{b0}F", "MDC_DIM_FAHR"],
            ) =>
        {
            (value - 32.0) / 1.8
        }
        _ => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code<'a>(id: &'a str, label: &'a str, system: &'a str, unit: &'a str) -> Code<'a> {
        Code {
            id: id.into(),
            label: label.into(),
            system: system.into(),
            unit: unit.into(),
        }
    }

    #[test]
    fn codes_of_all_dialects() {
        let vital = |c: Code<'_>| match c.observed() {
            Observed::Vital(q) => q.name,
            _ => "no",
        };
        assert_eq!(
            vital(code("147842", "MDC_ECG_HEART_RATE", "MDC", "264864")),
            "heart-rate"
        );
        assert_eq!(vital(code("101", "HR", "", "")), "heart-rate");
        assert_eq!(vital(code("007000", "SpO2", "", "%")), "spo2");
        assert_eq!(vital(code("170", "Sys", "", "mmHg")), "nibp-systolic");
        assert_eq!(vital(code("188", "X", "", "0002-4bb8")), "spo2", "by MDIL");
        assert_eq!(
            vital(code("8867-4", "Heart rate", "LN", "/min")),
            "heart-rate"
        );
        assert_eq!(vital(code("hgb", "Hgb", "Local", "g/dl")), "no");
        assert_eq!(vital(code("170", "Sys", "LN", "")), "no");
    }

    #[test]
    fn identity_and_alarms() {
        assert_eq!(
            code("531969", "", "MDC", "").observed(),
            Observed::Identity("model")
        );
        assert_eq!(
            code("531969", "Potassium", "L", "").observed(),
            Observed::Other
        );
        assert_eq!(
            code("0", "MDC_ID_MODEL_NUMBER", "", "").observed(),
            Observed::Identity("model")
        );
        assert_eq!(
            code("196616", "MDC_EVT_ALARM", "MDC", "").observed(),
            Observed::Alarm
        );
        let state = code("68482", "MDC_ATTR_ALARM_STATE", "MDC", "").observed();
        assert_eq!(state, Observed::AlarmFacet("alarm_state"));
    }

    #[test]
    fn units() {
        assert!((convert(16.0, NIBP_MEAN, "265987", "") - 120.0).abs() < 0.1);
        assert!((convert(98.6, TEMPERATURE, "266560", "") - 37.0).abs() < 0.01);
        assert!((convert(37.0, TEMPERATURE, "268192", "") - 37.0).abs() < 0.01);
    }
}
