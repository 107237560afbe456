//! Keys that collide where the hash is known do not where it is seeded.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, Hasher};
use std::net::{IpAddr, Ipv4Addr};

use auscult_model::{Direction, Transport};

use super::{FlowTable, Tuple};
use crate::{At, FlowFacts, Limits, Readers};

/// Reads nothing.
struct Nothing;

impl Readers for Nothing {
    type Reader = ();
    fn wants(&self, _: &()) -> bool {
        false
    }
    fn bytes(&mut self, _: &FlowFacts, _: &mut (), _: Direction, _: &[u8], _: At, _: bool) {}
    fn gap(&mut self, _: &FlowFacts, _: &mut (), _: Direction, _: Option<u64>, _: At) {}
    fn datagram(
        &mut self,
        _: &FlowFacts,
        _: &mut (),
        _: Direction,
        _: &[u8],
        _: At,
        _: &[auscult_packet::Part],
    ) {
    }
    fn is_medical(&self, _: &()) -> bool {
        false
    }
    fn ended(&mut self, _: &FlowFacts, _: ()) {}
}

const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);

fn tuple(client: Ipv4Addr, port: u16) -> Tuple {
    Tuple {
        transport: Transport::Tcp,
        src: IpAddr::V4(client),
        dst: IpAddr::V4(SERVER),
        src_port: port,
        dst_port: 104,
    }
}

/// The bits by which a table of 4,096 places chooses one.
fn place(key: u64) -> u64 {
    key & 0xfff
}

#[test]
fn a_flood_that_aims_at_one_place_misses_it() {
    // Somebody who knew the hash, unseeded, looks for flows that all fall into one place.
    let known = foldhash::quality::FixedState::default();
    let aimed: Vec<Tuple> = (0..4_000_000_u32)
        .map(|number| {
            let client = Ipv4Addr::from(0x0a00_0002 + number / 50_000);
            (client, 1024 + (number % 50_000) as u16)
        })
        .filter(|(client, port)| {
            let mut hasher = known.build_hasher();
            hasher.write_u64(u64::from(SERVER.to_bits()) << 32 | u64::from(client.to_bits()));
            hasher.write_u64(104 << 32 | u64::from(*port) << 16 | 6);
            place(hasher.finish()) == 7
        })
        .map(|(client, port)| tuple(client, port))
        .take(512)
        .collect();
    assert_eq!(aimed.len(), 512);
    let places = || -> BTreeSet<u64> {
        let table: FlowTable<Nothing> = FlowTable::new(Limits::share(4096, 1 << 20, 1));
        let keys = aimed.iter().map(|tuple| table.key(tuple));
        keys.map(place).collect()
    };
    let (one, other) = (places(), places());
    // 512 flows in 4,096 places: some 480 different ones.
    assert!(one.len() > 400, "{}", one.len());
    assert!(other.len() > 400, "{}", other.len());
    assert_ne!(one, other, "each table has a seed of its own");
}
