//! Scenes of shares: the update of a monitor, ordinary documents, and a thin client's boot.

use std::net::Ipv4Addr;

use super::{ALL_RULES, Parameters, Server};
use crate::frame::Scene;
use crate::net::{Host, Path, Way};
use crate::prng::Prng;
use crate::speak::rpc;
use crate::stage::Stage;
use crate::truth::CMS8000;
use crate::update::{Fetch, SharedFile, inert_program};
use crate::wire::tcp::Stack;

fn record(stage: &mut Stage, fetch: &Fetch, path: &Path, stacks: (Stack, Stack)) {
    let at = stage.at(1_000);
    fetch.run(&mut stage.rec, &mut stage.prng, path, stacks, at);
    for (port, protocol) in fetch.ports.into_iter().zip(["portmap", "mount", "nfs"]) {
        stage.truth.flow(path.a, path.b, port, protocol);
    }
    for file in &fetch.files {
        stage.truth.artifact(&file.bytes);
    }
    stage
        .truth
        .identity(path.a, "rpc_machine_name", &fetch.machine);
}

/// A monitor's update from a share: where the share is decides. With a server inside that is
/// known to nobody the finding may be lower; the copied program must be found all the same.
pub fn nfs_update(p: &Parameters, server: Server) -> Scene {
    let fetch = |prng: &mut Prng| {
        let bytes = p.content.clone().unwrap_or_else(|| {
            let size = prng.between(8_000, 60_000) as usize;
            inert_program(prng, size)
        });
        Fetch::update(
            prng,
            &p.export,
            vec![SharedFile {
                name: p.file.clone(),
                bytes,
            }],
        )
    };
    let mut prng = Prng::new(p.seed).fork("fetch");
    let fetch = fetch(&mut prng);
    nfs_session(p, server, &fetch)
}

/// As [`nfs_update`], with everything about the session given.
pub fn nfs_session(p: &Parameters, server: Server, fetch: &Fetch) -> Scene {
    let mut stage = Stage::new(p.seed, "a monitor mounts a share and copies a file");
    let host = p.monitor_host(&mut stage);
    let (path, stack) = match server {
        Server::Outside => {
            let gateway = p.gateway_host(&mut stage);
            stage
                .rec
                .resolve(stage.at(900), &host, gateway.ip, Some(gateway.mac));
            (p.path_outside(&host, &gateway), Stack::LINUX)
        }
        Server::Squatted | Server::Inside => {
            let station = p.station_host(&mut stage);
            stage
                .rec
                .resolve(stage.at(900), &host, station.ip, Some(station.mac));
            stage
                .truth
                .device("share", &station, "server|central-station|other|unknown");
            (Path::on_link(&host, &station), station.stack)
        }
    };
    record(&mut stage, fetch, &path, (host.stack, stack));
    let truth = &mut stage.truth;
    let device = truth.device("monitor", &host, "patient-monitor|other|unknown");
    device.family = Some(CMS8000.to_owned());
    let least = if server == Server::Inside {
        "info"
    } else {
        "critical"
    };
    truth.must("remote-code-share", host.ip, least);
    truth.answer("code-fetched", "yes");
    truth.must_not(&[
        "phi-cleartext-outside",
        "phi-cleartext-inside",
        "cleartext-login",
    ]);
    stage.finish()
}

