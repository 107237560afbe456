//! Services of multicast DNS: their names, and what their TXT records say of the device.

use auscult_model::Transport;

/// Service types whose protocol is read or named here (IANA service names), and that protocol.
const PROTOCOLS: &[(&str, &str)] = &[
    ("_acr-nema", "dicom"),
    ("_dicom", "dicom"),
    ("_ftp", "ftp"),
    ("_http", "http"),
    ("_https", "tls"),
    ("_ipp", "ipp"),
    ("_ipps", "tls"),
    ("_ldap", "ldap"),
    ("_mqtt", "mqtt"),
    ("_nfs", "nfs"),
    ("_ntp", "ntp"),
    ("_printer", "lpd"),
    ("_rfb", "vnc"),
    ("_rtsp", "rtsp"),
    ("_sftp-ssh", "ssh"),
    ("_sip", "sip"),
    ("_smb", "smb"),
    ("_ssh", "ssh"),
    ("_telnet", "telnet"),
    ("_tftp", "tftp"),
];

/// Keys of TXT records, in small letters, and the attribute that they are. Of those for one
/// attribute the first that is there counts: they are the same in other words.
const KEYS: &[(&str, &str)] = &[
    ("ty", "model"),
    ("md", "model"),
    ("usb_mdl", "model"),
    ("product", "model"),
    ("model", "model"),
    ("model_number", "model"),
    ("usb_mfg", "vendor"),
    ("manufacturer", "vendor"),
    ("mfg", "vendor"),
    ("serialnumber", "serial"),
    ("serial", "serial"),
    ("firmware", "firmware"),
    ("note", "location"),
    ("fn", "mdns_instance"),
    ("uuid", "device_uuid"),
];

/// `Instance._service._tcp.local`, or without an instance.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Instance<'a> {
    /// As people see it; empty for a type of service alone.
    pub(super) name: &'a str,
    /// `_ipp._tcp`.
    pub(super) service: &'a str,
}

impl<'a> Instance<'a> {
    /// Takes a name apart; `None` when it is none of a service. Names of instances may hold dots
    /// (RFC 6763 §4.3).
    pub(super) fn read(name: &'a str) -> Option<Self> {
        let name = local(name);
        let (rest, transport) = name.rsplit_once('.')?;
        let has_transport = ["_tcp", "_udp"]
            .iter()
            .any(|t| t.eq_ignore_ascii_case(transport));
        let start = rest.rfind("._").map_or(0, |dot| dot + 1);
        let service = name.get(start..)?;
        let name = rest.get(..start.saturating_sub(1))?;
        // Selections of instances are not instances (§7.1).
        let is_selection = name == "_sub" || name.ends_with("._sub");
        let fits = has_transport && service.starts_with('_') && !is_selection;
        // The list of all services is none.
        let is_list = service.starts_with("_dns-sd.");
        (fits && !is_list).then_some(Instance { name, service })
    }

    /// Transport, and what is spoken there by its name here.
    pub(super) fn protocol(&self) -> (Transport, &'static str) {
        let (service, transport) = self.service.split_once('.').unwrap_or_default();
        let transport = match transport.eq_ignore_ascii_case("_udp") {
            true => Transport::Udp,
            false => Transport::Tcp,
        };
        let mut known = PROTOCOLS.iter();
        let known = known.find(|(name, _)| name.eq_ignore_ascii_case(service));
        (transport, known.map_or("unknown", |(_, protocol)| protocol))
    }
}

/// A name without the domain of the local link.
pub(super) fn local(name: &str) -> &str {
    let at = name.len().saturating_sub(".local".len());
    match name.split_at_checked(at) {
        Some((host, end)) if end.eq_ignore_ascii_case(".local") => host,
        _ => name,
    }
}

/// What the strings of a TXT record say of the device.
pub(super) fn described(strings: &[String]) -> Vec<(&'static str, &str)> {
    let mut said: Vec<(&'static str, &str)> = Vec::new();
    for (key, attribute) in KEYS {
        let value = strings.iter().find_map(|string| {
            let (name, value) = string.split_once('=')?;
            let value = bare(value);
            (name.eq_ignore_ascii_case(key) && !value.is_empty()).then_some(value)
        });
        if let Some(value) = value
            && !said.iter().any(|(known, _)| known == attribute)
        {
            said.push((attribute, value));
        }
    }
    said
}

/// Without the parentheses in which PostScript has product names.
fn bare(value: &str) -> &str {
    let inner = value.strip_prefix('(').and_then(|v| v.strip_suffix(')'));
    inner.unwrap_or(value).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instances() {
        let whole = Instance::read("Ward 3, no. 2._ipp._tcp.local");
        let wanted = Instance {
            name: "Ward 3, no. 2",
            service: "_ipp._tcp",
        };
        assert_eq!(whole, Some(wanted));
        let of = |name| Instance::read(name).map(|i| (i.name, i.service));
        assert_eq!(of("_http._TCP.LOCAL"), Some(("", "_http._TCP")));
        assert_eq!(of("a._b._x._udp.local"), Some(("a._b", "_x._udp")));
        for other in [
            "_services._dns-sd._udp.local",
            "_universal._sub._ipp._tcp.local",
            "monitor.local",
            "_tcp.local",
            "local",
            "",
        ] {
            assert_eq!(of(other), None, "{other}");
        }
        let vnc = Instance::read("x._rfb._tcp.local").unwrap();
        assert_eq!(vnc.protocol(), (Transport::Tcp, "vnc"));
    }

    #[test]
    fn the_best_key_of_each_attribute() {
        let strings = [
            "txtvers=1",
            "product=(Invented Jet 9)",
            "Ty=Invented Jet 9 MFP",
            "usb_MFG=Invented",
            "note=",
            "flag",
        ]
        .map(str::to_owned);
        assert_eq!(
            described(&strings),
            [("model", "Invented Jet 9 MFP"), ("vendor", "Invented")]
        );
        assert_eq!(described(&strings[1..2]), [("model", "Invented Jet 9")]);
    }
}
