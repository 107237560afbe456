//! Names and management: net-snmp, avahi, Samba's name service and chrony, and the machines as
//! those programs announce them.

use crate::ward::{Line, Ward};
use crate::{Bad, at, claims, devices};

const AGENT: (&str, &str) = ("02:00:00:00:30:61", "10.20.30.61");
const PRINTER: (&str, &str) = ("02:00:00:00:30:62", "10.20.30.62");
const FILES: (&str, &str) = ("02:00:00:00:30:63", "10.20.30.63");
const CLOCK: (&str, &str) = ("02:00:00:00:30:64", "10.20.30.64");
const ADMIN: (&str, &str) = ("02:00:00:00:30:65", "10.20.30.65");
/// What lets a manager in.
const WORD: &str = "Geheimwort-61";

fn snmpd(ward: &mut Ward) {
    let config = format!(
        "rwcommunity {WORD}\nsysDescr Invented Supply 3000 UPS unit\nsysName supply-1\n\
         sysContact nobody\n"
    );
    let config = ward.file("snmpd.conf", config.as_bytes());
    let state = format!("SNMP_PERSISTENT_DIR={}", ward.dir().display());
    let words = [
        "env", &state, "snmpd", "-f", "-Lo", "-C", "-c", &config, "udp:161",
    ];
    ward.serve("agent", 161, &words);
}

fn avahi(ward: &mut Ward) {
    let config = "[server]\nhost-name=invented-jet\nuse-ipv4=yes\nuse-ipv6=no\nenable-dbus=no\n\
                  allow-interfaces=eth0\n[publish]\npublish-hinfo=yes\npublish-workstation=yes\n";
    let config = ward.file("avahi.conf", config.as_bytes());
    let words = [
        "avahi-daemon",
        "--no-drop-root",
        "--no-chroot",
        "--no-rlimits",
        "-f",
        &config,
    ];
    ward.serve("printer", 5353, &words);
}

fn nmbd(ward: &mut Ward) {
    let dir = ward.dir().display().to_string();
    let config = format!(
        "[global]\nnetbios name = INVENTEDNAS\nworkgroup = INVWARD\nserver string = Files\n\
         interfaces = eth0\nbind interfaces only = yes\nprivate dir = {dir}/samba\n\
         lock directory = {dir}/samba\nstate directory = {dir}/samba\n\
         cache directory = {dir}/samba\npid directory = {dir}/samba\nlog file = {dir}/nmbd\n"
    );
    ward.file("samba/empty", b"");
    let config = ward.file("smb.conf", config.as_bytes());
    ward.serve(
        "files",
        137,
        &["nmbd", "-F", "--no-process-group", "-s", &config],
    );
}

fn chronyd(ward: &mut Ward) {
    let pid = ward.dir().join("chronyd.pid");
    let config = format!(
        "local stratum 8\nallow\ncmdport 0\npidfile {}\n",
        pid.display()
    );
    let config = ward.file("chrony.conf", config.as_bytes());
    ward.serve(
        "clock",
        123,
        &["chronyd", "-d", "-x", "-u", "root", "-f", &config],
    );
}

#[test]
fn names_and_management() {
    let needed = [
        ("snmpd", "snmpd"),
        ("snmpget", "snmp"),
        ("avahi-daemon", "avahi-daemon"),
        ("nmbd", "samba"),
        ("nbtscan", "nbtscan"),
        ("chronyd", "chrony"),
    ];
    let Some(mut ward) = Ward::ready("names", &needed, Line::default()) else {
        return;
    };
    for (host, (mac, ip)) in [
        ("agent", AGENT),
        ("printer", PRINTER),
        ("files", FILES),
        ("clock", CLOCK),
        ("admin", ADMIN),
    ] {
        ward.host(host, mac, Some(ip));
    }
    let capturing = ward.capture();
    snmpd(&mut ward);
    avahi(&mut ward);
    nmbd(&mut ward);
    chronyd(&mut ward);
    let with = ["-v2c", "-c", WORD, "-On", AGENT.1];
    let system = [
        "1.3.6.1.2.1.1.1.0",
        "1.3.6.1.2.1.1.2.0",
        "1.3.6.1.2.1.1.5.0",
    ];
    ward.good("admin", &[&["snmpget"], &with[..], &system].concat());
    // The place may be written, the contact is fixed by the configuration.
    let place = ["1.3.6.1.2.1.1.6.0", "s", "Cellar"];
    ward.good("admin", &[&["snmpset"], &with[..], &place].concat());
    let contact = ["1.3.6.1.2.1.1.4.0", "s", "other"];
    let refused = ward.run("admin", 10, &[&["snmpset"], &with[..], &contact].concat());
    assert!(!refused.good, "{}", refused.text);
    let scanned = ward.good("admin", &["nbtscan", "-v", FILES.1]);
    assert!(scanned.contains("INVENTEDNAS"), "{scanned}");
    let server = format!("server {} iburst maxsamples 1", CLOCK.1);
    let pid = format!("pidfile {}", ward.dir().join("client.pid").display());
    let words = [
        "chronyd",
        "-Q",
        "-x",
        "-u",
        "root",
        "-t",
        "10",
        &server,
        &pid,
        "cmdport 0",
    ];
    ward.run("admin", 15, &words);
    let report = ward.report(&capturing);

    let mut bad = Bad::default();
    let macs = [AGENT, PRINTER, FILES, CLOCK, ADMIN].map(|(mac, _)| mac);
    devices(&report, &macs, &mut bad);
    for (ip, attribute, value) in [
        (AGENT.1, "snmp_sysdescr", "Invented Supply 3000 UPS unit"),
        (AGENT.1, "snmp_sysname", "supply-1"),
        (AGENT.1, "snmp_sysobjectid", "1.3.6.1.4.1.8072.3.2.10"),
        (PRINTER.1, "mdns_name", "invented-jet"),
        (PRINTER.1, "mdns_service", "_workstation._tcp"),
        (PRINTER.1, "os", "Linux"),
        (FILES.1, "netbios_name", "INVENTEDNAS"),
        (FILES.1, "workgroup", "INVWARD"),
        (CLOCK.1, "ntp_stratum", "8"),
    ] {
        let all = claims(at(&report, ip), attribute);
        bad.unless(all.iter().any(|known| known == value), || {
            format!("{ip}: {attribute} {all:?}, want {value}")
        });
    }
    for ((_, ip), protocol) in [(AGENT, "snmp"), (FILES, "nbns"), (CLOCK, "ntp")] {
        let services = &at(&report, ip).services;
        bad.unless(
            services.iter().any(|service| service.protocol == protocol),
            || format!("{ip}: services {services:?}"),
        );
    }
    let names: Vec<_> = [AGENT, PRINTER, FILES]
        .map(|(_, ip)| at(&report, ip).hostname.clone().unwrap_or_default())
        .to_vec();
    bad.unless(names == ["supply-1", "invented-jet", "INVENTEDNAS"], || {
        format!("host names {names:?}")
    });
    let login = report
        .findings
        .iter()
        .any(|finding| finding.rule == "cleartext-login");
    bad.unless(login, || "the community is no login".to_owned());
    let json = serde_json::to_string(&report).unwrap();
    bad.unless(!json.contains(WORD), || "the community is shown".to_owned());
    bad.none();
}
