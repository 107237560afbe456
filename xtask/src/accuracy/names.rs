//! What others call the protocols of the contract.
//!
//! One line a name. An application over TLS, HTTP, DNS or QUIC counts as its carrier, because that
//! is what its bytes are.

/// nDPI's name (the master protocol where there is one) and the names of ours that agree with it;
/// the first is the row it counts in.
const NDPI: &[(&str, &[&str])] = &[
    ("ANYDESK", &["anydesk", "tls"]),
    ("BACNET", &["bacnet"]),
    ("BITTORRENT", &["bittorrent"]),
    ("CAPWAP", &["capwap"]),
    ("COAP", &["coap"]),
    ("DHCP", &["dhcp"]),
    ("DHCPV6", &["dhcpv6"]),
    ("DICOM", &["dicom"]),
    ("DNP3", &["dnp3"]),
    ("DNS", &["dns"]),
    ("DOH_DOT", &["tls", "quic"]),
    ("DTLS", &["dtls"]),
    ("ETHERNETIP", &["enip"]),
    ("FTPS", &["ftp", "tls"]),
    ("FTP_CONTROL", &["ftp"]),
    ("FTP_DATA", &["ftp-data"]),
    ("GRE", &["gre"]),
    ("HL7", &["hl7"]),
    ("HTTP", &["http", "websocket", "ipp", "dicomweb", "fhir"]),
    ("HTTP2", &["http2"]),
    ("HTTP_CONNECT", &["http"]),
    ("HTTP_PROXY", &["http"]),
    ("ICMP", &["icmp"]),
    ("ICMPV6", &["icmpv6"]),
    ("IEC60870", &["iec104"]),
    ("IGMP", &["igmp"]),
    ("IMAP", &["imap"]),
    ("IMAPS", &["imap", "tls"]),
    ("IPP", &["ipp", "http"]),
    ("KERBEROS", &["kerberos"]),
    ("LDAP", &["ldap"]),
    ("LLMNR", &["llmnr"]),
    ("MDNS", &["mdns"]),
    ("MINING", &["stratum"]),
    ("MODBUS", &["modbus"]),
    ("MQTT", &["mqtt"]),
    ("MYSQL", &["mysql"]),
    ("NETFLOW", &["netflow"]),
    ("NFS", &["nfs", "mount", "portmap"]),
    ("NTP", &["ntp"]),
    ("OPC-UA", &["opcua"]),
    ("OPENVPN", &["openvpn"]),
    ("POP3", &["pop3"]),
    ("POPS", &["pop3", "tls"]),
    ("POSTGRESQL", &["postgres"]),
    ("QUIC", &["quic"]),
    ("RADIUS", &["radius"]),
    ("RDP", &["rdp"]),
    ("RTCP", &["rtcp"]),
    ("RTP", &["rtp"]),
    ("RTSP", &["rtsp"]),
    ("S7COMM", &["s7"]),
    ("S7COMMPLUS", &["s7"]),
    ("SIP", &["sip"]),
    ("SMBV1", &["smb"]),
    ("SMBV23", &["smb"]),
    ("SMTP", &["smtp"]),
    ("SMTPS", &["smtp", "tls"]),
    ("SNMP", &["snmp"]),
    ("SOCKS", &["socks"]),
    ("SSDP", &["ssdp"]),
    ("SSH", &["ssh"]),
    ("STUN", &["stun"]),
    ("SYSLOG", &["syslog"]),
    ("TEAMVIEWER", &["teamviewer"]),
    ("TELNET", &["telnet"]),
    ("TEREDO", &["teredo"]),
    ("TFTP", &["tftp"]),
    ("TLS", &["tls"]),
    ("TOR", &["tor"]),
    ("VNC", &["vnc"]),
    ("VXLAN", &["vxlan"]),
    ("WEBSOCKET", &["websocket"]),
    ("WIREGUARD", &["wireguard"]),
    ("WSD", &["ws-discovery"]),
];

