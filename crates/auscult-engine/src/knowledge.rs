//! What captures come to, before anything is concluded: facts that merge in any order, and what
//! was watched.
//!
//! [`Knowledge::report`] draws the conclusions; it is a function of the facts alone, so that two
//! runs merged say what one run over both inputs says. Nothing of patients is in it but texts
//! that [`Mask`](crate::mask::Mask) masks, in a report or when it is kept.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use auscult_capture::{CaptureInfo, Inputs};
use auscult_detect::{Context, Facts, View};
use auscult_inventory::{Inventory, Ledger, Limits as LedgerLimits, SiteOptions, TALKS_TO};
use auscult_model::report::{
    ArtifactEntry, Capture, CapturePoint, ConflictEntry, DataSet, Evidence, Health, Outside,
    Report, SCHEMA, Severity, Skipped,
};
use auscult_model::{
    Artifact, Bounds, ConversationKey, ConversationSum, Event, FileClass, FileIndex, FlowStart,
    MinuteSum, PacketRef, Timestamp, Window, hex,
};

use auscult_state::{HourKey, HourSum, Hours};

use crate::bounds;
use crate::emission::Conflict;
use crate::options::Options;
use crate::shard::ShardCounts;

/// See the module's words.
#[derive(Debug)]
pub(crate) struct Knowledge {
    pub(crate) ledger: Ledger,
    pub(crate) facts: Facts,
    /// Files that crossed, the earliest.
    pub(crate) artifacts: Vec<Artifact>,
    pub(crate) artifacts_total: usize,
    /// The inputs; a packet's file is its place here.
    pub(crate) captures: Vec<Capture>,
    pub(crate) skipped: Vec<Skipped>,
    /// Sums over the inputs; limits of the ledger and the estimated loss are added in the report.
    pub(crate) health: Health,
    /// TCP segments with payload, the base for loss.
    pub(crate) payload_segments: u64,
    /// Kept for a state only.
    pub(crate) hours: Option<Hours>,
    /// What each minute of the last input holds, where hours are kept.
    pub(crate) minutes: Vec<MinuteSum>,
    /// Hours of conversations that found no room.
    pub(crate) hours_dropped: u64,
    pub(crate) bounds: Bounds,
}

impl Knowledge {
    /// Nothing known yet.
    pub(crate) fn new(bounds: Bounds, hours: bool) -> Self {
        Knowledge {
            ledger: Ledger::new(LedgerLimits::within(&bounds)),
            facts: Facts::within(&bounds),
            artifacts: Vec::new(),
            artifacts_total: 0,
            captures: Vec::new(),
            skipped: Vec::new(),
            health: Health::default(),
            payload_segments: 0,
            hours: hours.then(Hours::new),
            minutes: Vec::new(),
            hours_dropped: 0,
            bounds,
        }
    }

    /// Takes in the opening of a connection towards elsewhere.
    pub(crate) fn opened(&mut self, start: &FlowStart) {
        self.ledger.flow_start(start);
        auscult_detect::opened(start, &mut self.facts);
    }

    /// Takes in what a protocol said.
    pub(crate) fn event(&mut self, event: &Event) {
        self.health.events += 1;
        self.ledger.event(event);
        auscult_detect::observe(event, &mut self.facts);
    }

    /// Takes in a file that crossed.
    pub(crate) fn file(&mut self, file: Artifact) {
        self.artifacts_total += 1;
        if self.artifacts.len() < self.bounds.of(&bounds::ARTIFACTS) {
            self.artifacts.push(file);
        }
    }

    /// Takes in a sum of conversations.
    pub(crate) fn conversation(&mut self, key: &ConversationKey, sum: &ConversationSum) {
        self.ledger.conversation(key, sum);
        self.hour(key.into(), sum.into());
    }

    /// Adds to the sums of an hour, where they are kept.
    fn hour(&mut self, key: HourKey, sum: HourSum) {
        let Some(hours) = &mut self.hours else {
            return;
        };
        if hours.len() >= self.bounds.of(&bounds::HOURS) && !hours.contains_key(&key) {
            self.hours_dropped += sum.flows;
            return;
        }
        let known = hours.entry(key).or_default();
        known.flows += sum.flows;
        known.bytes = [0, 1].map(|side| known.bytes[side] + sum.bytes[side]);
    }

