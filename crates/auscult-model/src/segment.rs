//! Layer-2 domains: which wire, VLAN or overlay network a packet was on.

use std::fmt;
use std::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize};

/// One layer-2 domain. The same IP address in two segments is two devices.
///
/// Made of the VLAN tags, outer first, and the overlay's network id (VXLAN VNI, GENEVE VNI,
/// NVGRE VSID). Ids that differ by direction (MPLS labels, TEIDs) never count. The capture
/// interface counts only when the user says that interfaces are apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Segment {
    /// Overlay network id plus one; 0 when there is none.
    pub overlay: u32,
    /// Capture interface plus one; 0 when interfaces do not tell segments apart.
    pub interface: u16,
    /// VLAN id of the outer tag, 0 when untagged (a priority tag is untagged).
    pub outer_vlan: u16,
    /// VLAN id of the inner tag of a QinQ frame, 0 when there is none.
    pub inner_vlan: u16,
}

impl Segment {
    /// No tag, no overlay.
    pub const UNTAGGED: Segment = Segment {
        overlay: 0,
        interface: 0,
        outer_vlan: 0,
        inner_vlan: 0,
    };

    /// A segment with one VLAN tag.
    pub fn vlan(id: u16) -> Self {
        Segment {
            outer_vlan: id,
            ..Self::UNTAGGED
        }
    }

    /// From the words in which it is shown.
    pub fn from_words(text: &str) -> Option<Segment> {
        let mut words = text.split(' ');
        let mut segment = Segment::UNTAGGED;
        match words.next()? {
            "untagged" => {}
            "vlan" => {
                let mut ids = words.next()?.split('.');
                segment.outer_vlan = ids.next()?.parse().ok()?;
                segment.inner_vlan = ids.next().map_or(Ok(0), str::parse).ok()?;
            }
            _ => return None,
        }
        while let Some(word) = words.next() {
            let number = words.next()?;
            match word {
                "vni" => segment.overlay = number.parse::<u32>().ok()?.checked_add(1)?,
                "if" => segment.interface = number.parse::<u16>().ok()?.checked_add(1)?,
                _ => return None,
            }
        }
        Some(segment)
    }
}

/// Segments are part of most keys: one wide write instead of four.
impl Hash for Segment {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u128(
            u128::from(self.overlay) << 48
                | u128::from(self.interface) << 32
                | u128::from(self.outer_vlan) << 16
                | u128::from(self.inner_vlan),
        );
    }
}

/// `untagged`, `vlan 20`, `vlan 100.20`, with ` vni 5001` and ` if 2` where they count.
impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.outer_vlan, self.inner_vlan) {
            (0, 0) => f.write_str("untagged")?,
            (outer, 0) => write!(f, "vlan {outer}")?,
            (outer, inner) => write!(f, "vlan {outer}.{inner}")?,
        }
        if self.overlay != 0 {
            write!(f, " vni {}", self.overlay - 1)?;
        }
        if self.interface != 0 {
            write!(f, " if {}", self.interface - 1)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_which() {
        assert_eq!(Segment::UNTAGGED.to_string(), "untagged");
        assert_eq!(Segment::vlan(20).to_string(), "vlan 20");
        let qinq = Segment {
            outer_vlan: 100,
            inner_vlan: 20,
            overlay: 5002,
            interface: 0,
        };
        assert_eq!(qinq.to_string(), "vlan 100.20 vni 5001");
    }

    #[test]
    fn is_read_again() {
        for text in [
            "untagged",
            "vlan 20",
            "vlan 100.20 vni 5001",
            "untagged vni 0 if 2",
        ] {
            assert_eq!(Segment::from_words(text).unwrap().to_string(), text);
        }
        for bad in [
            "",
            "vlan",
            "vlan x",
            "lan 3",
            "vlan 70000",
            "vlan 1 vni",
            "vlan 1 of 2",
        ] {
            assert_eq!(Segment::from_words(bad), None, "{bad}");
        }
    }
}
