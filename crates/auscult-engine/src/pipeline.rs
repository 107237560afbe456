//! The order in which things happen: batches of packets to shards, emissions to the world.
//!
//! With one thread nothing travels. With more, every batch goes to every worker; a worker does the
//! packets of its own shards and returns what they reported, empty if need be, so the world can
//! take the emissions of a batch as soon as all workers have returned it.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;

use auscult_capture::{Batch, Inputs};
use auscult_flow::Limits as FlowLimits;
use auscult_packet::Limits as FragmentLimits;

use auscult_protocols::PatientKey;

use crate::aggregates;
use crate::emission::Emitted;
use crate::knowledge::Knowledge;
use crate::mask::Mask;
use crate::options::{Options, SHARDS, TICK};
use crate::shard::{Shard, ShardCounts, ShardOptions};
use crate::spread::{Carried, Spreader};
use crate::world::World;
use crate::{EngineError, Watch};

/// Batches on their way to a worker.
const QUEUED_BATCHES: usize = 4;

/// Reads everything, reports.
pub(crate) fn run(
    inputs: Inputs,
    options: &Options,
    watch: &mut dyn Watch,
) -> Result<(Knowledge, Mask), EngineError> {
    let shard_options = shard_options(options);
    if options.threads <= 1 {
        Ok(run_alone(inputs, options, &shard_options, watch))
    } else {
        run_together(inputs, options, &shard_options, watch)
    }
}

fn shard_options(options: &Options) -> ShardOptions {
    let bounds = options.bounds();
    ShardOptions {
        flows: FlowLimits::within(&bounds, SHARDS),
        fragments: FragmentLimits::within(&bounds, SHARDS),
        bounds: Arc::new(bounds),
        single_flows: options.single_flows,
        interfaces_apart: options.interfaces_apart,
        marked: Arc::clone(&options.marked),
        patient_key: options
            .patient_key
            .map_or_else(PatientKey::random, PatientKey::from_bytes),
    }
}

fn run_alone(
    mut inputs: Inputs,
    options: &Options,
    shard_options: &ShardOptions,
    watch: &mut dyn Watch,
) -> (Knowledge, Mask) {
    let mut shards: Vec<Shard> = (0..SHARDS).map(|_| Shard::new(shard_options)).collect();
    let mut world = World::new(options);
    let mut batch = Batch::new();
    let mut spreader = Spreader::new(shard_options.fragments);
    let mut carried = Carried::default();
    let (mut sequence, mut left_out) = (0, 0);
    while inputs.next_batch(&mut batch) {
        aggregates::take_apart(&mut batch);
        batch.count_files_from(options.first_file);
        for (meta, frame) in batch.iter() {
            sequence += 1;
            if sequence % TICK == 0 {
                for shard in &mut shards {
                    shard.tick();
                    drain(shard, &mut world, watch);
                }
            }
            if !options.is_wanted(meta.time) {
                left_out += u64::from(options.is_left_out(meta.time));
                continue;
            }
            let index = spreader.shard(0, meta, frame, &mut carried);
            if let Some(shard) = shards.get_mut(usize::from(index)) {
                shard.packet(meta, frame);
                drain(shard, &mut world, watch);
            }
            if carried.inner.is_empty() {
                continue;
            }
            for inner in &carried.inner {
                if let Some(shard) = shards.get_mut(usize::from(inner.shard)) {
                    shard.inner(meta, frame, carried.carrier(inner), inner.depth);
                    drain(shard, &mut world, watch);
                }
            }
            carried.clear();
        }
        let progress = inputs.progress();
        watch.progress(progress.read, progress.total);
    }
    let mut counts = ShardCounts {
        left_out,
        ..ShardCounts::default()
    };
    counts.add_fragments(&spreader.counters());
    // Each shard's memory is free again before the report needs some.
    for mut shard in shards {
        shard.finish();
        drain(&mut shard, &mut world, watch);
        counts.add(&shard.counts());
    }
    world.finish(&inputs, &counts, options)
}

fn drain(shard: &mut Shard, world: &mut World, watch: &mut dyn Watch) {
    if shard.has_emissions() {
        for emission in shard.take_emissions() {
            world.take(emission, watch);
        }
    }
}

/// Place of what a packet makes its shard report: behind the sums of all shards.
const BEHIND_TICKS: usize = SHARDS;

/// A batch with the shard of each packet.
#[derive(Default)]
struct Dispatched {
    batch: Batch,
    shards: Vec<u8>,
    carried: Carried,
    /// Sequence number of the first packet.
    first: u64,
}

/// What a worker did with one batch.
type Done = Vec<Emitted>;

