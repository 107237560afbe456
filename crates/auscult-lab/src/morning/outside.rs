//! Guests with made-up MACs, who go where they like.

use std::net::Ipv4Addr;

use super::{BROWSER_OF_GUESTS, Common, Morning, Place, ROUTER, made_up};
use crate::net::{Host, MS, Path, SECOND, Way};
use crate::speak::{dhcp, http};
use crate::wire::tcp::Stack;

impl Morning {
    pub(super) fn outside(&mut self, _: &Common) {
        let [a, b, c] = self.segment(Place::Guests).net;
        self.site
            .push_str(&format!("[site]\nguest = [\"{a}.{b}.{c}.0/24\"]\n"));
        let server = self.first_router();
        for n in 0..3_u8 {
            let host = Host {
                mac: made_up(&mut self.stage),
                ip: self.address(Place::Guests, 150 + n * 7),
                vlan: Some(self.segment(Place::Guests).vlan),
                stack: Stack::LINUX,
            };
            self.guest(&host, &server, n);
        }
    }

    /// The first router by its own address in the guests' segment: it hands out addresses there.
    fn first_router(&self) -> Host {
        let address = self.address(Place::Guests, 2).to_string();
        let known = self.stage.truth.devices.iter();
        let mac = known
            .filter(|device| device.ips.contains(&address))
            .find_map(|device| device.mac.parse().ok());
        let gateway = self.gateway(Place::Guests);
        Host {
            mac: mac.unwrap_or(gateway.mac),
            ip: self.address(Place::Guests, 2),
            stack: ROUTER,
            ..gateway
        }
    }

    fn guest(&mut self, host: &Host, server: &Host, n: u8) {
        let at = self.stage.at(3_000_000 + i64::from(n) * 4_400_000);
        let lease = dhcp::Lease {
            ip: host.ip,
            prefix: 24,
            router: self.gateway(Place::Guests).ip,
            dns: server.ip,
            server: server.ip,
        };
        let who = dhcp::Client {
            host_name: None,
            vendor_class: (n == 0).then(|| "android-dhcp-14".to_owned()),
            parameters: vec![1, 3, 6, 15, 26, 28, 51, 58, 59, 43, 114, 108],
        };
        self.stage.lease(at, host, server, &lease, &who);
        let at = at.plus(2 * SECOND);
        let names = self.path(at, host, server);
        let far = Ipv4Addr::new(203, 0, 113, self.stage.prng.between(120, 200) as u8);
        let site = *self.stage.prng.pick(&["video.example", "post.example"]);
        let now = self.stage.resolve_name(at, &names, site, &[far]);
        let path: Path = self.path_outside(now.plus(5 * MS), host, far);
        let stacks = (host.stack, Stack::LINUX);
        let now = self.stage.browse(now.plus(5 * MS), &path, stacks, site, 2);
        // A check whether the Internet is there, in clear, as phones do it.
        let fields = [("Host", "check.example"), ("User-Agent", BROWSER_OF_GUESTS)];
        let turns = [
            (
                Way::Out,
                http::request("GET", "/generate_204", &fields, &[]),
            ),
            (Way::Back, http::response("204 No Content", &[], &[])),
        ];
        self.stage
            .converse(now.plus(SECOND), &path, stacks, (80, "http"), &turns);
        let roles = "phone|workstation|other|unknown";
        self.device("guest", host, roles, &[]);
    }
}
