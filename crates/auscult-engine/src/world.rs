//! The one thread that sees everything: events and sums feed the inventory and the detectors,
//! and become a report at the end.

use std::collections::{BTreeMap, BTreeSet};

use auscult_capture::{CaptureInfo, Inputs};
use auscult_detect::{Context, Facts};
use auscult_inventory::{Inventory, Ledger, Limits as LedgerLimits};
use auscult_model::report::{
    ArtifactEntry, Capture, CapturePoint, ConflictEntry, DataSet, Evidence, Health, Report, SCHEMA,
    Severity, Skipped,
};
use auscult_model::{Artifact, Bounds, Event, FileClass, FileIndex, Meaning, PacketRef};
use auscult_protocols::PATIENT_VALUES;

use crate::Watch;
use crate::bounds;
use crate::emission::{Conflict, Emission};
use crate::mask::Mask;
use crate::options::Options;
use crate::shard::ShardCounts;

/// What is known so far.
pub(crate) struct World {
    ledger: Ledger,
    facts: Facts,
    mask: Mask,
    artifacts: Vec<Artifact>,
    artifacts_total: usize,
    conflicts: Vec<Conflict>,
    flows: u64,
    events: u64,
    bounds: Bounds,
}

impl World {
    pub(crate) fn new(options: &Options) -> Self {
        let bounds = options.bounds();
        World {
            ledger: Ledger::new(LedgerLimits::within(&bounds)),
            facts: Facts::within(&bounds),
            mask: Mask::new(bounds.of(&bounds::MASKED)),
            conflicts: Vec::new(),
            artifacts: Vec::new(),
            artifacts_total: 0,
            flows: 0,
            events: 0,
            bounds,
        }
    }

    /// Takes one thing that a shard reported.
    pub(crate) fn take(&mut self, emission: Emission, watch: &mut dyn Watch) {
        match emission {
            Emission::Event(event) => self.event(*event),
            Emission::Conversation(sum) => self.ledger.conversation(&sum.0, &sum.1),
            Emission::Neighbour(sum) => self.ledger.neighbour(&sum.0, &sum.1),
            Emission::FlowStart(start) => self.ledger.flow_start(&start),
            Emission::WithoutDestinations(segment) => {
                self.ledger.link_without_destinations(segment);
            }
            Emission::Conflict(conflict) => {
                if self.conflicts.len() < self.bounds.of(&bounds::CONFLICTS) {
                    self.conflicts.push(*conflict);
                }
            }
            Emission::Flow(mut record) => {
                self.flows += 1;
                record.id = self.flows;
                watch.flow(&record);
            }
        }
    }

    fn event(&mut self, event: Event) {
        self.events += 1;
        self.ledger.event(&event);
        auscult_detect::observe(&event, &mut self.facts);
        match event.meaning {
            Meaning::PatientData { values, .. } => self.mask.learn(values),
            Meaning::File(file) => {
                self.artifacts_total += 1;
                if self.artifacts.len() < self.bounds.of(&bounds::ARTIFACTS) {
                    self.artifacts.push(*file);
                }
            }
            _ => {}
        }
    }

