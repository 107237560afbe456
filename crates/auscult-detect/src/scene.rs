//! Hand-made facts for the cases of detectors: a few hosts, what they said, what came of it.
//!
//! Patients in it are invented.

use std::net::IpAddr;

use auscult_inventory::{Inventory, Ledger, SiteOptions};
use auscult_model::report::{Capture, CapturePoint, Coverage, Finding, Health};
use auscult_model::{
    About, Artifact, ConversationKey, ConversationSum, Direction, Endpoint, Event, FileClass,
    FileIndex, Leg, MacAddr, Meaning, NeighbourKey, NeighbourSum, Outcome, PacketRef, PhiKind,
    Segment, Timestamp, Transport,
};

use crate::{Context, Facts, View, capture_points, conclude, coverage, observe};

/// The card of the router.
pub(crate) const ROUTER: MacAddr = MacAddr([0x00, 0x1b, 0x17, 0, 0, 1]);
/// A round trip over an ocean.
const FAR: i64 = 241 * Timestamp::MILLISECOND;

/// A host on a segment, or beyond the router.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Host {
    pub(crate) ip: IpAddr,
    pub(crate) mac: MacAddr,
    pub(crate) segment: Segment,
    /// Behind the router, so that its frames bear the router's card.
    pub(crate) far: bool,
}

/// A host on the untagged segment.
pub(crate) fn host(ip: [u8; 4]) -> Host {
    Host {
        ip: IpAddr::from(ip),
        mac: MacAddr([0x00, 0x0c, 0xc6, ip[1], ip[2], ip[3]]),
        segment: Segment::UNTAGGED,
        far: false,
    }
}

/// A host beyond the router.
pub(crate) fn far(ip: [u8; 4]) -> Host {
    Host {
        mac: ROUTER,
        far: true,
        ..host(ip)
    }
}

/// A monitor at a bed.
pub(crate) fn monitor() -> Host {
    host([10, 20, 3, 14])
}

/// The station that it streams to.
pub(crate) fn station() -> Host {
    host([10, 20, 3, 5])
}

/// A host of which nothing is known.
pub(crate) fn pc() -> Host {
    host([10, 20, 9, 77])
}

/// Somebody outside, of a range that nobody owns.
pub(crate) fn outside() -> Host {
    far([198, 18, 7, 9])
}

/// A bedside monitor, known by its stream to the station.
pub(crate) fn ward() -> Scene {
    Scene::new()
        .talk(monitor(), station(), 515, "contec-cms", Talk::ANSWERED)
        .patient(monitor(), station(), "contec-cms")
}

/// Everybody on the untagged segment.
pub(crate) fn everybody() -> Host {
    Host {
        ip: IpAddr::from([255, 255, 255, 255]),
        mac: MacAddr::BROADCAST,
        ..host([0, 0, 0, 0])
    }
}

/// How a conversation went.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Talk {
    pub(crate) outcome: Outcome,
    pub(crate) payload: [u64; 2],
    pub(crate) acknowledged: bool,
    pub(crate) one_sided: bool,
    pub(crate) attempts: u64,
    /// The attempts came at the pace of retransmission.
    pub(crate) paced: bool,
    pub(crate) transport: Transport,
    pub(crate) seconds: i64,
    pub(crate) flows: u64,
    pub(crate) round_trip: i64,
    pub(crate) ttl: u8,
    pub(crate) leg: Option<Leg>,
    /// The smallest segment size that a side named.
    pub(crate) mss: u16,
    /// Packets of each side that sent any.
    pub(crate) packets: u64,
    /// Messages of ICMP that refused it.
    pub(crate) icmp_errors: u64,
}

