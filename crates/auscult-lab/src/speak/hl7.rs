//! HL7 version 2 messages in the minimal lower layer protocol (HL7 2.5, chapters 2, 3, 7).

use crate::people::Person;

/// Who sends and who receives.
#[derive(Clone, Debug)]
pub struct Route {
    /// MSH-3.
    pub sender: String,
    /// MSH-4.
    pub facility: String,
    /// MSH-5.
    pub receiver: String,
    /// MSH-6.
    pub receiver_facility: String,
}

/// Puts the frame of MLLP around a message.
pub fn framed(message: &str) -> Vec<u8> {
    let mut out = vec![0x0b];
    out.extend_from_slice(message.as_bytes());
    out.extend_from_slice(&[0x1c, 0x0d]);
    out
}

fn msh(route: &Route, time: &str, kind: &str, control: &str) -> String {
    let Route {
        sender,
        facility,
        receiver,
        receiver_facility: house,
    } = route;
    format!("MSH|^~\\&|{sender}|{facility}|{receiver}|{house}|{time}||{kind}|{control}|P|2.5\r")
}

fn pid(person: &Person) -> String {
    let (year, month, day) = person.born;
    format!(
        "PID|1||{}^^^KLINIK^MR||{}^{}||{year:04}{month:02}{day:02}|{}\r",
        person.number, person.family, person.given, person.sex
    )
}

fn pv1(ward: &str, bed: u8) -> String {
    format!(
        "PV1|1|I|{ward}^Z{}^{bed}|||||||||||||||||\r",
        bed.div_ceil(2)
    )
}

/// ADT^A01: a patient is admitted.
pub fn admission(
    route: &Route,
    time: &str,
    control: &str,
    person: &Person,
    ward: &str,
    bed: u8,
) -> String {
    let head = msh(route, time, "ADT^A01^ADT_A01", control);
    format!("{head}EVN|A01|{time}\r{}{}", pid(person), pv1(ward, bed))
}

/// What an infusion pump is and does.
#[derive(Clone, Debug)]
pub struct Pump {
    /// Its identity as EUI-64, sixteen hexadecimal digits.
    pub identity: String,
    /// Its rate in millilitres an hour.
    pub rate: u16,
}

/// PCD-01 of IHE: a gateway reports a pump's rate (IHE DEV TF-2).
pub fn infusion(route: &Route, time: &str, control: &str, person: &Person, pump: &Pump) -> String {
    let head = msh(route, time, "ORU^R01^ORU_R01", control);
    let head = format!(
        "{}|||NE|AL|||||IHE_PCD_001^IHE PCD^1.3.6.1.4.1.19376.1.6.1.1.1^ISO\r",
        head.trim_end()
    );
    let id = &pump.identity;
    format!(
        "{head}{}OBR|1|||69985^MDC_DEV_PUMP_INFUS_MDS^MDC|||{time}\r\
         OBX|1||69985^MDC_DEV_PUMP_INFUS_MDS^MDC|1.0.0.0|||||||X|||||||{id}^^{id}^EUI-64\r\
         OBX|2|NM|157784^MDC_FLOW_FLUID_PUMP^MDC|1.1.1.1|{}|\
         265266^MDC_DIM_MILLI_L_PER_HR^MDC|||||R\r",
        pid(person),
        pump.rate
    )
}

/// One numeric result.
#[derive(Clone, Copy, Debug)]
pub struct Observation<'a> {
    /// OBX-3.
    pub code: &'a str,
    /// OBX-5.
    pub value: &'a str,
    /// OBX-6.
    pub unit: &'a str,
}

/// ORU^R01: results of a patient.
pub fn results(
    route: &Route,
    time: &str,
    control: &str,
    person: &Person,
    observations: &[Observation<'_>],
) -> String {
    let mut out = msh(route, time, "ORU^R01^ORU_R01", control);
    out.push_str(&pid(person));
    out.push_str(&format!("OBR|1||{control}|SET^invented panel^L|||{time}\r"));
    for (n, o) in observations.iter().enumerate() {
        let Observation { code, value, unit } = o;
        out.push_str(&format!("OBX|{}|NM|{code}||{value}|{unit}|||||F\r", n + 1));
    }
    out
}

/// The application's acknowledgement.
pub fn acknowledgement(route: &Route, time: &str, kind: &str, control: &str) -> String {
    let back = Route {
        sender: route.receiver.clone(),
        facility: route.receiver_facility.clone(),
        receiver: route.sender.clone(),
        receiver_facility: route.facility.clone(),
    };
    let head = msh(
        &back,
        time,
        &format!("ACK^{kind}^ACK"),
        &format!("A{control}"),
    );
    format!("{head}MSA|AA|{control}\r")
}
