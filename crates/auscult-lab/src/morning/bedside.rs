//! Monitors with their two stations, and a pump with its gateway.

use super::{Common, Morning, Place};
use crate::monitor::Monitor;
use crate::net::{Host, MS, SECOND, Way};
use crate::prng::Prng;
use crate::speak::waves::Waves;
use crate::speak::{hl7, tls, vista};
use crate::stage::{Message, hl7_time};
use crate::talk::{Ends, Talk};
use crate::truth::CMS8000;
use crate::wire::tcp::{Layout, Stack};

impl Morning {
    pub(super) fn bedside(&mut self, common: &Common) {
        self.contec_monitors();
        self.vista_monitors();
        self.pump(common);
    }

    fn monitor_host(&mut self, last: u8) -> Host {
        let mut stack = Stack::EMBEDDED_LINUX;
        if self.stage.prng.chance(30) {
            stack.layout = Layout::MssOnly;
        }
        stack.ttl = *self.stage.prng.pick(&[64, 64, 128]);
        self.board(Place::Bedside, last, stack)
    }

    /// Four monitors of the CMS8000 family; each is switched on for two examinations.
    fn contec_monitors(&mut self) {
        let station = self.computer(Place::Bedside, 10, Stack::WINDOWS);
        self.device("station", &station, "central-station", &[]);
        let port = *self.stage.prng.pick(&[515, 515, 516, 518]);
        for n in 0..4_u8 {
            let host = self.monitor_host(31 + n);
            let person = self.persons[usize::from(n)].clone();
            let bed = n * 5 + 1 + self.stage.prng.below(5) as u8;
            let mut monitor = Monitor::any(&mut self.stage.prng, bed, "ICU", Some(person.clone()));
            monitor.habits.cycle = monitor.habits.cycle.max(SECOND);
            for _ in 0..2 {
                let at = self.some_time();
                let path = self.path(at, &host, &station);
                let until = at.plus(self.stage.prng.between(6, 11) * SECOND);
                let stacks = (host.stack, station.stack);
                self.stage
                    .stream(&monitor, &path, stacks, port, (at, until));
            }
            let truth = &mut self.stage.truth;
            let device = truth.device("bedside monitor", &host, "patient-monitor");
            device.family = Some(CMS8000.to_owned());
            device.label = (n == 2).then(|| "EPSIMED MN-120".to_owned());
            device.bed = Some(bed);
            device.patient = Some(person.number);
            truth
                .signature
                .insert(host.ip.to_string(), CMS8000.to_owned());
            truth.must("advisory-device-present", host.ip, "high");
            truth.must("phi-cleartext-inside", host.ip, "low");
        }
    }

    /// Two monitors of another maker; their station announces itself to all.
    fn vista_monitors(&mut self) {
        let central = self.computer(Place::Bedside, 11, Stack::WINDOWS);
        self.device("other station", &central, "central-station", &[]);
        let port = *self.stage.prng.pick(&[9500, 9500, 5510]);
        let everybody = self.address(Place::Bedside, 255);
        let name = self.name("HOSPITAL");
        for n in 0..12 {
            let at = self.stage.at(20_000 + n * 1_790_000);
            let beacon = vista::beacon(at, &name, port, central.ip);
            self.stage
                .rec
                .broadcast(at, &central, everybody, (9610, 9610), &beacon);
        }
        // The two numbers of stations that are known from real streams.
        for (n, station) in [(0_u8, 0x01), (1, 0x35)] {
            let host = self.monitor_host(41 + n);
            let mut waves = Waves::new(Prng::new(self.stage.prng.next_u64()));
            for _ in 0..2 {
                let at = self.some_time();
                let path = self.path(at, &host, &central);
                let ends = Ends::new(&mut self.stage.prng, host.stack, central.stack, port);
                let (rec, prng) = (&mut self.stage.rec, &mut self.stage.prng);
                let mut talk = Talk::open(rec, prng, &path, ends, at);
                talk.send(rec, Way::Back, &vista::GREETING, talk.now.plus(MS));
                for second in 0..prng.between(6, 10) {
                    let cycle = vista::cycle(station, &waves.cycle(1.0, 76, 14), 76, 14, 97);
                    talk.send(rec, Way::Out, &cycle, at.plus(second * SECOND + 20 * MS));
                }
                talk.close(rec, Way::Out, talk.now.plus(SECOND));
                self.stage
                    .truth
                    .flow(host.ip, central.ip, port, "vista-cms");
            }
            self.device("other maker's monitor", &host, "patient-monitor", &[]);
            let truth = &mut self.stage.truth;
            truth.no_signature.push(host.ip.to_string());
            truth.must("phi-cleartext-inside", host.ip, "low");
        }
    }

    /// A pump talks to its gateway by a protocol that nobody published; the gateway reports to
    /// the interface engine, and there says that it speaks of pumps.
    fn pump(&mut self, common: &Common) {
        let vendor =
            *self
                .stage
                .prng
                .pick(&[[0x00, 0x12, 0x21], [0x00, 0x03, 0xb1], [0x00, 0x17, 0x23]]);
        let pump = self.host(Place::Bedside, 51, vendor, Stack::SMALL);
        let gateway = self.computer(Place::Bedside, 12, Stack::WINDOWS);
        self.device("pump", &pump, "infusion-pump|unknown", &[]);
        let port = self.stage.prng.between(20_000, 40_000) as u16;
        for n in 0..5 {
            let at = self.stage.at(600_000 + n * 3_500_000);
            let path = self.path(at, &pump, &gateway);
            let (ask, answer) = (
                tls::opaque(&mut self.stage.prng, 90)[5..].to_vec(),
                tls::opaque(&mut self.stage.prng, 40)[5..].to_vec(),
            );
            let turns = [(Way::Out, ask), (Way::Back, answer)];
            let stacks = (pump.stack, gateway.stack);
            self.stage
                .converse(at, &path, stacks, (port, "unknown"), &turns);
        }
        let application = self.name("PUMPGW");
        let route = hl7::Route {
            sender: application.clone(),
            facility: "KLINIK".to_owned(),
            receiver: "ENGINE".to_owned(),
            receiver_facility: "KLINIK".to_owned(),
        };
        let at = self.some_time();
        let path = self.path(at, &gateway, &common.engine);
        let [a, b, c, d, e, f] = pump.mac.0;
        let told = hl7::Pump {
            identity: format!("{a:02X}{b:02X}{c:02X}FFFE{d:02X}{e:02X}{f:02X}"),
            rate: self.stage.prng.between(2, 90) as u16,
        };
        let messages: Vec<Message> = (0..3)
            .map(|n| {
                let person = &self.persons[1];
                let control = format!("P{n:05}");
                let text = hl7::infusion(&route, &hl7_time(at), &control, person, &told);
                Message {
                    wait: 900 + n * 60_000,
                    text,
                    event: "R01",
                    control,
                }
            })
            .collect();
        let stacks = (gateway.stack, common.engine.stack);
        let port = common.engine_port;
        self.stage.hl7(at, &path, stacks, port, &route, &messages);
        let roles = "gateway|infusion-pump|server|unknown";
        let identity = [("hl7_application", application.as_str())];
        self.device("pump gateway", &gateway, roles, &identity);
        self.stage
            .truth
            .must("phi-cleartext-inside", gateway.ip, "low");
    }
}