/// A mount of the export that nobody answers, or that a server refuses: nothing was copied.
pub fn mount_attempt(p: &Parameters, refused: bool) -> Scene {
    let mut stage = Stage::new(p.seed, "a monitor tries to mount a share outside");
    let (host, gateway) = (p.monitor_host(&mut stage), p.gateway_host(&mut stage));
    super::answered_neighbour(&mut stage, &host, &gateway);
    stage
        .rec
        .resolve(stage.at(900), &host, gateway.ip, Some(gateway.mac));
    let path = p.path_outside(&host, &gateway);
    let port = stage.prng.between(600, 1000) as u16;
    let xid = stage.prng.next_u64() as u32;
    let ask = rpc::getport(rpc::MOUNT, 3, 17);
    let call = rpc::call(xid, (rpc::PORTMAP, 2, 3), None, &ask);
    if refused {
        let (rtt, at) = (path.rtt_b, stage.at(1_000));
        let caller = rpc::Caller {
            machine: "cms8000".to_owned(),
            uid: 0,
            stamp: 7,
        };
        let export = rpc::Xdr::new().opaque(p.export.as_bytes());
        let mount = rpc::call(xid + 1, (rpc::MOUNT, 3, 1), Some(&caller), &export);
        let answers = [
            (111, call, rpc::reply(xid, &rpc::Xdr::new().u32(20_048))),
            // MNT3ERR_ACCES
            (20_048, mount, rpc::reply(xid + 1, &rpc::Xdr::new().u32(13))),
        ];
        for (n, (to, call, reply)) in answers.iter().enumerate() {
            let at = at.plus(n as i64 * 2 * rtt);
            stage.rec.udp(at, &path, Way::Out, (port, *to), call);
            stage
                .rec
                .udp(at.plus(rtt), &path, Way::Back, (port, *to), reply);
        }
        stage.truth.must("remote-code-share", host.ip, "info");
    } else {
        for offset in &p.retries {
            let at = stage.at(1_000).plus(*offset);
            stage.rec.udp(at, &path, Way::Out, (port, 111), &call);
        }
        stage.truth.must("dead-public-address", host.ip, "info");
    }
    stage
        .truth
        .device("monitor", &host, "patient-monitor|other|unknown");
    stage.truth.must_not(&[
        "phi-cleartext-outside",
        "phi-cleartext-inside",
        "cleartext-login",
    ]);
    stage.finish()
}

/// Three text documents read over NFS from a server inside: ordinary work.
pub fn nfs_documents(p: &Parameters) -> Scene {
    let mut stage = Stage::new(p.seed, "a workstation reads documents from a share inside");
    let client = p.host(&mut stage, [0x3c, 0x52, 0x82], p.monitor, Stack::LINUX);
    let server = p.host(&mut stage, p.station_vendor, p.station, Stack::LINUX);
    stage
        .rec
        .resolve(stage.at(900), &client, server.ip, Some(server.mac));
    let files = ["dienstplan.txt", "speiseplan.txt", "notizen.txt"].map(|name| SharedFile {
        name: name.to_owned(),
        bytes: format!("{name}: an invented document\n")
            .repeat(60)
            .into_bytes(),
    });
    let mut prng = Prng::new(p.seed).fork("fetch");
    let mut fetch = Fetch::update(&mut prng, "/srv/dokumente", files.to_vec());
    fetch.machine = "pc-verwaltung".to_owned();
    fetch.missing = None;
    record(
        &mut stage,
        &fetch,
        &Path::on_link(&client, &server),
        (client.stack, server.stack),
    );
    stage
        .truth
        .device("workstation", &client, "workstation|other|unknown");
    stage.truth.device("file server", &server, "server");
    stage.truth.must_not(&ALL_RULES);
    stage.finish()
}

/// A thin client boots its root over NFS from its own server: the same bytes, nothing wrong.
pub fn thin_client(p: &Parameters) -> Scene {
    let mut stage = Stage::new(
        p.seed,
        "a thin client loads its programs from its own server",
    );
    let server_ip = Ipv4Addr::from((u32::from(p.monitor) & !0xff) | 5);
    let client = p.host(&mut stage, [0x00, 0x80, 0x64], p.monitor, Stack::LINUX);
    let server = p.host(&mut stage, p.station_vendor, server_ip, Stack::LINUX);
    let more = Host {
        ip: Ipv4Addr::from(u32::from(p.monitor) + 1),
        ..client.clone()
    };
    let second = Host {
        mac: stage.mac([0x00, 0x80, 0x64]),
        ..more
    };
    let mut prng = Prng::new(p.seed).fork("fetch");
    let files: Vec<SharedFile> = ["init", "libc.so.6", "Xorg"]
        .iter()
        .map(|name| SharedFile {
            name: (*name).to_owned(),
            bytes: inert_program(&mut prng, 9_000),
        })
        .collect();
    let mut fetch = Fetch::update(&mut prng, "/srv/thin/root", files);
    fetch.unmount = false;
    for (n, host) in [client, second].into_iter().enumerate() {
        stage
            .rec
            .resolve(stage.at(900), &host, server.ip, Some(server.mac));
        fetch.machine = format!("thin{n:02}");
        record(
            &mut stage,
            &fetch,
            &Path::on_link(&host, &server),
            (host.stack, server.stack),
        );
        stage
            .truth
            .device("thin client", &host, "workstation|other|unknown");
    }
    stage.truth.device("boot server", &server, "server");
    stage.truth.must_not(&ALL_RULES);
    stage.finish()
}
