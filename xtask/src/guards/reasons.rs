//! Why no test can miss a guard: by rule and text, as `cargo xtask guards` prints them.

use super::Judged;
use super::find::Guard;

/// Rule, text of the guard, reason.
const REASONS: &[(&str, &str, &str)] = &[
    (
        "advisory_device_present",
        "!stations.devices.iter().any(|known| known.id == station.id)",
        "a device that is added twice is one",
    ),
    (
        "advisory_device_present",
        "shown.insert(&device.id)",
        "one packet of each device is shown",
    ),
    (
        "advisory_device_present",
        "stations.packets.is_empty()",
        "shown as evidence where nothing better is",
    ),
    (
        "cleartext_login",
        "servers.len() == 1",
        "words and id: of several servers no one is named",
    ),
    (
        "dead_public_address",
        "!key.asker_ip.is_unspecified()",
        "saves work: no address at all is not local",
    ),
    (
        "dead_public_address",
        "key.answered_by.is_none()",
        "saves work: `is_dead` asks it again of all that was seen",
    ),
    (
        "dead_public_address",
        "key.asker_ip != key.target",
        "saves work: `is_dead` asks it again of all that was seen",
    ),
    (
        "dead_public_address",
        "key.outcome != Outcome::Answered",
        "saves work: `is_dead` asks it again of all that was seen",
    ),
    (
        "dead_public_address",
        "key.port != 0",
        "ports that are shown",
    ),
    (
        "dead_public_address",
        "key.responder == peer",
        "ports that are shown",
    ),
    (
        "dead_public_address",
        "public",
        "saves work: `is_dead` asks it again of all that was seen",
    ),
    (
        "dead_public_address",
        "view.is_lossy()",
        "the other way round: it makes the finding less sure",
    ),
    (
        "exfiltration",
        "talk.sum.payload[0] > 0",
        "the other way round: without it more counts as received, and less is told",
    ),
    (
        "hardcoded_destination",
        "first < last && talk.sum.first < last && last < talk.sum.last",
        "the other way round: it makes the ground firmer",
    ),
    (
        "hardcoded_destination",
        "late == Some(true)",
        "the other way round: it makes the ground firmer",
    ),
    (
        "hardcoded_destination",
        "view.is_lossy()",
        "the other way round: it makes the finding less sure",
    ),
    (
        "impostor",
        "disputed .contains(&(key.segment, ip))",
        "saves work: an address without a dispute has one card",
    ),
    (
        "impostor",
        "disputed.contains(&(key.segment, ip))",
        "saves work: an address without a dispute has one card",
    ),
    (
        "impostor",
        "disputed.is_empty()",
        "saves work: without a dispute there are no two cards",
    ),
    (
        "impostor",
        "is_own",
        "saves work: no address of nobody or of a group is local",
    ),
    (
        "impostor",
        "self.at.len() < SIGNS || self.at.last().is_some_and(|last| time < last.0)",
        "a bound: the latest signs are dropped in the next lines",
    ),
    (
        "indicator",
        "view.inventory.options().indicators.is_empty()",
        "saves work: an empty list fits nothing",
    ),
    (
        "name_tunnel",
        "key.originator == device",
        "volume that is shown",
    ),
    (
        "name_tunnel",
        r#"key.protocol == "dns""#,
        "volume that is shown",
    ),
    ("new_peer", "outside", "what is shown of a peer"),
    (
        "phi_cleartext_outside",
        "severity >= Severity::High",
        "words for the director",
    ),
    (
        "public_address_squatted",
        "is_owned",
        "words about the owner",
    ),
    (
        "public_address_squatted",
        "is_private(*ip)",
        "addresses that are shown",
    ),
    (
        "public_address_squatted",
        "sender != Some(*index)",
        "packets that are shown",
    ),
    (
        "remote_code_share",
        "!group.mounts.is_empty()",
        "words about mounts",
    ),
    (
        "remote_code_share",
        "*transport == Transport::Tcp",
        "the filter that is shown",
    ),
    (
        "remote_code_share",
        "group.files.is_empty()",
        "packets that are shown",
    ),
    (
        "remote_code_share",
        "group.mounts.is_empty()",
        "words about mounts",
    ),
    (
        "rogue_service",
        "key.object == NAME",
        "saves work: what servers say holds no names",
    ),
    (
        "scan",
        "!counts.contains_key(&(key.segment, key.originator))",
        "saves work: who tried few doors is let go later",
    ),
    (
        "scan",
        "!restarted.is_empty()",
        "words about those that began anew",
    ),
    (
        "scan",
        "*conversations >= DOORS",
        "saves work: who tried few doors is let go later",
    ),
    (
        "scan",
        "counts.is_empty()",
        "saves work: what it skips would come to nothing later",
    ),
    (
        "scan",
        "is_door(key)",
        "saves work: who tried few doors is let go later",
    ),
    ("scan", "one.cut.is_some()", "a number that is shown"),
    (
        "scan",
        "one.talks.len() < SHOWN",
        "a bound on what is shown",
    ),
    (
        "scan",
        "tried.is_empty()",
        "saves work: what it skips would come to nothing later",
    ),
    (
        "shared_key",
        "view.device(party).is_some()",
        "no case is known: whoever says something here is a device",
    ),
    (
        "silence",
        "devices.contains_key(d.id.as_str())",
        "saves work: only those devices are looked up later",
    ),
    (
        "silence",
        "devices.is_empty()",
        "saves work: what it skips would come to nothing later",
    ),
    (
        "spread",
        "!searches",
        "the other way round: it makes the finding less grave",
    ),
    (
        "unexpected_datagram",
        "view.is_local(from)",
        "devices that are shown",
    ),
    (
        "unverified_code",
        "!name.is_empty()",
        "names that are shown",
    ),
];

/// The reason of a guard.
pub(super) fn of(guard: &Guard) -> Option<&'static str> {
    let mut all = REASONS.iter();
    let found = all.find(|(rule, text, _)| *rule == guard.rule && *text == guard.text);
    found.map(|(_, _, reason)| *reason)
}

/// Reasons for guards that are gone or that a test misses by now; of these rules, or of all.
pub(super) fn without_survivor(judged: &[Judged], rules: &[&str]) -> Vec<String> {
    let needed = |rule: &str, text: &str| {
        let mut survivors = judged.iter().filter(|one| one.killer.is_none());
        survivors.any(|one| one.guard.rule == rule && one.guard.text == text)
    };
    REASONS
        .iter()
        .filter(|(rule, text, _)| (rules.is_empty() || rules.contains(rule)) && !needed(rule, text))
        .map(|(rule, text, _)| format!("reasons.rs: not needed any more: {rule}: {text}"))
        .collect()
}