    /// Takes in what another part of the inputs came to. Its packets must count their files from
    /// behind ours.
    pub(crate) fn merge(&mut self, other: Knowledge) {
        self.ledger.merge(other.ledger);
        self.facts.merge(&other.facts);
        self.artifacts_total = self.artifacts_total.saturating_add(other.artifacts_total);
        self.artifacts.extend(other.artifacts);
        self.artifacts.sort_by(|a, b| in_time(a).cmp(&in_time(b)));
        self.artifacts.truncate(self.bounds.of(&bounds::ARTIFACTS));
        self.captures.extend(other.captures);
        self.skipped.extend(other.skipped);
        self.payload_segments = self.payload_segments.saturating_add(other.payload_segments);
        add_health(&mut self.health, other.health);
        self.health
            .conflicts
            .truncate(self.bounds.of(&bounds::CONFLICTS));
        self.hours_dropped = self.hours_dropped.saturating_add(other.hours_dropped);
        for (key, sum) in other.hours.into_iter().flatten() {
            self.hour(key, sum);
        }
    }

    /// Forgets what was last seen before a time: what is left was watched from then on. Captures
    /// keep their places.
    pub(crate) fn forget(&mut self, before: Timestamp) {
        self.narrow(Window::since(before));
        // They carry no time.
        self.health.conflicts.clear();
    }

    /// Keeps what was seen in a window of time, each side of which is then told as if nothing
    /// else had been watched. Captures keep their places, for packets count them.
    pub(crate) fn narrow(&mut self, window: Window) {
        self.ledger.narrow(window);
        self.facts.narrow(window);
        self.artifacts
            .retain(|file| window.touches(file.first, file.last));
        self.artifacts_total = self.artifacts.len();
        for capture in &mut self.captures {
            let span = capture.first.zip(capture.last);
            let inside = span.filter(|(first, last)| window.touches(*first, *last));
            capture.first = inside.map(|(first, _)| first.max(window.from));
            capture.last = inside.map(|(_, last)| last.min(window.until));
        }
    }

    /// Takes in what was read of the inputs.
    pub(crate) fn captured(&mut self, inputs: &Inputs, counts: &ShardCounts, options: &Options) {
        for (index, info) in inputs.captures().iter().enumerate() {
            let file = FileIndex(options.first_file + index as u32);
            self.ledger.file(file, &info.name);
            self.captures.push(capture(info, options));
            self.minutes.clone_from(&info.minutes);
        }
        self.skipped = skipped(inputs);
        self.payload_segments = counts.flow.payload_segments;
        let events = self.health.events;
        self.health = health(inputs, counts);
        self.health.events = events;
    }

    /// Takes in flows of which bytes came twice, differently.
    pub(crate) fn contradicted(&mut self, conflicts: &[Conflict]) {
        let hex = |digest: u64| format!("{digest:016x}");
        let entries = conflicts.iter().map(|conflict| ConflictEntry {
            protocol: conflict.protocol.to_owned(),
            from: conflict.from.ip,
            from_port: conflict.from.port,
            to: conflict.to.ip,
            to_port: conflict.to.port,
            first: conflict.versions.map(|versions| hex(versions.0)),
            later: conflict.versions.map(|versions| hex(versions.1)),
            evidence: self.evidence(conflict.packet, "other bytes than before"),
        });
        self.health.conflicts = entries.collect();
    }

    /// Draws the conclusions.
    pub(crate) fn report(&self, options: &Options) -> Report {
        let site = match options.rules.rule.is_empty() {
            true => Cow::Borrowed(&options.site),
            // Rules of one's own look at every conversation.
            false => Cow::Owned(SiteOptions {
                all_lines: true,
                ..options.site.clone()
            }),
        };
        let mut inventory = Inventory::resolve(&self.ledger, &site);
        let mut health = self.health();
        let (name, left_out) = inventory.left_out();
        if left_out > 0 {
            health.limits.insert(name.to_owned(), left_out);
        }
        let mut captures = self.captures.clone();
        let context = Context {
            ledger: &self.ledger,
            inventory: &inventory,
            captures: &captures,
            health: &health,
        };
        let view = View::new(&context);
        let findings = auscult_detect::conclude(&self.facts, &view);
        let points = auscult_detect::capture_points(&context);
        let coverage = auscult_detect::coverage(&view, &points, &findings);
        health.unrelated = auscult_detect::unrelated(&context);
        for (capture, point) in captures.iter_mut().zip(points) {
            capture.point = point;
        }
        // Those of which nothing is left.
        captures.retain(|capture| {
            capture.first.is_some() || capture.packets == 0 || capture.outside.is_some()
        });
        let devices = std::mem::take(&mut inventory.devices);
        let squatted: BTreeSet<_> = inventory.squatted().iter().map(|(_, ip)| *ip).collect();
        let mut report = Report {
            schema: SCHEMA,
            auscult: env!("CARGO_PKG_VERSION").to_owned(),
            captures,
            skipped: self.skipped.clone(),
            site: inventory.site().report(squatted.into_iter()),
            coverage,
            devices_total: devices.len(),
            devices,
            findings_total: 0,
            findings,
            incidents: Vec::new(),
            artifacts_total: self.artifacts_total,
            artifacts: self.artifact_entries(),
            data_sets: data_sets(),
            health,
        };
        if site.all_lines {
            self.judge_by_own_rules(&mut report, options);
        }
        report.findings_total = report.findings.len();
        rank_devices(&mut report);
        self.cut_to_bounds(&mut report);
        report.incidents = auscult_detect::incidents(&report.findings);
        report
    }