impl Talk {
    /// Answered from afar, with payload.
    pub(crate) const ANSWERED: Talk = Talk {
        outcome: Outcome::Answered,
        payload: [5000, 100],
        acknowledged: true,
        one_sided: false,
        attempts: 1,
        paced: true,
        transport: Transport::Tcp,
        seconds: 60,
        flows: 1,
        round_trip: FAR,
        ttl: 49,
        leg: None,
        mss: 1460,
        packets: 20,
        icmp_errors: 0,
    };
    /// Openings that nobody answers, repeated for two minutes.
    pub(crate) const UNANSWERED: Talk = Talk {
        outcome: Outcome::Unanswered,
        payload: [0, 0],
        acknowledged: false,
        attempts: 6,
        seconds: 120,
        ..Talk::ANSWERED
    };
    /// Payload went that way; the other direction was not captured.
    pub(crate) const ONE_WAY: Talk = Talk {
        outcome: Outcome::Unanswered,
        payload: [5000, 0],
        acknowledged: false,
        one_sided: true,
        ..Talk::ANSWERED
    };

    /// The same with copies seen beyond a router, on another segment.
    pub(crate) fn left(self) -> Talk {
        let leg = Leg {
            segment: Segment::vlan(99),
            src_mac: Some(ROUTER),
            dst_mac: Some(MacAddr([0x00, 0x1b, 0x17, 0, 0, 9])),
            ttl_step: -1,
            direction: Direction::FromOriginator,
        };
        Talk {
            leg: Some(leg),
            ..self
        }
    }
}

/// Everything that was seen.
pub(crate) struct Scene {
    pub(crate) ledger: Ledger,
    pub(crate) facts: Facts,
    pub(crate) site: SiteOptions,
    pub(crate) health: Health,
    /// Everything that was said, in order.
    pub(crate) events: Vec<Event>,
    packets: u64,
}

impl Scene {
    pub(crate) fn new() -> Self {
        Scene {
            ledger: Ledger::default(),
            facts: Facts::default(),
            site: SiteOptions::default(),
            health: Health {
                packets: 1000,
                ..Health::default()
            },
            events: Vec::new(),
            packets: 0,
        }
    }

    fn next(&mut self) -> (PacketRef, Timestamp) {
        self.packets += 1;
        let packet = PacketRef {
            file: FileIndex(0),
            number: self.packets,
        };
        let seconds = 1_763_900_000 + i64::try_from(self.packets).unwrap();
        (packet, Timestamp::from_parts(seconds, 0))
    }

    /// So many seconds pass.
    pub(crate) fn later(mut self, seconds: u64) -> Self {
        self.packets += seconds;
        self
    }

    /// `a` began a conversation with `b`.
    pub(crate) fn talk(
        mut self,
        a: Host,
        b: Host,
        port: u16,
        protocol: &'static str,
        talk: Talk,
    ) -> Self {
        let (packet, first) = self.next();
        let key = ConversationKey {
            segment: a.segment,
            originator: a.ip,
            originator_mac: Some(a.mac),
            responder: b.ip,
            responder_mac: Some(b.mac),
            transport: talk.transport,
            port,
            protocol,
            outcome: talk.outcome,
            hour: 0,
        };
        let answered = talk.outcome == Outcome::Answered;
        let mut sum = ConversationSum::new(first, packet);
        sum.flows = talk.flows;
        let sent = if talk.outcome == Outcome::Unanswered && !talk.one_sided {
            talk.attempts
        } else {
            talk.packets
        };
        sum.packets = [sent, if answered { talk.packets } else { 0 }];
        sum.bytes = [6000, 1500];
        sum.payload = talk.payload;
        sum.acknowledged = if talk.acknowledged {
            talk.payload
        } else {
            [0; 2]
        };
        let near = |host: Host| if host.far { talk.ttl } else { 64 };
        let (ours, theirs) = (near(a), near(b));
        sum.ttl_min = [ours, if answered { theirs } else { 255 }];
        sum.ttl_max = [ours, if answered { theirs } else { 0 }];
        if answered {
            let quick = Timestamp::MILLISECOND / 2;
            sum.round_trip = if b.far { talk.round_trip } else { quick };
        }
        sum.attempts = talk.attempts;
        sum.paced_repeats = if talk.paced {
            talk.attempts.saturating_sub(1)
        } else {
            0
        };
        sum.one_sided = u64::from(talk.one_sided);
        sum.mss_min = talk.mss;
        sum.icmp_errors = talk.icmp_errors;
        sum.last = first.plus(talk.seconds * Timestamp::SECOND);
        if let Some(leg) = talk.leg {
            sum.add_leg(leg);
        }
        self.ledger.conversation(&key, &sum);
        self
    }

