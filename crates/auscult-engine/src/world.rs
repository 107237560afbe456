//! The one thread that sees everything: events and sums feed the inventory and the detectors.

use auscult_capture::Inputs;
use auscult_model::{Event, Meaning};
use auscult_protocols::PATIENT_VALUES;

use crate::Watch;
use crate::bounds;
use crate::emission::{Conflict, Emission};
use crate::knowledge::Knowledge;
use crate::mask::Mask;
use crate::options::Options;
use crate::shard::ShardCounts;

/// What is known so far.
pub(crate) struct World {
    knowledge: Knowledge,
    mask: Mask,
    conflicts: Vec<Conflict>,
    conflicts_max: usize,
    flows: u64,
}

impl World {
    pub(crate) fn new(options: &Options) -> Self {
        let bounds = options.bounds();
        World {
            mask: Mask::new(bounds.of(&bounds::MASKED)),
            conflicts: Vec::new(),
            conflicts_max: bounds.of(&bounds::CONFLICTS),
            flows: 0,
            knowledge: Knowledge::new(bounds, options.hours),
        }
    }

    /// Takes one thing that a shard reported.
    pub(crate) fn take(&mut self, emission: Emission, watch: &mut dyn Watch) {
        let knowledge = &mut self.knowledge;
        match emission {
            Emission::Event(event) => self.event(*event),
            Emission::Conversation(sum) => knowledge.conversation(&sum.0, &sum.1),
            Emission::Neighbour(sum) => knowledge.ledger.neighbour(&sum.0, &sum.1),
            Emission::FlowStart(start) => knowledge.opened(&start),
            Emission::WithoutDestinations(segment) => {
                knowledge.ledger.link_without_destinations(segment);
            }
            Emission::Conflict(conflict) => {
                if self.conflicts.len() < self.conflicts_max {
                    self.conflicts.push(*conflict);
                }
            }
            Emission::Flow(mut record) => {
                self.flows += 1;
                record.id = self.flows;
                watch.flow(&record);
            }
            Emission::Marking(marking) => watch.marking(*marking),
        }
    }

    fn event(&mut self, event: Event) {
        self.knowledge.event(&event);
        match event.meaning {
            Meaning::PatientData { values, .. } => self.mask.learn(values),
            Meaning::File(file) => self.knowledge.file(*file),
            _ => {}
        }
    }

    /// What the inputs came to, and the values that are to be masked in it.
    pub(crate) fn finish(
        mut self,
        inputs: &Inputs,
        counts: &ShardCounts,
        options: &Options,
    ) -> (Knowledge, Mask) {
        self.knowledge.captured(inputs, counts, options);
        self.knowledge.contradicted(&self.conflicts);
        // Values that a session could not pass on would recur unmasked.
        let lost = PATIENT_VALUES.iter();
        let lost = lost.filter_map(|bound| counts.limits.get(bound.name));
        self.mask.lose(lost.sum());
        (self.knowledge, self.mask)
    }
}
