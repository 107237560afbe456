//! Flows that other flows of the same two hosts announced (a mount port, a data connection).
//!
//! Limit: [`ANNOUNCED`](crate::bounds::ANNOUNCED); the oldest is forgotten and counted.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;

use auscult_model::{Endpoint, Timestamp, Transport};
use auscult_protocols::Expectation;

/// How long an announcement holds. Mount ports stay for as long as the server runs.
const HOLDS_FOR: i64 = 3600 * Timestamp::SECOND;

struct Expected {
    client: IpAddr,
    server: IpAddr,
    transport: Transport,
    port: u16,
    protocol: usize,
    note: Option<Arc<str>>,
    until: Timestamp,
}

/// What is expected in a shard.
#[derive(Default)]
pub(crate) struct Announced {
    list: VecDeque<Expected>,
}

impl Announced {
    /// Remembers an announcement of a flow between `client` and `server`; says whether an older
    /// one had to go, since there are `most` of them.
    pub(crate) fn add(
        &mut self,
        expectation: &Expectation,
        client: &Endpoint,
        server: &Endpoint,
        protocol: usize,
        now: Timestamp,
        most: usize,
    ) -> bool {
        self.list.retain(|old| {
            old.until >= now
                && !(old.client == client.ip
                    && old.server == server.ip
                    && old.transport == expectation.transport
                    && old.port == expectation.port)
        });
        let full = self.list.len() >= most;
        if full {
            self.list.pop_front();
        }
        self.list.push_back(Expected {
            client: client.ip,
            server: server.ip,
            transport: expectation.transport,
            port: expectation.port,
            protocol,
            note: expectation.note.clone(),
            until: now.plus(HOLDS_FOR),
        });
        full
    }

    /// What was announced for a flow between these ends, either way round: protocol and note.
    pub(crate) fn find(
        &self,
        transport: Transport,
        ends: &[Endpoint; 2],
    ) -> Option<(usize, Option<Arc<str>>)> {
        if self.list.is_empty() {
            return None;
        }
        let [a, b] = ends;
        let fits = |expected: &Expected, client: &Endpoint, server: &Endpoint| {
            expected.transport == transport
                && expected.client == client.ip
                && expected.server == server.ip
                && expected.port == server.port
        };
        self.list
            .iter()
            .rev()
            .find(|expected| fits(expected, a, b) || fits(expected, b, a))
            .map(|expected| (expected.protocol, expected.note.clone()))
    }
}
