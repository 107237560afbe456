//! How many a device talks to, inside and outside.

use std::collections::BTreeSet;

use super::{Device, Where};

impl Device {
    /// How many peers it has inside the site, and how many outside, partners among them. Groups
    /// are nobody. Where no conversation is listed, as was counted when they were.
    pub fn peers(&self) -> (usize, usize) {
        if self.talks_to.is_empty() {
            return (self.talks_to_inside, self.talks_to_outside);
        }
        let mut inside = BTreeSet::new();
        let mut outside = BTreeSet::new();
        for line in &self.talks_to {
            match line.place {
                Where::Group => {}
                place if place.is_outside() || place == Where::Partner => {
                    outside.insert(line.peer);
                }
                _ => {
                    inside.insert(line.peer);
                }
            }
        }
        (inside.len(), outside.len())
    }

    /// Counts the peers that are listed.
    pub fn count_peers(&mut self) {
        (self.talks_to_inside, self.talks_to_outside) = self.peers();
    }
}