    /// Adds what the site's own rules find.
    fn judge_by_own_rules(&self, report: &mut Report, options: &Options) {
        let show = |packet: PacketRef, note: &str| self.evidence(packet, note);
        let own = options.rules.findings(report, &options.site, &show);
        report.findings.extend(own);
        auscult_detect::put_in_order(&mut report.findings);
        for device in &mut report.devices {
            device.talks_to.truncate(TALKS_TO);
        }
    }

    /// Leaves out what a report has no room for, and counts it.
    fn cut_to_bounds(&self, report: &mut Report) {
        report.devices.truncate(self.bounds.of(&bounds::DEVICES));
        report.findings.truncate(self.bounds.of(&bounds::FINDINGS));
        for (bound, left_out) in [
            (
                &bounds::DEVICES,
                report.devices_total - report.devices.len(),
            ),
            (
                &bounds::FINDINGS,
                report.findings_total - report.findings.len(),
            ),
        ] {
            if left_out > 0 {
                let limits = &mut report.health.limits;
                limits.insert(bound.name.to_owned(), left_out as u64);
            }
        }
    }

    fn artifact_entries(&self) -> Vec<ArtifactEntry> {
        let mut files: Vec<&Artifact> = self.artifacts.iter().collect();
        files.sort_by(|a, b| in_time(a).cmp(&in_time(b)));
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
            signature: file.signature.map(str::to_owned),
            name: shown_name(file),
            protocol: file.protocol.to_owned(),
            from: file.from.ip,
            to: file.to.ip,
            complete: file.complete,
            evidence: packets,
        }
    }

    fn evidence(&self, packet: PacketRef, note: &str) -> Evidence {
        Evidence {
            file: self.ledger.file_name(packet.file),
            packet: packet.number,
            note: Some(note.to_owned()),
            filter: Some(format!("frame.number == {}", packet.number)),
            at: None,
        }
    }

    /// Health with what the tables of facts had no room for.
    fn health(&self) -> Health {
        let mut health = self.health.clone();
        let mut more = self.ledger.limits();
        more.insert(auscult_detect::FACTS.name, self.facts.dropped());
        let listed = self.artifacts.len();
        more.insert(
            bounds::ARTIFACTS.name,
            self.artifacts_total.saturating_sub(listed) as u64,
        );
        let listed = health.conflicts.len() as u64;
        more.insert(
            bounds::CONFLICTS.name,
            health.conflicting_flows.saturating_sub(listed),
        );
        more.insert(bounds::HOURS.name, self.hours_dropped);
        for (name, count) in more.into_iter().filter(|(_, count)| *count > 0) {
            let known = health.limits.entry(name.to_owned()).or_default();
            *known = known.saturating_add(count);
        }
        let lost = health.gaps.saturating_mul(1_000_000);
        health.loss_ppm = lost
            .checked_div(self.payload_segments.saturating_add(health.gaps))
            .unwrap_or(0);
        health
    }
}

/// Says of each device how bad its worst finding is; medical and worst ones come first.
fn rank_devices(report: &mut Report) {
    let mut worst: BTreeMap<&str, Severity> = BTreeMap::new();
    for finding in &report.findings {
        for id in &finding.devices {
            let known = worst.entry(id).or_insert(finding.severity);
            *known = (*known).max(finding.severity);
        }
    }
    for device in &mut report.devices {
        device.worst = worst.get(device.id.as_str()).copied();
    }
    report.devices.sort_by(|a, b| {
        (b.role.is_medical(), b.worst)
            .cmp(&(a.role.is_medical(), a.worst))
            .then_with(|| a.role.cmp(&b.role))
            .then_with(|| a.id.cmp(&b.id))
    });
}

