//! What a message says about devices: its sender's, or one behind its sender.
//!
//! Sources: IHE DEV technical framework (PCD-01 device identity, PCD-04 alarms), HL7 v2.7 PRT,
//! v2.5 SFT. A gateway speaks for many devices: a claim says in its attributes which device it
//! describes, and whether that is the sender (both name the same EUI-64).

use std::borrow::Cow;

use auscult_model::{About, Meaning};

use super::mdc::{Code, Observed, Quantity, convert};
use super::message::Teller;
use super::syntax::{Segment, Value};
use crate::Sample;

/// Most facets of one alarm.
const FACETS_MAX: usize = 16;

/// The device that the current segments describe.
#[derive(Debug, Default)]
pub(super) struct Device {
    /// EUI-64 of the sender (MSH-3, MSH-4), in capitals.
    sender: Option<String>,
    /// Identifier of the described device (OBX-18, PRT-10).
    instance: Option<String>,
    /// That identifier is an EUI-64.
    eui64: bool,
    /// A medical device system was named.
    pub(super) is_system: bool,
    /// It is a pump.
    pub(super) is_pump: bool,
    alarm: Option<Alarm>,
}

/// An alarm whose facets are still being read.
#[derive(Debug)]
struct Alarm {
    text: String,
    facets: Vec<(&'static str, String)>,
}

impl Device {
    pub(super) fn sent_by(sender: Option<String>) -> Self {
        Device {
            sender,
            ..Device::default()
        }
    }

    /// Whether the described device is the sender, another one, or cannot be told.
    pub(super) fn describes(&self) -> &'static str {
        match (&self.sender, &self.instance) {
            (Some(sender), Some(instance)) if self.eui64 && sender == instance => "sender",
            (Some(_), Some(_)) if self.eui64 => "behind",
            _ => "unknown",
        }
    }

    /// How far a claim about the described device holds for the sender.
    fn holds(&self) -> f32 {
        match self.describes() {
            "sender" => 1.0,
            "behind" => 0.3,
            _ => 0.6,
        }
    }

    fn claim(&self, attribute: &'static str, value: Cow<'_, str>, teller: &mut Teller<'_, '_>) {
        if value.is_empty() {
            return;
        }
        let holds = self.holds();
        let claim = Meaning::Claim {
            about: About::Sender,
            attribute,
            value: value.into_owned(),
        };
        let confidence = teller.confidence.min(holds);
        let said = teller.say(claim).sure(confidence);
        said.with("describes", self.describes());
        if let Some(instance) = &self.instance {
            said.with("device_instance", instance.clone());
        }
    }

    /// An EI: id, namespace, universal id, its type.
    fn set_instance(&mut self, entity: Value<'_>) {
        let universal = entity.component(3);
        let of_type = entity.component(4).text();
        let id = if universal.filled() && of_type == "EUI-64" {
            universal
        } else {
            entity.component(1)
        };
        if id.filled() {
            self.eui64 = is_eui64(&id.text());
            self.instance = Some(id.text().to_ascii_uppercase());
        }
    }

    /// OBX. Returns what was observed.
    pub(super) fn observation(
        &mut self,
        obx: &Segment<'_>,
        teller: &mut Teller<'_, '_>,
    ) -> Observed {
        let identifier = obx.field(3);
        let code = Code {
            id: identifier.component(1).text(),
            label: identifier.component(2).text(),
            system: identifier.component(3).text(),
            unit: obx.field(6).component(1).text(),
        };
        let observed = code.observed();
        let value = obx.field(5);
        if obx.field(18).filled() && observed == Observed::DeviceSystem {
            self.set_instance(obx.field(18));
        }
        match observed {
            Observed::DeviceSystem => self.system(&code.label, teller),
            Observed::Identity(attribute) => self.claim(attribute, coded_text(value), teller),
            Observed::Alarm => self.alarm(obx, teller),
            Observed::AlarmFacet(facet) => {
                if let Some(alarm) = &mut self.alarm
                    && alarm.facets.len() < FACETS_MAX
                {
                    alarm.facets.push((facet, coded_text(value).into_owned()));
                }
            }
            Observed::Vital(quantity) if teller.out.wants_samples() => {
                measured(obx, &code, quantity, teller);
            }
            Observed::Vital(_) => {}
            _ if code.label.starts_with("MDCX_") => self.pump_facts(value, teller),
            _ => {}
        }
        observed
    }

    /// A medical device system, from OBX-3 or OBR-4.
    pub(super) fn system(&mut self, label: &str, teller: &mut Teller<'_, '_>) {
        self.is_system = true;
        self.is_pump |= label.contains("PUMP");
        self.claim("device_type", Cow::Borrowed(label), teller);
    }