    /// Draws the conclusions.
    pub(crate) fn report(
        mut self,
        inputs: &Inputs,
        counts: &ShardCounts,
        options: &Options,
    ) -> Report {
        for (index, capture) in inputs.captures().iter().enumerate() {
            self.ledger.file(FileIndex(index as u32), &capture.name);
        }
        let mut inventory = Inventory::resolve(&self.ledger, &options.site);
        let mut health = self.health(inputs, counts);
        let (name, left_out) = inventory.left_out();
        if left_out > 0 {
            health.limits.insert(name.to_owned(), left_out);
        }
        let mut captures: Vec<Capture> = inputs
            .captures()
            .iter()
            .map(|info| capture(info, options))
            .collect();
        let context = Context {
            ledger: &self.ledger,
            inventory: &inventory,
            captures: &captures,
            health: &health,
        };
        let findings = auscult_detect::conclude(&self.facts, &context);
        let points = auscult_detect::capture_points(&context);
        let coverage = auscult_detect::coverage(&context, &points, &findings);
        let unrelated = auscult_detect::unrelated(&context);
        health.unrelated = unrelated;
        for (capture, point) in captures.iter_mut().zip(points) {
            capture.point = point;
        }
        let mut devices = std::mem::take(&mut inventory.devices);
        let mut worst: BTreeMap<&str, Severity> = BTreeMap::new();
        for finding in &findings {
            for id in &finding.devices {
                let known = worst.entry(id).or_insert(finding.severity);
                *known = (*known).max(finding.severity);
            }
        }
        for device in &mut devices {
            device.worst = worst.get(device.id.as_str()).copied();
        }
        devices.sort_by(|a, b| {
            (b.role.is_medical(), b.worst)
                .cmp(&(a.role.is_medical(), a.worst))
                .then_with(|| a.role.cmp(&b.role))
                .then_with(|| a.id.cmp(&b.id))
        });
        let squatted: BTreeSet<_> = inventory.squatted().iter().map(|(_, ip)| *ip).collect();
        let artifacts = self.artifact_entries();
        // Values that a session could not pass on would recur unmasked.
        let lost = PATIENT_VALUES.iter();
        let lost = lost.filter_map(|bound| health.limits.get(bound.name));
        self.mask.lose(lost.sum());
        if let Some(withheld) = self.mask.overflowed() {
            health
                .limits
                .insert(bounds::MASKED.name.to_owned(), withheld);
        }
        let devices_total = devices.len();
        devices.truncate(self.bounds.of(&bounds::DEVICES));
        let findings_total = findings.len();
        let mut findings = findings;
        findings.truncate(self.bounds.of(&bounds::FINDINGS));
        for (bound, left_out) in [
            (&bounds::DEVICES, devices_total - devices.len()),
            (&bounds::FINDINGS, findings_total - findings.len()),
        ] {
            if left_out > 0 {
                health.limits.insert(bound.name.to_owned(), left_out as u64);
            }
        }
        let mut report = Report {
            schema: SCHEMA,
            auscult: env!("CARGO_PKG_VERSION").to_owned(),
            captures,
            skipped: skipped(inputs),
            site: inventory.site().report(squatted.into_iter()),
            coverage,
            devices_total,
            devices,
            findings_total,
            findings,
            artifacts_total: self.artifacts_total,
            artifacts,
            data_sets: data_sets(),
            health,
        };
        self.mask.apply(&mut report);
        report
    }

    fn artifact_entries(&mut self) -> Vec<ArtifactEntry> {
        let mut files = std::mem::take(&mut self.artifacts);
        files.sort_by(|a, b| {
            (a.first, a.first_packet, &a.name).cmp(&(b.first, b.first_packet, &b.name))
        });
        files.iter().map(|file| self.artifact_entry(file)).collect()
    }

    fn artifact_entry(&self, file: &Artifact) -> ArtifactEntry {
        let mut packets = vec![self.evidence(file.first_packet, "first bytes")];
        if file.last_packet != file.first_packet {
            packets.push(self.evidence(file.last_packet, "last bytes"));
        }
        ArtifactEntry {
            sha256: file.sha256.map(|digest| hex(&digest)).unwrap_or_default(),
            size: file.size,
            kind: file.kind.to_owned(),
            name: shown_name(file),
            protocol: file.protocol.to_owned(),
            from: file.from.ip,
            to: file.to.ip,
            complete: file.complete,
            evidence: packets,
        }
    }

    fn conflict_entries(&self) -> Vec<ConflictEntry> {
        let hex = |digest: u64| format!("{digest:016x}");
        let entries = self.conflicts.iter().map(|conflict| ConflictEntry {
            protocol: conflict.protocol.to_owned(),
            from: conflict.from.ip,
            from_port: conflict.from.port,
            to: conflict.to.ip,
            to_port: conflict.to.port,
            first: conflict.versions.map(|versions| hex(versions.0)),
            later: conflict.versions.map(|versions| hex(versions.1)),
            evidence: self.evidence(conflict.packet, "other bytes than before"),
        });
        entries.collect()
    }

    fn evidence(&self, packet: PacketRef, note: &str) -> Evidence {
        Evidence {
            file: self.ledger.file_name(packet.file),
            packet: packet.number,
            note: Some(note.to_owned()),
            filter: Some(format!("frame.number == {}", packet.number)),
        }
    }