/// Order of files: by time, then as they came.
fn in_time(file: &Artifact) -> (auscult_model::Timestamp, PacketRef, &str) {
    (file.first, file.first_packet, &file.name)
}

/// What was counted while reading.
fn health(inputs: &Inputs, counts: &ShardCounts) -> Health {
    let captures = inputs.captures();
    let sum = |of: fn(&CaptureInfo) -> u64| captures.iter().map(of).sum::<u64>();
    let steps = inputs.clock_steps();
    let flow = &counts.flow;
    let mut counted: BTreeMap<&str, u64> = counts.limits.clone();
    for (name, count) in flow.limits.iter() {
        *counted.entry(name).or_default() += count;
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
        loss_ppm: 0,
        limits,
        oddities,
        conflicts: Vec::new(),
        conflicting_fragments: counts.fragments.conflicts,
        wrong_checksums: flow.wrong_checksums,
        texts_withheld: 0,
        unrelated: Vec::new(),
        packets: sum(|capture| capture.packets).saturating_sub(counts.left_out),
        flows: flow.flows,
        events: 0,
    }
}

/// Adds up what was counted over other inputs.
fn add_health(sum: &mut Health, other: Health) {
    let Health {
        undecoded,
        link_own,
        radio_frames,
        radio_encrypted,
        copies,
        gaps,
        gaps_upstream,
        bytes_missing,
        fragments_expired,
        flows_evicted,
        events_suppressed,
        time_steps,
        one_sided_flows,
        conflicting_flows,
        conflicts,
        conflicting_fragments,
        wrong_checksums,
        cut_by_snaplen,
        dropped_by_capture,
        loss_ppm: _,
        limits,
        oddities,
        texts_withheld,
        unrelated: _,
        packets,
        flows,
        events,
    } = other;
    for (known, more) in [
        (&mut sum.undecoded, undecoded),
        (&mut sum.link_own, link_own),
        (&mut sum.radio_frames, radio_frames),
        (&mut sum.radio_encrypted, radio_encrypted),
        (&mut sum.copies, copies),
        (&mut sum.gaps, gaps),
        (&mut sum.gaps_upstream, gaps_upstream),
        (&mut sum.bytes_missing, bytes_missing),
        (&mut sum.fragments_expired, fragments_expired),
        (&mut sum.flows_evicted, flows_evicted),
        (&mut sum.events_suppressed, events_suppressed),
        (&mut sum.time_steps, time_steps),
        (&mut sum.one_sided_flows, one_sided_flows),
        (&mut sum.conflicting_flows, conflicting_flows),
        (&mut sum.conflicting_fragments, conflicting_fragments),
        (&mut sum.wrong_checksums, wrong_checksums),
        (&mut sum.cut_by_snaplen, cut_by_snaplen),
        (&mut sum.dropped_by_capture, dropped_by_capture),
        (&mut sum.texts_withheld, texts_withheld),
        (&mut sum.packets, packets),
        (&mut sum.flows, flows),
        (&mut sum.events, events),
    ] {
        *known = known.saturating_add(more);
    }
    sum.conflicts.extend(conflicts);
    for (known, more) in [(&mut sum.limits, limits), (&mut sum.oddities, oddities)] {
        for (name, count) in more {
            let known = known.entry(name).or_default();
            *known = known.saturating_add(count);
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
    let (since, until) = (options.since, options.until);
    let whole = info.first.zip(info.last);
    let outside = whole.filter(|(first, last)| {
        since.is_some_and(|since| *last < since) || until.is_some_and(|until| *first >= until)
    });
    let inside = whole.filter(|_| outside.is_none());
    Capture {
        file: info.name.clone(),
        fingerprint: hex(&info.fingerprint),
        sha256: None,
        packets: info.packets,
        bytes: info.bytes,
        first: inside.map(|(first, _)| since.map_or(first, |since| since.max(first))),
        last: inside.map(|(_, last)| until.map_or(last, |until| until.min(last))),
        outside: outside.map(|(first, last)| Outside {
            first: Some(first),
            last: Some(last),
        }),
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
        overlaps: Vec::new(),
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

/// Scans, letters and print jobs are named after patients, of whom nothing else may be known here:
/// of their names only the ending is shown. Programs, archives and settings keep theirs.
pub(crate) fn shown_name(file: &Artifact) -> String {
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
