//! Which network stack asks for which parameters in which order (option 55).
//!
//! Source: fingerprints that the Satori project published, restated as facts. An equal list is
//! shared by many products, so it names a stack; an operating system only where the list, with
//! the vendor class, belongs to no other.
//! Limit: whole lists only; a list with one parameter more is another list.

/// What a parameter list says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stack {
    /// The stack.
    pub(super) name: &'static str,
    /// The operating system, where no other sends this list with this vendor class.
    pub(super) os: Option<&'static str>,
}

/// Parameter list, required beginning of the vendor class, stack, operating system.
type Line = (
    &'static [u8],
    &'static str,
    &'static str,
    Option<&'static str>,
);

const MICROSOFT: &str = "MSFT 5.0";
const WINDOWS_XP: Option<&str> = Some("Windows XP or Server 2003");
const WINDOWS_7: Option<&str> = Some("Windows Vista, 7 or Server 2008");
const WINDOWS_10: Option<&str> = Some("Windows 8 or later");
const APPLE: Option<&str> = Some("macOS or iOS");
const CE: &str = "Microsoft Windows CE";
const DHCLIENT_4: &str = "ISC dhclient 4";
const JETDIRECT: &str = "printer (HP JetDirect, Brother)";
const VXWORKS: &str = "VxWorks 5";

#[rustfmt::skip]
const LINES: &[Line] = &[
    (&[1, 3, 6, 12, 15, 28, 42], "", "busybox udhcpc", None),
    (&[1, 3, 6, 12, 15, 28, 40, 41, 42], "", "busybox udhcpc 0.9.9 to 1.12", None),
    (&[1, 3, 6, 12, 15, 17, 23, 28, 29, 31, 33, 40, 41, 42], "", "dhcpcd 1 to 3", None),
    (&[1, 3, 6, 12, 15, 17, 23, 28, 29, 31, 33, 40, 41, 42, 119], "", "dhcpcd 1 to 3", None),
    (&[1, 121, 33, 3, 6, 12, 15, 26, 28, 42, 51, 54, 58, 59, 119], "", "dhcpcd 5", None),
    (&[1, 33, 3, 6, 15, 28, 51, 58, 59], "", "dhcpcd 5 (embedded, Android)", None),
    (&[1, 33, 3, 6, 15, 26, 28, 51, 58, 59], "", "dhcpcd 5 (embedded, Android)", None),
    (&[1, 28, 2, 3, 15, 6, 12], "", "ISC dhclient 3", None),
    (&[1, 28, 2, 3, 15, 6, 119, 12, 44, 47, 26, 121, 42], "", DHCLIENT_4, None),
    (&[1, 28, 2, 3, 15, 6, 119, 12, 44, 47, 26, 121, 42, 121, 249, 33, 252, 42], "", DHCLIENT_4,
        None),
    (&[1, 2, 6, 12, 15, 26, 28, 121, 3, 33, 40, 41, 42, 119, 249, 252, 17], "",
        "NetworkManager", Some("Linux")),
    (&[1, 3, 6, 15, 26, 28, 51, 58, 59, 43], "android-dhcp", "Android", Some("Android")),
    (&[1, 3, 6, 15, 26, 28, 51, 58, 59, 43, 114], "android-dhcp", "Android", Some("Android")),
    (&[1, 3, 6, 15, 26, 28, 51, 58, 59, 43, 114, 108], "android-dhcp", "Android",
        Some("Android")),
    (&[1, 121, 3, 6, 15, 119, 252], "", "Apple", APPLE),
    (&[1, 121, 3, 6, 15, 119, 252, 95, 44, 46], "", "Apple", APPLE),
    (&[1, 15, 3, 6, 44, 46, 47, 31, 33, 43], MICROSOFT, "Windows", Some("Windows 2000")),
    (&[1, 15, 3, 6, 44, 46, 47, 31, 33, 249, 43], MICROSOFT, "Windows", WINDOWS_XP),
    (&[1, 15, 3, 6, 44, 46, 47, 31, 33, 249, 43, 252], MICROSOFT, "Windows", WINDOWS_XP),
    (&[1, 15, 3, 6, 44, 46, 47, 31, 33, 249, 43, 252, 12], MICROSOFT, "Windows", WINDOWS_XP),
    (&[1, 15, 3, 6, 44, 46, 47, 31, 33, 121, 249, 43], MICROSOFT, "Windows", WINDOWS_7),
    (&[1, 15, 3, 6, 44, 46, 47, 31, 33, 121, 249, 43, 252], MICROSOFT, "Windows", WINDOWS_7),
    (&[1, 3, 6, 15, 31, 33, 43, 44, 46, 47, 121, 249, 252], MICROSOFT, "Windows", WINDOWS_10),
    (&[1, 3, 6, 15, 31, 33, 43, 44, 46, 47, 119, 121, 249, 252], MICROSOFT, "Windows",
        WINDOWS_10),
    (&[1, 3, 6, 15, 44, 46, 47], CE, "Windows CE", Some("Windows CE")),
    (&[1, 28, 3, 6, 15, 33, 42, 2, 43], "", VXWORKS, None),
    (&[1, 28, 3, 6, 15, 33, 42, 2, 43, 120], "", VXWORKS, None),
    (&[1, 3, 28, 6, 15, 44, 46, 47, 31, 33, 121, 43], "", "lwIP (ESP8266)", None),
    (&[1, 3, 28, 6], "", "lwIP", None),
    (&[1, 3, 28, 6, 42], "", "lwIP", None),
    (&[6, 3, 1, 15, 66, 67, 13, 44], "", JETDIRECT, None),
    (&[6, 3, 1, 15, 66, 67, 13, 44, 12], "", JETDIRECT, None),
    (&[6, 3, 1, 15, 12, 44, 81, 69, 43, 18, 66, 67, 150, 7], "", JETDIRECT, None),
    (&[1, 3, 42, 4, 6, 7, 12, 15, 26, 44, 51, 54, 58, 59, 190], "", "printer (Lexmark)", None),
    (&[1, 3, 12, 23, 6, 15, 44, 47], "", "printer (Kyocera)", None),
    (&[1, 2, 3, 6, 12, 15, 26, 28, 88, 44, 45, 46, 47, 70, 69, 78, 79], "",
        "printer (Xerox, Dell)", None),
    (&[6, 3, 1, 15, 66, 67, 13, 43, 58, 59, 42, 2, 12], "", "APC network management card", None),
    (&[1, 66, 6, 3, 15, 150, 35], "", "Cisco IP phone", None),
];

/// The stack that sends this list with this vendor class.
pub(super) fn of(parameters: &[u8], vendor_class: &str) -> Option<Stack> {
    LINES
        .iter()
        .find(|(list, class, ..)| *list == parameters && vendor_class.starts_with(class))
        .map(|&(_, _, name, os)| Stack { name, os })
}