    fn health(&self, inputs: &Inputs, counts: &ShardCounts) -> Health {
        let captures = inputs.captures();
        let sum = |of: fn(&CaptureInfo) -> u64| captures.iter().map(of).sum::<u64>();
        let steps = inputs.clock_steps();
        let flow = &counts.flow;
        let mut counted: BTreeMap<&str, u64> = counts.limits.clone();
        for (name, count) in flow.limits.iter().chain(&self.ledger.limits()) {
            *counted.entry(name).or_default() += count;
        }
        let listed = self.conflicts.len() as u64;
        for (bound, count) in [
            (&auscult_detect::FACTS, self.facts.dropped()),
            (
                &bounds::ARTIFACTS,
                (self.artifacts_total - self.artifacts.len()) as u64,
            ),
            (
                &bounds::CONFLICTS,
                flow.conflicting_flows.saturating_sub(listed),
            ),
        ] {
            counted.insert(bound.name, count);
        }
        counted.extend(counts.fragments.limits());
        for capture in captures {
            for (name, count) in capture.oddities.limits() {
                *counted.entry(name).or_default() += count;
            }
        }
        counted.retain(|_, count| *count > 0);
        let known = bounds::bounds();
        let is_bound = |name: &str| known.iter().any(|bound| bound.name == name);
        let (limits, oddities): (BTreeMap<_, _>, BTreeMap<_, _>) = counted
            .into_iter()
            .map(|(name, count)| (name.to_owned(), count))
            .partition(|(name, _)| is_bound(name));
        let lost = flow.gaps.saturating_mul(1_000_000);
        Health {
            undecoded: counts.undecoded,
            link_own: counts.links.own,
            radio_frames: counts.links.radio,
            radio_encrypted: counts.links.encrypted,
            copies: flow.copies,
            gaps: flow.gaps,
            gaps_upstream: flow.gaps_upstream,
            bytes_missing: flow.bytes_missing,
            fragments_expired: counts.fragments.expired,
            flows_evicted: flow.flows_evicted,
            events_suppressed: counts.suppressed,
            time_steps: steps.back + steps.forward,
            one_sided_flows: flow.one_sided_flows,
            conflicting_flows: flow.conflicting_flows,
            cut_by_snaplen: sum(|capture| capture.cut_by_snaplen),
            dropped_by_capture: captures.iter().map(dropped).sum(),
            loss_ppm: lost
                .checked_div(flow.payload_segments + flow.gaps)
                .unwrap_or(0),
            limits,
            oddities,
            conflicts: self.conflict_entries(),
            conflicting_fragments: counts.fragments.conflicts,
            wrong_checksums: flow.wrong_checksums,
            texts_withheld: 0,
            unrelated: Vec::new(),
            packets: sum(|capture| capture.packets),
            flows: flow.flows,
            events: self.events,
        }
    }
}

fn dropped(capture: &CaptureInfo) -> u64 {
    capture
        .interfaces
        .iter()
        .map(|interface| {
            interface.dropped_by_interface.unwrap_or(0) + interface.dropped_by_system.unwrap_or(0)
        })
        .sum()
}

/// Files of a folder that are no captures, or could not be read.
fn skipped(inputs: &Inputs) -> Vec<Skipped> {
    let skipped = inputs.skipped().iter();
    skipped
        .map(|skipped| Skipped {
            file: skipped.name.clone(),
            why: skipped.reason.to_string(),
        })
        .collect()
}

/// Times are those of what was analysed: what the user left out was not watched.
fn capture(info: &CaptureInfo, options: &Options) -> Capture {
    Capture {
        file: info.name.clone(),
        fingerprint: hex(&info.fingerprint),
        sha256: None,
        packets: info.packets,
        bytes: info.bytes,
        first: info
            .first
            .map(|first| options.since.map_or(first, |since| since.max(first))),
        last: info
            .last
            .map(|last| options.until.map_or(last, |until| until.min(last))),
        link_types: info.link_types.iter().map(ToString::to_string).collect(),
        complete: info.complete,
        stopped_at: info.stopped_at.as_ref().map(|stop| {
            format!(
                "byte {}, after packet {}: {}",
                stop.offset, stop.after_packet, stop.why
            )
        }),
        point: CapturePoint::Unknown,
        clock_offset: info.clock_offset.clone(),
        comments: info.comments.clone(),
        names: info.names.clone(),
    }
}

fn data_sets() -> Vec<DataSet> {
    std::iter::once(auscult_inventory::mac_vendor_source())
        .chain(auscult_inventory::owner_sources())
        .map(|set| DataSet {
            name: set.name.to_owned(),
            version: set.version.to_owned(),
            date: set.date.to_owned(),
            licence: set.licence.to_owned(),
        })
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Scans, letters and print jobs are named after patients, of whom nothing else may be known here:
/// of their names only the ending is shown. Programs, archives and settings keep theirs.
fn shown_name(file: &Artifact) -> String {
    const DOCUMENTS: [&str; 10] = [
        "DICOM",
        "JPEG",
        "OLE",
        "PCL",
        "PDF",
        "PJL",
        "PNG",
        "PostScript",
        "TIFF",
        "GIF",
    ];
    let is_job = file.protocol == "lpd" && file.class == FileClass::Other;
    if !is_job && !DOCUMENTS.contains(&file.kind) {
        return file.name.clone();
    }
    const ENDINGS: [&str; 14] = [
        "dcm", "doc", "gif", "jpeg", "jpg", "pcl", "pdf", "png", "ppt", "prn", "ps", "tif", "tiff",
        "xls",
    ];
    let ending = file.name.rsplit_once('.').map(|(_, ending)| ending);
    let known = ENDINGS
        .iter()
        .find(|known| ending.is_some_and(|ending| ending.eq_ignore_ascii_case(known)));
    match known {
        Some(ending) => format!("[document].{ending}"),
        None => "[document]".to_owned(),
    }
}