/// tshark's layer and the names of ours that agree with it, as in [`NDPI`].
const TSHARK: &[(&str, &[&str])] = &[
    ("acr-nema", &["dicom"]),
    ("ah", &["ah"]),
    ("bacapp", &["bacnet"]),
    ("bacnet", &["bacnet"]),
    ("bittorrent", &["bittorrent"]),
    ("bt-dht", &["bittorrent"]),
    ("bt-utp", &["bittorrent"]),
    ("bvlc", &["bacnet"]),
    ("capwap", &["capwap"]),
    ("capwap.data", &["capwap"]),
    ("cflow", &["netflow"]),
    ("cip", &["enip"]),
    ("cldap", &["ldap"]),
    ("coap", &["coap"]),
    ("dhcp", &["dhcp"]),
    ("dhcpv6", &["dhcpv6"]),
    ("dicom", &["dicom"]),
    ("dnp3", &["dnp3"]),
    ("dns", &["dns"]),
    ("dtls", &["dtls"]),
    ("enip", &["enip"]),
    ("erspan", &["gre"]),
    ("esp", &["esp"]),
    ("ftp", &["ftp"]),
    ("ftp-data", &["ftp-data"]),
    ("geneve", &["geneve"]),
    ("gquic", &["quic"]),
    ("gre", &["gre"]),
    ("gtp", &["gtp-u"]),
    ("hl7", &["hl7"]),
    ("http", &["http", "websocket", "ipp", "dicomweb", "fhir"]),
    ("http2", &["http2"]),
    ("icmp", &["icmp"]),
    ("icmpv6", &["icmpv6"]),
    ("iec60870_104", &["iec104"]),
    ("iec60870_asdu", &["iec104"]),
    ("igmp", &["igmp"]),
    ("imap", &["imap"]),
    ("ipp", &["ipp", "http"]),
    ("isakmp", &["ike"]),
    ("kerberos", &["kerberos"]),
    ("ldap", &["ldap"]),
    ("llmnr", &["llmnr"]),
    ("lpd", &["lpd"]),
    ("mbtcp", &["modbus"]),
    ("mdns", &["mdns"]),
    ("modbus", &["modbus"]),
    ("mount", &["mount"]),
    ("mqtt", &["mqtt"]),
    ("mysql", &["mysql"]),
    ("nbdgm", &["nbds"]),
    ("nbns", &["nbns"]),
    ("nbss", &["nbss", "smb"]),
    ("nfs", &["nfs"]),
    ("ntp", &["ntp"]),
    ("opcua", &["opcua"]),
    ("openvpn", &["openvpn"]),
    ("pgsql", &["postgres"]),
    ("pop", &["pop3"]),
    ("portmap", &["portmap"]),
    ("quic", &["quic"]),
    ("radius", &["radius"]),
    ("rdp", &["rdp"]),
    ("rdpudp", &["rdp"]),
    ("rtcp", &["rtcp"]),
    ("rtp", &["rtp"]),
    ("rtsp", &["rtsp"]),
    ("s7comm", &["s7"]),
    ("s7comm-plus", &["s7"]),
    ("sip", &["sip"]),
    ("smb", &["smb"]),
    ("smb2", &["smb"]),
    ("smtp", &["smtp"]),
    ("snmp", &["snmp"]),
    ("socks", &["socks"]),
    ("ssdp", &["ssdp"]),
    ("ssh", &["ssh"]),
    ("stun", &["stun"]),
    ("syslog", &["syslog"]),
    ("tacacs", &["tacacs"]),
    ("tacplus", &["tacacs"]),
    ("telnet", &["telnet"]),
    ("teredo", &["teredo"]),
    ("tftp", &["tftp"]),
    ("tls", &["tls"]),
    ("udpencap", &["esp", "ike"]),
    ("vnc", &["vnc"]),
    ("vxlan", &["vxlan"]),
    ("websocket", &["websocket", "http"]),
    ("wg", &["wireguard"]),
];

/// NetBIOS is one name in nDPI; which of its three services it is, the port says.
const NETBIOS: &[(u16, &[&str])] = &[(137, &["nbns"]), (138, &["nbds"]), (139, &["nbss", "smb"])];

/// Which of ours agree with what nDPI calls a flow.
pub(super) fn of_ndpi(
    name: &str,
    transport: &str,
    ports: [u16; 2],
) -> Option<&'static [&'static str]> {
    let name = name.to_ascii_uppercase();
    match (name.as_str(), transport) {
        ("NETBIOS", _) => NETBIOS
            .iter()
            .find(|(port, _)| ports.contains(port))
            .map(|(_, names)| *names),
        // Mail slots: datagrams of NetBIOS that carry SMB.
        ("SMBV1" | "SMBV23", "udp") => Some(&["nbds"]),
        ("IPSEC", "esp") => Some(&["esp"]),
        ("IPSEC", "ah") => Some(&["ah"]),
        ("IPSEC", _) => Some(&["ike", "esp"]),
        _ => find(NDPI, &name),
    }
}

/// Which of ours agree with a layer of tshark's.
pub(super) fn of_tshark(layer: &str) -> Option<&'static [&'static str]> {
    find(TSHARK, layer)
}

fn find(table: &[(&str, &'static [&'static str])], name: &str) -> Option<&'static [&'static str]> {
    let at = table.binary_search_by(|(known, _)| known.cmp(&name)).ok()?;
    Some(table[at].1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_in_order() {
        assert!(NDPI.is_sorted_by(|a, b| a.0 < b.0));
        assert!(TSHARK.is_sorted_by(|a, b| a.0 < b.0));
    }

    #[test]
    fn a_port_chooses_between_services_of_one_name() {
        let names = of_ndpi("NetBIOS", "udp", [4000, 138]);
        assert_eq!(names, Some(&["nbds"][..]));
        assert_eq!(of_ndpi("IPsec", "ah", [0, 0]), Some(&["ah"][..]));
        assert_eq!(of_ndpi("Dropbox", "udp", [1, 2]), None);
    }
}
