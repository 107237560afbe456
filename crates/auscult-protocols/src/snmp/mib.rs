//! Objects that say what a device is, by their encoded names.
//!
//! Sources: RFC 3418 (system), RFC 2790 §4 (hrDevice), RFC 3805 (printers), RFC 6933
//! (entPhysical), RFC 1628 (supplies without interruption), PowerNet-MIB (APC), RFC 3418 §2 and
//! RFC 2863 (traps).

/// `1.3.6.1.2.1`.
const MIB_2: &[u8] = &[0x2b, 6, 1, 2, 1];
/// `1.3.6.1.4.1`.
pub(super) const ENTERPRISES: &[u8] = &[0x2b, 6, 1, 4, 1];
/// `318.1.1.1.1` of APC, under [`ENTERPRISES`]: identity of a supply.
const APC_IDENTITY: &[u8] = &[0x82, 0x3e, 1, 1, 1, 1];
/// `snmpTrapOID.0`, the name of a trap.
pub(super) const TRAP_ID: &[u8] = &[0x2b, 6, 1, 6, 3, 1, 1, 4, 1, 0];
/// `snmpTraps`.
const TRAPS: &[u8] = &[0x2b, 6, 1, 6, 3, 1, 1, 5];
/// `upsTraps` under [`MIB_2`].
const UPS_TRAPS: &[u8] = &[33, 2];
/// `hrDevicePrinter`.
pub(super) const PRINTER: &[u8] = &[0x2b, 6, 1, 2, 1, 25, 3, 1, 5];

/// What an object says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Object<'a> {
    /// Its text is this attribute.
    Text(&'static str),
    /// The same, and the device has this MIB, which tells what it is for.
    Of(&'static str, &'static str),
    /// Identifier of the product.
    Product,
    /// Description of the first device of the host.
    Device,
    /// Kind of the first device of the host.
    DeviceKind,
    /// A property of a part: attribute, and the number of the part.
    Part(&'static str, &'a [u8]),
}

const PRINTER_MIB: &str = "Printer-MIB";
const UPS_MIB: &str = "UPS-MIB";

/// What the object of this name says.
pub(super) fn object(name: &[u8]) -> Option<Object<'_>> {
    if let Some(under) = name.strip_prefix(MIB_2) {
        return Some(match *under {
            [1, 1, 0] => Object::Text("snmp_sysdescr"),
            [1, 2, 0] => Object::Product,
            [1, 4, 0] => Object::Text("snmp_syscontact"),
            [1, 5, 0] => Object::Text("snmp_sysname"),
            [1, 6, 0] => Object::Text("snmp_syslocation"),
            [25, 3, 2, 1, 2, 1] => Object::DeviceKind,
            [25, 3, 2, 1, 3, 1] => Object::Device,
            [33, 1, 1, 1, 0] => Object::Of("vendor", UPS_MIB),
            [33, 1, 1, 2, 0] => Object::Of("model", UPS_MIB),
            [33, 1, 1, 3, 0] => Object::Of("firmware", UPS_MIB),
            [43, 5, 1, 1, 16, 1] => Object::Of("snmp_printer_name", PRINTER_MIB),
            [43, 5, 1, 1, 17, 1] => Object::Of("serial", PRINTER_MIB),
            [47, 1, 1, 1, 1, 9, ref part @ ..] => Object::Part("boot_firmware", part),
            [47, 1, 1, 1, 1, 10, ref part @ ..] => Object::Part("firmware", part),
            [47, 1, 1, 1, 1, 11, ref part @ ..] => Object::Part("serial", part),
            [47, 1, 1, 1, 1, 12, ref part @ ..] => Object::Part("vendor", part),
            [47, 1, 1, 1, 1, 13, ref part @ ..] => Object::Part("model", part),
            _ => return None,
        });
    }
    let under = name.strip_prefix(ENTERPRISES)?.strip_prefix(APC_IDENTITY)?;
    Some(match *under {
        [1, 1, 0] => Object::Of("model", UPS_MIB),
        [2, 1, 0] => Object::Of("firmware", UPS_MIB),
        [2, 3, 0] => Object::Of("serial", UPS_MIB),
        _ => return None,
    })
}

/// Name of an object that is often written, and the numbers behind it.
pub(super) fn settable(name: &[u8]) -> Option<(&'static str, &[u8])> {
    let under = name.strip_prefix(MIB_2)?;
    let known: [(&[u8], &str); 6] = [
        (&[1, 4], "sysContact"),
        (&[1, 5], "sysName"),
        (&[1, 6], "sysLocation"),
        (&[2, 2, 1, 7], "ifAdminStatus"),
        (&[43, 5, 1, 1, 3], "prtGeneralReset"),
        (&[33, 1, 8, 2], "upsShutdownAfterDelay"),
    ];
    known
        .iter()
        .find_map(|(object, text)| Some((*text, under.strip_prefix(*object)?)))
}

/// Name of a trap that is not an enterprise's.
pub(super) fn trap(name: &[u8]) -> Option<&'static str> {
    if let Some(&[number]) = name.strip_prefix(TRAPS) {
        return generic_trap(i64::from(number) - 1);
    }
    match name.strip_prefix(MIB_2)?.strip_prefix(UPS_TRAPS)? {
        [1] => Some("upsTrapOnBattery"),
        [2] => Some("upsTrapTestCompleted"),
        [3] => Some("upsTrapAlarmEntryAdded"),
        [4] => Some("upsTrapAlarmEntryRemoved"),
        _ => None,
    }
}

/// Name of a generic trap of version 1.
pub(super) fn generic_trap(number: i64) -> Option<&'static str> {
    let names = [
        "coldStart",
        "warmStart",
        "linkDown",
        "linkUp",
        "authenticationFailure",
        "egpNeighborLoss",
    ];
    names.get(usize::try_from(number).ok()?).copied()
}

/// Makers of devices, by the number that IANA gave them. Makers of agents only (Net-SNMP,
/// Microsoft) name no device.
const MAKERS: &[(u32, &str)] = &[
    (9, "Cisco"),
    (11, "HP"),
    (43, "3Com"),
    (171, "D-Link"),
    (231, "Compaq"),
    (244, "Lantronix"),
    (253, "Xerox"),
    (318, "APC"),
    (332, "Digi International"),
    (367, "Ricoh"),
    (368, "Axis"),
    (476, "Liebert"),
    (534, "Eaton"),
    (641, "Lexmark"),
    (674, "Dell"),
    (705, "MGE UPS Systems"),
    (1248, "Epson"),
    (1347, "Kyocera"),
    (1602, "Canon"),
    (1991, "Foundry"),
    (2001, "OKI"),
    (2011, "Huawei"),
    (2435, "Brother"),
    (2636, "Juniper"),
    (3808, "CyberPower"),
    (4526, "Netgear"),
    (6876, "VMware"),
    (8691, "Moxa"),
    (10642, "Zebra"),
    (12356, "Fortinet"),
    (14988, "MikroTik"),
    (25506, "H3C"),
    (41112, "Ubiquiti"),
];

/// The maker with a number.
pub(super) fn maker(number: u64) -> Option<&'static str> {
    let at = MAKERS.binary_search_by_key(&number, |(known, _)| u64::from(*known));
    at.ok().and_then(|at| MAKERS.get(at)).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn makers_are_in_order() {
        assert!(MAKERS.is_sorted_by_key(|(number, _)| *number));
        assert_eq!((maker(318), maker(8072)), (Some("APC"), None));
    }
}