    /// `InfuserType=PLUM_360~Infuser Software=15.11.00.018~…` of ICU Medical.
    fn pump_facts(&self, value: Value<'_>, teller: &mut Teller<'_, '_>) {
        for fact in value.repeats().take(32) {
            let text = fact.text();
            let Some((name, value)) = text.split_once('=') else {
                continue;
            };
            let attribute = match name.trim() {
                "InfuserType" => "model",
                "Infuser Software" => "firmware",
                "Connectivity Engine" => "network_module_firmware",
                _ => continue,
            };
            self.claim(attribute, Cow::Borrowed(value.trim()), teller);
        }
    }

    /// PRT: a device that took part.
    pub(super) fn participation(&mut self, prt: &Segment<'_>, teller: &mut Teller<'_, '_>) {
        if prt.field(10).filled() {
            self.set_instance(prt.field(10));
            self.claim("device_id", prt.field(10).component(1).text(), teller);
        }
        let identifier = prt.field(16).component(1).text();
        // Field software puts the model in words where the UDI's digits belong.
        let attribute = if identifier.contains(' ') {
            "model"
        } else {
            "udi_di"
        };
        self.claim(attribute, identifier, teller);
        self.claim("lot", prt.field(19).text(), teller);
        self.claim("serial", prt.field(20).text(), teller);
        self.claim("device_type", coded_text(prt.field(22)), teller);
    }

    fn alarm(&mut self, obx: &Segment<'_>, teller: &mut Teller<'_, '_>) {
        self.end_alarm(teller);
        let mut facets = Vec::new();
        for flag in obx.field(8).repeats() {
            match flag.text().as_ref() {
                priority @ ("PN" | "PL" | "PM" | "PH") => {
                    facets.push(("alarm_priority", priority.to_owned()));
                }
                kind @ ("SP" | "ST" | "SA") => facets.push(("alarm_type", kind.to_owned())),
                _ => {}
            }
        }
        self.alarm = Some(Alarm {
            text: coded_text(obx.field(5)).into_owned(),
            facets,
        });
    }

    /// Says the alarm that was read, if any.
    pub(super) fn end_alarm(&mut self, teller: &mut Teller<'_, '_>) {
        let Some(alarm) = self.alarm.take() else {
            return;
        };
        let mut facets = alarm.facets;
        let worded = facets.iter().position(|(facet, _)| *facet == "alarm_text");
        let worded = worded.map(|at| facets.remove(at).1);
        let text = worded.filter(|text| !text.is_empty()).unwrap_or(alarm.text);
        let said = teller.say(Meaning::Alarm { text });
        said.attributes = facets;
        if let Some(instance) = &self.instance {
            said.with("device_instance", instance.clone());
        }
    }
}

/// Passes a number on that was measured on the patient.
fn measured(obx: &Segment<'_>, code: &Code<'_>, quantity: Quantity, teller: &mut Teller<'_, '_>) {
    let status = obx.field(11).bytes;
    let number = obx.field(5).component(1).text().parse::<f64>().ok();
    let absent = matches!(status, b"X" | b"D" | b"W" | b"N");
    let sentinel = |number: &f64| code.is_mdil() && [-100.0, -1000.0, -10000.0].contains(number);
    let number = number.filter(|n| n.is_finite() && !absent && !sentinel(n));
    let Some(number) = number else { return };
    let label = obx.field(6).component(2).text();
    let value = convert(number, quantity, &code.unit, &label);
    let at = teller.at;
    let (quantity, unit) = (quantity.name, quantity.unit);
    teller.out.sample(
        at,
        &Sample::Number {
            quantity,
            value,
            unit,
        },
    );
}

/// SFT: the software that sends.
pub(super) fn software(sft: &Segment<'_>, teller: &mut Teller<'_, '_>) {
    let values = [
        ("software_vendor", sft.field(1).component(1).text()),
        ("software_version", sft.field(2).text()),
        ("software_product", sft.field(3).text()),
        ("software_build", sft.field(4).text()),
    ];
    for (attribute, value) in values {
        if !value.is_empty() {
            teller.say(Meaning::Claim {
                about: About::Sender,
                attribute,
                value: value.into_owned(),
            });
        }
    }
}

/// The words of a coded value, or the value itself.
fn coded_text(value: Value<'_>) -> Cow<'_, str> {
    let words = value.component(2).text();
    if words.is_empty() {
        value.component(1).text()
    } else {
        words
    }
}

/// Sixteen hexadecimal digits.
pub(super) fn is_eui64(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit())
}