fn run_together(
    mut inputs: Inputs,
    options: &Options,
    shard_options: &ShardOptions,
    watch: &mut dyn Watch,
) -> Result<(Knowledge, Mask), EngineError> {
    let workers = options.threads.min(SHARDS);
    let counts = Mutex::new(ShardCounts::default());
    let mut world = World::new(options);
    let joined = thread::scope(|scope| {
        let mut to_workers: Vec<SyncSender<Arc<Dispatched>>> = Vec::new();
        let mut from_workers: Vec<Receiver<Done>> = Vec::new();
        for worker in 0..workers {
            let (to_worker, batches) = sync_channel::<Arc<Dispatched>>(QUEUED_BATCHES);
            let (done, from_worker) = sync_channel::<Done>(QUEUED_BATCHES);
            let counts = &counts;
            thread::Builder::new()
                .name(format!("shards-{worker}"))
                .spawn_scoped(scope, move || {
                    let mut worker = Worker::new(worker, workers, options, shard_options);
                    worker.run(&batches, &done);
                    let mut sum = counts
                        .lock()
                        .unwrap_or_else(|poisoned| poisoned.into_inner());
                    for shard in worker.shards.iter().flatten() {
                        sum.add(&shard.counts());
                    }
                })
                .map_err(EngineError::Thread)?;
            to_workers.push(to_worker);
            from_workers.push(from_worker);
        }
        let mut gate = Gate {
            from_workers,
            world: &mut world,
            free: Vec::new(),
            waiting: Vec::new(),
        };
        let mut spreader = Spreader::new(shard_options.fragments);
        let (mut sequence, mut left_out) = (0, 0);
        loop {
            let mut next = gate.spare();
            if !inputs.next_batch(&mut next.batch) {
                break;
            }
            aggregates::take_apart(&mut next.batch);
            next.batch.count_files_from(options.first_file);
            left_out += next.spread(&mut spreader, sequence + 1, options);
            sequence += next.batch.packets.len() as u64;
            let dispatched = Arc::new(next);
            for to_worker in &to_workers {
                // A worker that is gone has panicked; its own message says why.
                let _ = to_worker.send(Arc::clone(&dispatched));
            }
            gate.waiting.push(dispatched);
            if gate.waiting.len() >= QUEUED_BATCHES {
                gate.take_oldest(watch);
            }
            let progress = inputs.progress();
            watch.progress(progress.read, progress.total);
        }
        while !gate.waiting.is_empty() {
            gate.take_oldest(watch);
        }
        drop(to_workers);
        gate.take_last(watch);
        Ok::<_, EngineError>((spreader.counters(), left_out))
    })?;
    let mut counts = counts
        .into_inner()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    counts.add_fragments(&joined.0);
    counts.left_out = joined.1;
    Ok(world.finish(&inputs, &counts, options))
}

impl Dispatched {
    /// Finds the shard of each packet, the first of which has the number `first`. Packets that
    /// nobody asked for are in any: no shard takes them, and what they carry does not count. Says
    /// how many a capture before holds already.
    fn spread(&mut self, spreader: &mut Spreader, first: u64, options: &Options) -> u64 {
        let Dispatched {
            batch,
            shards,
            carried,
            ..
        } = self;
        shards.clear();
        carried.clear();
        let packets = batch.iter().enumerate();
        let mut left_out = 0;
        shards.extend(packets.map(|(index, (meta, frame))| {
            if options.is_wanted(meta.time) {
                return spreader.shard(index, meta, frame, carried);
            }
            left_out += u64::from(options.is_left_out(meta.time));
            0
        }));
        self.first = first;
        left_out
    }
}

/// Brings the emissions of all workers into one order.
struct Gate<'a> {
    from_workers: Vec<Receiver<Done>>,
    world: &'a mut World,
    free: Vec<Dispatched>,
    waiting: Vec<Arc<Dispatched>>,
}

impl Gate<'_> {
    /// One to read into, used before where there is one.
    fn spare(&mut self) -> Dispatched {
        self.free.pop().unwrap_or_default()
    }

    /// Waits for all workers to return the oldest batch.
    fn take_oldest(&mut self, watch: &mut dyn Watch) {
        let emitted = self.gather();
        self.give(emitted, watch);
        let oldest = self.waiting.remove(0);
        if let Ok(dispatched) = Arc::try_unwrap(oldest) {
            self.free.push(dispatched);
        }
    }

    /// What workers report at the end.
    fn take_last(&mut self, watch: &mut dyn Watch) {
        let emitted = self.gather();
        self.give(emitted, watch);
    }

    fn gather(&mut self) -> Vec<Emitted> {
        let mut emitted = Vec::new();
        for worker in &self.from_workers {
            if let Ok(done) = worker.recv() {
                emitted.extend(done);
            }
        }
        emitted
    }

    fn give(&mut self, mut emitted: Vec<Emitted>, watch: &mut dyn Watch) {
        in_order(&mut emitted);
        for emitted in emitted {
            self.world.take(emitted.emission, watch);
        }
    }
}

/// Stable: emissions of one shard at one packet keep their order.
fn in_order(emitted: &mut Done) {
    emitted.sort_by_key(|emitted| (emitted.sequence, emitted.place));
}

/// One worker thread with the shards it owns.
struct Worker<'a> {
    shards: Vec<Option<Shard>>,
    options: &'a Options,
}

impl<'a> Worker<'a> {
    fn new(number: usize, of: usize, options: &'a Options, shard_options: &ShardOptions) -> Self {
        let shards = (0..SHARDS)
            .map(|index| (index % of == number).then(|| Shard::new(shard_options)))
            .collect();
        Worker { shards, options }
    }

