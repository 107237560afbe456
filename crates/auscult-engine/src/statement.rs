//! Statements as events: who said it to whom, in which packets, how sure.

use auscult_flow::{FlowFacts, Happened};
use auscult_model::{Endpoint, Event, Meaning};
use auscult_protocols::{Mark, Said};

/// What a session said, as an event of its flow.
pub(crate) fn event_of(
    said: Said,
    facts: &FlowFacts,
    name: &'static str,
    confidence: f32,
) -> Event {
    let from = *facts.sender(said.direction);
    let to = *facts.sender(said.direction.opposite());
    let mut meaning = said.meaning;
    if let Meaning::File(file) = &mut meaning {
        file.from = from;
        file.to = to;
        if facts.happened.saw(said.direction, Happened::CONFLICT) {
            // Which of two versions the receiver took cannot be told.
            file.complete = false;
            file.sha256 = None;
        }
    }
    Event {
        protocol: name,
        from,
        to,
        first_packet: said.place.first.packet,
        last_packet: said.place.last.packet,
        first: said.place.last.time,
        last: said.place.last.time,
        count: 1,
        confidence: said
            .confidence
            .min(if confidence >= 0.9 { 1.0 } else { 0.9 }),
        meaning,
        attributes: said.attributes,
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