    /// `a` asked for `target` on the link, `times`, over `seconds`; `b` answered.
    pub(crate) fn asked(
        mut self,
        a: Host,
        target: IpAddr,
        (times, seconds): (u64, i64),
        b: Option<Host>,
    ) -> Self {
        let (packet, first) = self.next();
        let mut key = NeighbourKey {
            segment: a.segment,
            asker_mac: a.mac,
            asker_ip: a.ip,
            target,
            answered_by: None,
        };
        let mut sum = NeighbourSum::of(first, packet);
        for again in 1..i64::try_from(times).unwrap_or(1) {
            let after = seconds * Timestamp::SECOND / (times as i64 - 1) * again;
            sum.add(first.plus(after), packet);
        }
        self.ledger.neighbour(&key, &sum);
        if let Some(b) = b {
            key.answered_by = Some(b.mac);
            self.ledger.neighbour(&key, &sum);
        }
        self
    }

    /// `a` said something to `b`.
    pub(crate) fn say(self, a: Host, b: Host, protocol: &'static str, meaning: Meaning) -> Self {
        self.say_so(a, b, (protocol, 1.0), meaning)
    }

    pub(crate) fn say_so(
        self,
        a: Host,
        b: Host,
        (protocol, confidence): (&'static str, f32),
        meaning: Meaning,
    ) -> Self {
        self.say_with(a, b, (protocol, confidence), meaning, &[])
    }

    /// The same with attributes.
    pub(crate) fn say_with(
        mut self,
        a: Host,
        b: Host,
        (protocol, confidence): (&'static str, f32),
        meaning: Meaning,
        attributes: &[(&'static str, &'static str)],
    ) -> Self {
        let (packet, first) = self.next();
        let end = |host: Host| Endpoint {
            segment: a.segment,
            mac: Some(host.mac),
            ip: host.ip,
            port: 4000,
        };
        let event = Event {
            protocol,
            from: end(a),
            to: end(b),
            first_packet: packet,
            last_packet: packet,
            first,
            last: first,
            count: 1,
            confidence,
            meaning,
            attributes: attributes
                .iter()
                .map(|&(name, value)| (name, value.into()))
                .collect(),
        };
        self.ledger.event(&event);
        observe(&event, &mut self.facts);
        self.events.push(event);
        self
    }

    /// A patient's name and vital signs.
    pub(crate) fn patient(self, a: Host, b: Host, protocol: &'static str) -> Self {
        self.patient_with(a, b, protocol, vec![PhiKind::Name, PhiKind::VitalSigns])
    }

    pub(crate) fn patient_with(
        self,
        a: Host,
        b: Host,
        protocol: &'static str,
        kinds: Vec<PhiKind>,
    ) -> Self {
        self.say(a, b, protocol, patient_data(kinds))
    }

    /// `reader` read a file from `server`.
    pub(crate) fn file(
        self,
        server: Host,
        reader: Host,
        protocol: &'static str,
        class: FileClass,
    ) -> Self {
        let file = self.artifact(server, reader, protocol, class);
        self.say(server, reader, protocol, Meaning::File(Box::new(file)))
    }

    /// The same by SMB: a program with a signature or none, by signed messages or not.
    pub(crate) fn signed_file(
        self,
        server: Host,
        reader: Host,
        (signature, smb_signed): (Option<&'static str>, bool),
    ) -> Self {
        let file = Artifact {
            signature,
            ..self.artifact(server, reader, "smb", FileClass::Executable)
        };
        let signed = if smb_signed { "yes" } else { "no" };
        let meaning = Meaning::File(Box::new(file));
        let attributes = [("smb_signed", signed)];
        self.say_with(server, reader, ("smb", 1.0), meaning, &attributes)
    }

    fn artifact(
        &self,
        server: Host,
        reader: Host,
        protocol: &'static str,
        class: FileClass,
    ) -> Artifact {
        let end = |host: Host| Endpoint {
            segment: reader.segment,
            mac: Some(host.mac),
            ip: host.ip,
            port: 2049,
        };
        let packet = PacketRef {
            file: FileIndex(0),
            number: self.packets + 1,
        };
        Artifact {
            name: "monitor".to_owned(),
            size: 30_000,
            sha256: Some([7; 32]),
            kind: "ELF",
            class,
            signature: None,
            protocol,
            from: end(server),
            to: end(reader),
            complete: true,
            first_packet: packet,
            last_packet: packet,
            first: Timestamp::from_parts(1_763_900_000, 0),
            last: Timestamp::from_parts(1_763_900_000, 0),
        }
    }

    /// `client` asked `server` for an export.
    pub(crate) fn mount(
        self,
        client: Host,
        server: Host,
        path: &str,
        granted: Option<bool>,
    ) -> Self {
        let meaning = Meaning::Request {
            operation: "mount",
            object: path.to_owned(),
            granted,
        };
        self.say(client, server, "mount", meaning)
    }

    /// These addresses are those of guests.
    pub(crate) fn guests(mut self, network: &str) -> Self {
        self.site.guest_networks.push(network.parse().unwrap());
        self
    }

    /// These addresses are those of a test bench.
    pub(crate) fn bench(mut self, network: &str) -> Self {
        self.site.bench_networks.push(network.parse().unwrap());
        self
    }

    /// The capture lost more than one packet in a hundred.
    pub(crate) fn lossy(mut self) -> Self {
        self.health.loss_ppm = 20_000;
        self
    }

    /// Something else that leaves by the router and is answered, so that answers are known to
    /// be seen.
    pub(crate) fn way_out(self, a: Host) -> Self {
        self.talk(a, far([198, 51, 100, 80]), 443, "tls", Talk::ANSWERED)
    }

    pub(crate) fn look<T>(&self, look: impl FnOnce(&Context<'_>) -> T) -> T {
        let inventory = Inventory::resolve(&self.ledger, &self.site);
        let captures = [Capture {
            file: "scene.pcap".to_owned(),
            fingerprint: String::new(),
            sha256: None,
            packets: 1000,
            bytes: 100_000,
            first: Some(Timestamp::from_parts(1_763_900_000, 0)),
            last: Some(Timestamp::from_parts(1_763_903_600, 0)),
            link_types: Vec::new(),
            complete: true,
            stopped_at: None,
            point: CapturePoint::Unknown,
            clock_offset: None,
            comments: Vec::new(),
            names: Vec::new(),
            outside: None,
            overlaps: Vec::new(),
        }];
        look(&Context {
            ledger: &self.ledger,
            inventory: &inventory,
            captures: &captures,
            health: &self.health,
        })
    }

    /// `a` is an office computer.
    pub(crate) fn office(self, a: Host) -> Self {
        let class = Meaning::Claim {
            about: About::Sender,
            attribute: "dhcp_vendor_class",
            value: "MSFT 5.0".to_owned(),
        };
        self.say(a, everybody(), "dhcp", class)
    }

    /// What is concluded.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        self.look(|context| conclude(&self.facts, &View::new(context)))
    }

    /// What one rule concludes.
    pub(crate) fn of(&self, rule: &str) -> Vec<Finding> {
        let mut findings = self.findings();
        findings.retain(|finding| finding.rule == rule);
        findings
    }

    /// The only finding of a rule.
    pub(crate) fn one(&self, rule: &str) -> Finding {
        let mut findings = self.of(rule);
        assert_eq!(findings.len(), 1, "{findings:#?}");
        findings.remove(0)
    }

    /// The answers.
    pub(crate) fn answers(&self) -> Vec<Coverage> {
        self.look(|context| {
            let view = View::new(context);
            let findings = conclude(&self.facts, &view);
            coverage(&view, &capture_points(context), &findings)
        })
    }

    /// Where the capture was taken.
    pub(crate) fn point(&self) -> CapturePoint {
        self.look(|context| capture_points(context)[0])
    }
}

pub(crate) fn patient_data(kinds: Vec<PhiKind>) -> Meaning {
    Meaning::PatientData {
        kinds,
        patient: Some(1),
        ranges: Vec::new(),
        values: Vec::new(),
    }
}
