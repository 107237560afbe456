//! The clinical systems: record system, laboratory, interface engine, hosted record, file server.

use std::net::Ipv4Addr;

use super::{Common, Morning, Place};
use crate::net::Host;
use crate::speak::hl7::Route;
use crate::stage::Message;
use crate::wire::tcp::Stack;

fn route(sender: &str, receiver: &str) -> Route {
    Route {
        sender: sender.to_owned(),
        facility: "KLINIK".to_owned(),
        receiver: receiver.to_owned(),
        receiver_facility: "KLINIK".to_owned(),
    }
}

impl Morning {
    pub(super) fn clinic(&mut self, common: &Common) {
        let engine = &common.engine;
        let own = self.name("ENGINE");
        self.device(
            "interface engine",
            engine,
            "interface-engine",
            &[("hl7_application", own.as_str())],
        );
        for (n, telling) in ["KIS", "LABOR"].into_iter().enumerate() {
            let host = self.computer(Place::Clinic, 21 + n as u8, Stack::WINDOWS);
            let application = self.name(telling);
            let messages = self.admissions_or_results(n == 0, &route(&application, &own));
            for (k, part) in messages.chunks(3).enumerate() {
                let at = self
                    .stage
                    .at(700_000 + n as i64 * 400_000 + k as i64 * 9_000_000);
                let port = common.engine_port;
                self.send(at, (&host, engine, port), &route(&application, &own), part);
            }
            let told = [("hl7_application", application.as_str())];
            let roles = "server|workstation|interface-engine|lab-analyser|medical-other|unknown";
            let name = if n == 0 {
                "record system"
            } else {
                "laboratory system"
            };
            self.device(name, &host, roles, &told);
            let truth = &mut self.stage.truth;
            truth.must("phi-cleartext-inside", host.ip, "low");
            truth.no_signature.push(host.ip.to_string());
        }
        self.hosted_record(common, &own);
        self.files(common);
    }

    fn admissions_or_results(&mut self, admissions: bool, route: &Route) -> Vec<Message> {
        let persons = self.persons.clone();
        persons
            .iter()
            .take(6)
            .enumerate()
            .map(|(n, person)| {
                let at = self.stage.at(700_000);
                if admissions {
                    let bed = ("ICU", n as u8 * 5 + 1);
                    self.stage.hl7_admission(route, at, person, bed)
                } else {
                    self.stage.hl7_results(route, at, person)
                }
            })
            .collect()
    }

    fn send(
        &mut self,
        at: auscult_model::Timestamp,
        (from, to, port): (&Host, &Host, u16),
        route: &Route,
        messages: &[Message],
    ) {
        let path = self.path(at, from, to);
        let stacks = (from.stack, to.stack);
        self.stage.hl7(at, &path, stacks, port, route, messages);
    }

    /// The engine passes admissions on to a record that is hosted elsewhere, in clear over a
    /// circuit that the hospital rents: its address is public, and the site file names it.
    fn hosted_record(&mut self, common: &Common, own: &str) {
        let far = Ipv4Addr::new(198, 51, 100, self.stage.prng.between(130, 150) as u8);
        let route = route(own, "AKTE");
        let persons = self.persons.clone();
        for (n, person) in persons.iter().take(2).enumerate() {
            let at = self.stage.at(5_000_000 + n as i64 * 6_000_000);
            let path = self.path_outside(at, &common.engine, far);
            let message = self
                .stage
                .hl7_admission(&route, at, person, ("ICU", 1 + n as u8 * 5));
            let stacks = (common.engine.stack, Stack::LINUX);
            self.stage.hl7(at, &path, stacks, 6661, &route, &[message]);
        }
        self.site.push_str(
            "[[partner]]\nname = \"Hosted record\"\nnetworks = [\"198.51.100.128/26\"]\n\
             via = \"a rented circuit\"\n",
        );
    }

    /// The file server's own errands; what offices want of it is written there.
    fn files(&mut self, common: &Common) {
        let name = self.name("FILES");
        let at = self.some_time();
        self.names_of(at, (&common.infrastructure, &common.files), &name);
        let told = [("netbios_name", name.to_uppercase())];
        let told: Vec<(&str, &str)> = told.iter().map(|(a, v)| (*a, v.as_str())).collect();
        self.device("file server", &common.files, "server|unknown", &told);
    }
}
