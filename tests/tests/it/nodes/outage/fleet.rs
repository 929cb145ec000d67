//! Control planes, their database and nodes, and what befalls them.

use std::net::{Ipv4Addr, SocketAddr};
use std::thread;
use std::time::Duration;

use keyward_tests::{Caller, Database, Dice, Gateway, Keyward, Proxy, Way};

use super::say;

const NODES: [&str; 3] = ["edge-1", "edge-2", "edge-3"];
const CONTROL_PLANES: [&str; 2] = ["server-1", "server-2"];

/// Control planes, and three nodes that follow all of them, with a proxy on each way.
pub(super) struct Fleet {
    pub(super) control_planes: Vec<Keyward>,
    pub(super) nodes: Vec<Gateway>,
    /// Of each node, to each control plane.
    proxies: Vec<Vec<Proxy>>,
    /// Of each control plane, to the database that they share.
    stores: Vec<Proxy>,
    /// Nodes that were killed.
    killed: Vec<usize>,
    /// A control plane that was killed, or stopped.
    away: Option<(usize, bool)>,
}

impl Fleet {
    pub(super) fn of_one_control_plane() -> Self {
        let [name, _] = CONTROL_PLANES;
        let alone = Keyward::profile("default").env("KEYWARD_DATA_PLANE__NODE", name).with_feed().start();
        Self::of(vec![alone], Vec::new())
    }

    pub(super) fn of_two_control_planes() -> Self {
        let [first, second] = CONTROL_PLANES
            .map(|name| Keyward::profile("default").env("KEYWARD_DATA_PLANE__NODE", name).with_feed());
        let database = Database::new();
        let at = SocketAddr::from((Ipv4Addr::LOCALHOST, database.cluster().port()));
        let (to_first, to_second) = (Proxy::to(at), Proxy::to(at));
        let by_second = database.env_by_way_of(to_second.addr().port());
        let first = first.on(database.by_way_of(to_first.addr().port())).start();
        let second = by_second.iter().fold(second, |second, (name, value)| second.env(name, value)).start();
        Self::of(vec![first, second], vec![to_first, to_second])
    }

    fn of(control_planes: Vec<Keyward>, stores: Vec<Proxy>) -> Self {
        let (mut nodes, mut proxies) = (Vec::new(), Vec::new());
        for (at, name) in NODES.into_iter().enumerate() {
            let mut ways: Vec<Proxy> =
                control_planes.iter().map(|control_plane| Proxy::to(control_plane.feed_addr())).collect();
            let mut followed: Vec<String> = ways.iter().map(|way| format!("http://{}", way.addr())).collect();
            // Not all begin with the same one.
            let first = at % control_planes.len();
            followed.rotate_left(first);
            ways.rotate_left(first);
            nodes.push(Gateway::start(name, "default", &followed));
            proxies.push(ways);
        }
        Self { control_planes, nodes, proxies, stores, killed: Vec::new(), away: None }
    }

    /// Everything that decides, by its name.
    pub(super) fn doors(&self) -> Vec<(String, Caller)> {
        let nodes = self.nodes.iter().map(|node| (node.name().to_owned(), node.data()));
        let servers = CONTROL_PLANES.iter().zip(&self.control_planes);
        nodes.chain(servers.map(|(name, server)| ((*name).to_owned(), server.data()))).collect()
    }

    /// Something else befalls each node.
    pub(super) fn break_nodes(&mut self, dice: &mut Dice) {
        for (at, (node, ways)) in self.nodes.iter().zip(&self.proxies).enumerate() {
            let what = dice.choose(&["nothing", "cut", "silent", "deaf", "slow", "stopped", "killed"]);
            // All its ways, or only one.
            let ways = if dice.one_in(3) { &ways[..1] } else { &ways[..] };
            say(&format!("{}: {what}, {} ways", node.name(), ways.len()));
            let slow = Duration::from_millis(200 + dice.number() % 2_000);
            for way in ways {
                match what {
                    "cut" => way.set(Way::Cut),
                    "silent" => way.set(Way::Silent),
                    "deaf" => way.set(Way::Deaf),
                    "slow" => way.delay(slow),
                    _ => {}
                }
            }
            match what {
                "stopped" => node.pid().stop(),
                "killed" => {
                    node.pid().kill_9();
                    self.killed.push(at);
                }
                _ => {}
            }
        }
    }

    /// The way to the database of the control plane that is to revoke keys is slow or cut, where it is another machine's.
    pub(super) fn break_store(&self, dice: &mut Dice, of: usize) {
        let Some(way) = self.stores.get(of) else { return };
        let what = dice.choose(&["near", "near", "slow", "cut"]);
        say(&format!("{}: its store is {what}", CONTROL_PLANES[of]));
        match what {
            "slow" => way.delay(Duration::from_millis(5 + dice.number() % 20)),
            "cut" => way.set(Way::Cut),
            _ => {}
        }
    }

    /// The way of a control plane to its store, where it is another machine's.
    pub(super) fn way_to_store(&self, of: usize) -> Option<&Proxy> {
        self.stores.get(of)
    }

    /// Another control plane than the one that is to revoke keys goes away, or its store does, where there is one.
    pub(super) fn break_another_control_plane(&mut self, dice: &mut Dice, by: usize) {
        let Some(other) = (0..self.control_planes.len()).find(|other| *other != by) else { return };
        let what = dice.choose(&[
            "stays",
            "stopped",
            "killed",
            "store cut",
            "store silent",
            "store deaf",
            "store slow",
        ]);
        say(&format!("{}: {what}", CONTROL_PLANES[other]));
        let store = &self.stores[other];
        match what {
            "store cut" => return store.set(Way::Cut),
            "store silent" => return store.set(Way::Silent),
            "store deaf" => return store.set(Way::Deaf),
            "store slow" => return store.delay(Duration::from_millis(200 + dice.number() % 2_000)),
            "stopped" => self.control_planes[other].pid().stop(),
            "killed" => self.control_planes[other].pid().kill_9(),
            _ => return,
        }
        self.away = Some((other, what == "killed"));
    }

    pub(super) fn kill_and_restart(&mut self, dice: &mut Dice, control_plane: usize) {
        say(&format!("{}: killed and started again", CONTROL_PLANES[control_plane]));
        self.control_planes[control_plane].pid().kill_9();
        thread::sleep(Duration::from_millis(dice.number() % 2_000));
        self.control_planes[control_plane].restart_after_death();
    }

    /// All is well again.
    pub(super) fn mend(&mut self) {
        for way in self.proxies.iter().flatten().chain(&self.stores) {
            mend(way);
        }
        for (at, node) in self.nodes.iter_mut().enumerate() {
            if self.killed.contains(&at) {
                node.restart();
            } else {
                node.pid().go_on();
            }
        }
        self.killed.clear();
        match self.away.take() {
            Some((away, true)) => self.control_planes[away].restart_after_death(),
            Some((away, false)) => self.control_planes[away].pid().go_on(),
            None => {}
        }
    }
}

/// All comes through at once.
pub(super) fn mend(way: &Proxy) {
    way.set(Way::Open);
    way.delay(Duration::ZERO);
}
