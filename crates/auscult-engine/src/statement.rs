//! Statements as events: who said it to whom, in which packets, how sure.

use auscult_flow::{FlowFacts, Happened};
use auscult_model::{Endpoint, Event, Meaning};
use auscult_protocols::{Mark, Said};

/// Something said, before it is known whether it is new: most is not, and is never made an event.
pub(crate) trait Statement {
    /// Name of the protocol.
    fn protocol(&self) -> &'static str;
    /// Sender and receiver.
    fn ends(&self) -> [&Endpoint; 2];
    /// How sure, 0 to 1.
    fn confidence(&self) -> f32;
    /// What was said.
    fn meaning(&self) -> &Meaning;
    /// The packet that completed it.
    fn last(&self) -> Mark;
    /// The event that it makes.
    fn into_event(self) -> Event;
}

/// What a session said in a flow.
pub(crate) struct FlowStatement<'a> {
    said: Said,
    facts: &'a FlowFacts,
    name: &'static str,
    confidence: f32,
}

impl<'a> FlowStatement<'a> {
    /// By the flow's name, which is `confidence` sure.
    pub(crate) fn new(
        mut said: Said,
        facts: &'a FlowFacts,
        name: &'static str,
        confidence: f32,
    ) -> Self {
        if let Meaning::File(file) = &mut said.meaning {
            file.from = *facts.sender(said.direction);
            file.to = *facts.sender(said.direction.opposite());
            if facts.happened.saw(said.direction, Happened::CONFLICT) {
                // Which of two versions the receiver took cannot be told.
                file.complete = false;
                file.sha256 = None;
            }
        }
        let most = if confidence >= 0.9 { 1.0 } else { 0.9 };
        FlowStatement {
            confidence: said.confidence.min(most),
            said,
            facts,
            name,
        }
    }
}

impl Statement for FlowStatement<'_> {
    fn protocol(&self) -> &'static str {
        self.name
    }

    fn ends(&self) -> [&Endpoint; 2] {
        let direction = self.said.direction;
        [direction, direction.opposite()].map(|side| self.facts.sender(side))
    }

    fn confidence(&self) -> f32 {
        self.confidence
    }

    fn meaning(&self) -> &Meaning {
        &self.said.meaning
    }

    fn last(&self) -> Mark {
        self.said.place.last
    }

    fn into_event(self) -> Event {
        let [from, to] = self.ends().map(|end| *end);
        let Said {
            place,
            meaning,
            attributes,
            ..
        } = self.said;
        Event {
            protocol: self.name,
            from,
            to,
            first_packet: place.first.packet,
            last_packet: place.last.packet,
            first: place.last.time,
            last: place.last.time,
            count: 1,
            confidence: self.confidence,
            meaning,
            attributes,
        }
    }
}

impl Statement for Event {
    fn protocol(&self) -> &'static str {
        self.protocol
    }

    fn ends(&self) -> [&Endpoint; 2] {
        [&self.from, &self.to]
    }

    fn confidence(&self) -> f32 {
        self.confidence
    }

    fn meaning(&self) -> &Meaning {
        &self.meaning
    }

    fn last(&self) -> Mark {
        Mark {
            time: self.last,
            packet: self.last_packet,
        }
    }

    fn into_event(self) -> Event {
        self
    }
}

/// An event that a single packet makes, outside flows.
pub(crate) fn packet_event(
    protocol: &'static str,
    from: Endpoint,
    to: Endpoint,
    at: Mark,
    meaning: Meaning,
) -> Event {
    Event {
        protocol,
        from,
        to,
        first_packet: at.packet,
        last_packet: at.packet,
        first: at.time,
        last: at.time,
        count: 1,
        confidence: 1.0,
        meaning,
        attributes: Vec::new(),
    }
}