    fn run(&mut self, batches: &Receiver<Arc<Dispatched>>, done: &SyncSender<Done>) {
        while let Ok(dispatched) = batches.recv() {
            let emitted = self.batch(&dispatched);
            drop(dispatched);
            if done.send(emitted).is_err() {
                return;
            }
        }
        let mut emitted = Done::new();
        for (index, shard) in self.shards.iter_mut().enumerate() {
            if let Some(shard) = shard {
                shard.finish();
                collect(shard, index, u64::MAX, &mut emitted);
            }
        }
        let _ = done.send(emitted);
    }

    fn batch(&mut self, dispatched: &Dispatched) -> Done {
        let mut emitted = Done::new();
        let packets = dispatched.batch.iter().zip(&dispatched.shards);
        let mut carried = &dispatched.carried.inner[..];
        for (sequence, ((meta, frame), index)) in (dispatched.first..).zip(packets) {
            if sequence % TICK == 0 {
                for (index, shard) in self.shards.iter_mut().enumerate() {
                    if let Some(shard) = shard {
                        shard.tick();
                        collect(shard, index, sequence, &mut emitted);
                    }
                }
            }
            let is_wanted = self.options.is_wanted(meta.time);
            if let Some(Some(shard)) = self.shards.get_mut(usize::from(*index))
                && is_wanted
            {
                shard.packet(meta, frame);
                collect(shard, BEHIND_TICKS, sequence, &mut emitted);
            }
            while let Some((inner, rest)) = carried.split_first()
                && dispatched.first + u64::from(inner.packet) == sequence
            {
                carried = rest;
                if let Some(Some(shard)) = self.shards.get_mut(usize::from(inner.shard))
                    && is_wanted
                {
                    let carrier = dispatched.carried.carrier(inner);
                    shard.inner(meta, frame, carrier, inner.depth);
                    let place = BEHIND_TICKS + inner.place();
                    collect(shard, place, sequence, &mut emitted);
                }
            }
        }
        emitted
    }
}

fn collect(shard: &mut Shard, place: usize, sequence: u64, into: &mut Done) {
    if shard.has_emissions() {
        into.extend(shard.take_emissions().map(|emission| Emitted {
            sequence,
            place,
            emission,
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emission::Emission;

    /// An unasked ARP announcement of 10.0.0.`host` (RFC 5227 §3).
    fn announcement(host: u8) -> Vec<u8> {
        let mut frame = vec![0xff; 6];
        frame.extend([2, 0, 0, 0, 0, host, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1]);
        frame.extend([2, 0, 0, 0, 0, host, 10, 0, 0, host]);
        frame.extend([0, 0, 0, 0, 0, 0, 10, 0, 0, host]);
        frame
    }

    /// Announcements of 200 hosts (pcap, Ethernet).
    fn capture() -> Vec<u8> {
        let words: [u32; 6] = [0xa1b2_c3d4, 0x0004_0002, 0, 0, 65_535, 1];
        let mut bytes = words.map(u32::to_le_bytes).concat();
        for host in 1..=200 {
            let frame = announcement(host);
            let length = frame.len() as u32;
            bytes.extend(
                [1_000, u32::from(host), length, length]
                    .map(u32::to_le_bytes)
                    .concat(),
            );
            bytes.extend(frame);
        }
        bytes
    }

    /// A tick comes before its packet in all shards, however many workers share them.
    #[test]
    fn sums_of_all_shards_go_before_the_packet_of_their_tick() {
        let name = format!("auscult-order-{}.pcap", std::process::id());
        let file = std::env::temp_dir().join(name);
        std::fs::write(&file, capture()).expect("a place for a file");
        let opened = Inputs::open(
            std::slice::from_ref(&file),
            auscult_capture::Options::default(),
        );
        let mut batch = Batch::new();
        assert!(opened.expect("a capture").next_batch(&mut batch));
        std::fs::remove_file(file).expect("it was there");
        assert_eq!(batch.packets.len(), 200);
        let options = Options::default();
        let shard_options = shard_options(&options);
        let mut dispatched = Dispatched {
            batch,
            ..Dispatched::default()
        };
        let mut spreader = Spreader::new(shard_options.fragments);
        dispatched.spread(&mut spreader, TICK - 199, &Options::default());
        for workers in [1, 3] {
            let mut emitted = Done::new();
            for worker in 0..workers {
                let mut worker = Worker::new(worker, workers, &options, &shard_options);
                emitted.extend(worker.batch(&dispatched));
            }
            in_order(&mut emitted);
            let at_tick = emitted.iter().filter(|e| e.sequence == TICK);
            let is_sum: Vec<bool> = at_tick
                .map(|e| matches!(e.emission, Emission::Neighbour(_)))
                .collect();
            let sums = is_sum.iter().take_while(|is_sum| **is_sum).count();
            assert_eq!(sums, 199, "{workers} workers");
            assert_eq!(is_sum.len(), 200, "and what the packet says");
        }
    }
}
