//! Scenes of other makers' monitors that share ancestry or addresses with the CMS8000.

use std::net::Ipv4Addr;

use super::Parameters;
use crate::frame::Scene;
use crate::net::{MS, Path, SECOND, Way};
use crate::prng::Prng;
use crate::speak::vista;
use crate::speak::waves::Waves;
use crate::stage::Stage;
use crate::talk::{Ends, Talk};

/// The clear sibling: a central broadcasts on UDP 9610, the monitor connects to TCP 9500 and
/// streams. `port` counts when it was changed from that of the CMS8000.
pub fn sibling_vista_9500(p: &Parameters) -> Scene {
    let mut stage = Stage::new(p.seed, "a Vista 120 streams to its central; not a CMS8000");
    let port = if p.port == crate::ward::STREAM_PORT {
        9500
    } else {
        p.port
    };
    let (host, central) = (p.monitor_host(&mut stage), p.station_host(&mut stage));
    let everybody = Ipv4Addr::from(u32::from(central.ip) | 0xff);
    for n in 0..p.seconds {
        let at = stage.at(100 + n * 1_000);
        let beacon = vista::beacon(at, "HOSPITAL", port, central.ip);
        stage
            .rec
            .broadcast(at, &central, everybody, (9610, 9610), &beacon);
    }
    stage
        .rec
        .resolve(stage.at(1_200), &host, central.ip, Some(central.mac));
    let ends = Ends::new(&mut stage.prng, host.stack, central.stack, port);
    let path = Path::on_link(&host, &central);
    let unit = *stage.prng.pick(&[0x01, 0x35]);
    let mut waves = Waves::new(Prng::new(p.seed).fork("waves"));
    let at = stage.at(1_300);
    let (rec, prng) = (&mut stage.rec, &mut stage.prng);
    let mut talk = Talk::open(rec, prng, &path, ends, at);
    talk.send(rec, Way::Back, &vista::GREETING, talk.now.plus(MS));
    for n in 0..p.seconds {
        let cycle = vista::cycle(unit, &waves.cycle(1.0, 76, 14), 76, 14, 97);
        talk.send(rec, Way::Out, &cycle, at.plus(n * SECOND + 20 * MS));
    }
    stage.truth.device("monitor", &host, "patient-monitor");
    stage.truth.device("central", &central, "central-station");
    stage.truth.flow(host.ip, central.ip, port, "vista-cms");
    not_this_family(&mut stage, p);
    stage.finish()
}

/// The obfuscated sibling: an encrypted stream to the same factory address on TCP 9600.
pub fn sibling_9600(p: &Parameters) -> Scene {
    let mut stage = Stage::new(p.seed, "a Vista 120 S streams encrypted; not a CMS8000");
    let port = if p.port == crate::ward::STREAM_PORT {
        9600
    } else {
        p.port
    };
    let (host, central) = (p.monitor_host(&mut stage), p.station_host(&mut stage));
    stage
        .rec
        .resolve(stage.at(300), &host, central.ip, Some(central.mac));
    let ends = Ends::new(&mut stage.prng, host.stack, central.stack, port);
    let path = Path::on_link(&host, &central);
    let at = stage.at(400);
    let (rec, prng) = (&mut stage.rec, &mut stage.prng);
    let mut talk = Talk::open(rec, prng, &path, ends, at);
    let [hello, answer, key, reply] = vista::masked_opening(prng);
    for (way, frame) in [
        (Way::Out, hello),
        (Way::Back, answer),
        (Way::Back, key),
        (Way::Out, reply),
    ] {
        talk.send(rec, way, &frame, talk.now.plus(3 * MS));
    }
    for n in 0..p.seconds {
        let plain = *prng.pick(&[9, 16, 32, 700]);
        let frame = vista::masked_data(prng, n as u32 + 3, plain);
        talk.send(rec, Way::Out, &frame, at.plus((n + 1) * SECOND));
    }
    stage
        .truth
        .device("monitor", &host, "patient-monitor|unknown|other");
    stage
        .truth
        .device("central", &central, "central-station|unknown|other|server");
    not_this_family(&mut stage, p);
    stage.truth.must_not(&["phi-cleartext-inside"]);
    stage.finish()
}

fn not_this_family(stage: &mut Stage, p: &Parameters) {
    let truth = &mut stage.truth;
    truth.no_signature = vec![p.monitor.to_string(), p.station.to_string()];
    truth.must_not(&[
        "phi-cleartext-outside",
        "remote-code-share",
        "dead-public-address",
    ]);
    truth.must_not(&["advisory-device-present", "cleartext-login"]);
    if p.station == crate::ward::STATION {
        truth.must(
            "public-address-squatted",
            format!("{}|{}", p.monitor, p.station),
            "info",
        );
    } else {
        truth.must_not(&["public-address-squatted"]);
    }
}
