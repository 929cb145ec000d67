//! What a node asks, and what it makes of answers: good ones, and those that break off, come late or do not fit.

use std::sync::Arc;
use std::time::Duration;

use crate::support::{
    code, has, member, of_workspace, person, personal, profile, revoked, scopes, secret, workspace,
};
use keyward_core::change::{Epoch, Incarnation, Point, State};
use keyward_verifier::{Asking, BootTime, Broken, Follower, Head, LEASE, Lease, Replica};

const SECOND: u64 = 1_000_000_000;

struct Node {
    replica: Arc<Replica>,
    lease: Arc<Lease>,
    follower: Follower,
}

fn life(n: u64) -> Incarnation {
    Incarnation::new(n, [7; 10])
}

fn point(incarnation: u64, epoch: u64) -> Point {
    Point { incarnation: life(incarnation), epoch: Epoch(epoch) }
}

fn changes(nonce: u64, up_to: Point) -> Head {
    Head::Changes { nonce, up_to, is_confirmed: true }
}

fn at(seconds: u64) -> BootTime {
    BootTime(seconds * SECOND)
}

impl Node {
    fn new(control_planes: usize) -> Self {
        let (replica, lease) = (Arc::new(Replica::new(profile(false))), Arc::new(Lease::unanswered()));
        let follower = Follower::new(Arc::clone(&replica), Arc::clone(&lease), control_planes);
        Self { replica, lease, follower }
    }

    /// One that has loaded a snapshot at epoch 10 and was answered at second 10.
    fn loaded(states: Vec<State>) -> Self {
        let mut node = Self::new(1);
        assert_eq!(node.follower.ask(at(9), 1), Asking::Snapshot { nonce: 1 });
        assert_eq!(node.hear(Head::Snapshot { nonce: 1, up_to: point(1, 10) }, states), Ok(()));
        assert!(!node.lease.is_live(at(9)), "a snapshot may have been read before it was asked for");
        node.follower.ask(at(10), 2);
        assert_eq!(node.hear(changes(2, point(1, 10)), vec![]), Ok(()));
        assert!(node.lease.is_live(at(13)) && !node.lease.is_live(at(14)), "from when it was asked");
        node
    }

    fn hear(&mut self, head: Head, states: Vec<State>) -> Result<(), Broken> {
        self.follower.begin(head)?;
        let sent = states.len() as u64;
        states.into_iter().try_for_each(|state| self.follower.take(state))?;
        self.follower.end(sent)
    }

    fn code(&self, n: u8) -> &'static str {
        code(&self.replica, secret(n).expose(), None, None)
    }
}

fn town() -> Vec<State> {
    vec![
        workspace(1, "acme", "pro"),
        person(1, false),
        member(1, 1, Some("owner")),
        has(of_workspace(1, 1, scopes(&["a:read"]))),
        has(personal(2, 1, None, scopes(&["a:read"]))),
    ]
}

#[test]
fn a_node_asks_for_everything_first_and_then_for_what_is_new() {
    let mut node = Node::loaded(town());
    assert_eq!((node.code(1), node.code(2)), ("valid", "valid"));
    let asking = node.follower.ask(at(11), 3);
    assert_eq!(asking, Asking::Changes { nonce: 3, after: point(1, 10), hurry: false });
    node.hear(changes(3, point(1, 12)), vec![has(revoked(of_workspace(1, 1, scopes(&[]))))]).unwrap();
    assert_eq!((node.code(1), node.follower.reached()), ("revoked", Some(point(1, 12))));
    assert_eq!(node.lease.left(at(11)), LEASE);
    let asking = node.follower.ask(at(14), 4);
    assert!(matches!(asking, Asking::Changes { hurry: true, .. }), "its lease is nearly over");
}

#[test]
fn what_answers_another_question_or_comes_twice_or_late_renews_nothing() {
    let mut node = Node::loaded(town());
    node.follower.ask(at(12), 3);
    assert_eq!(node.follower.begin(changes(2, point(1, 12))), Err(Broken::OtherQuestion));
    node.follower.give_up();
    assert_eq!(node.follower.begin(changes(3, point(1, 12))), Err(Broken::OtherQuestion), "it was given up");
    node.follower.ask(at(13), 4);
    node.hear(changes(4, point(1, 10)), vec![]).unwrap();
    let left = node.lease.left(at(13));
    assert_eq!(node.follower.begin(changes(4, point(1, 10))), Err(Broken::OtherQuestion), "it was heard");
    assert_eq!(node.follower.end(0), Err(Broken::OtherQuestion));
    assert_eq!(node.lease.left(at(13)), left);
}

#[test]
fn an_answer_that_breaks_off_renews_nothing_and_is_told_again() {
    let mut node = Node::loaded(town());
    let gone = has(revoked(of_workspace(1, 1, scopes(&[]))));
    for broken in [Some(2), None] {
        node.follower.ask(at(12), 3);
        node.follower.begin(changes(3, point(1, 12))).unwrap();
        node.follower.take(gone.clone()).unwrap();
        match broken {
            Some(sent) => assert_eq!(node.follower.end(sent), Err(Broken::Incomplete { sent: 2, came: 1 })),
            None => node.follower.give_up(),
        }
        assert_eq!(node.follower.reached(), Some(point(1, 10)), "nothing says that it has come further");
        assert_eq!(node.lease.left(at(12)), Duration::from_secs(2));
    }
    node.follower.ask(at(13), 4);
    node.hear(changes(4, point(1, 12)), vec![gone]).unwrap();
    assert_eq!((node.code(1), node.follower.reached()), ("revoked", Some(point(1, 12))));
}

#[test]
fn what_does_not_continue_what_is_known_is_no_answer() {
    let mut node = Node::loaded(town());
    node.follower.ask(at(12), 3);
    assert_eq!(node.follower.begin(changes(3, point(2, 12))), Err(Broken::OtherIncarnation));
    let behind = Broken::Behind { up_to: Epoch(9), known: Epoch(10) };
    assert_eq!(node.follower.begin(changes(3, point(1, 9))), Err(behind));
    assert_eq!(node.follower.begin(Head::Snapshot { nonce: 3, up_to: point(1, 12) }), Err(Broken::OtherKind));
    assert_eq!(node.lease.left(at(12)), Duration::from_secs(2));
    assert_eq!(node.code(1), "valid", "it goes on under its lease");
}

#[test]
fn a_node_that_begins_anew_forgets_what_the_snapshot_does_not_tell() {
    let mut node = Node::loaded(town());
    node.follower.ask(at(12), 3);
    node.follower.begin(Head::SnapshotNeeded { nonce: 3 }).unwrap();
    assert!(
        node.lease.is_live(at(13)) && !node.lease.is_live(at(14)),
        "until it is loaded, the lease goes on"
    );
    assert_eq!(node.follower.ask(at(12), 4), Asking::Snapshot { nonce: 4 });
    let up_to = point(2, 5);
    node.follower.begin(Head::Snapshot { nonce: 4, up_to }).unwrap();
    assert!(!node.lease.is_live(at(12)) && !node.replica.is_loaded(), "what it knew is gone");
    // In this life key 1 was never revoked, key 2 never made, and nobody is a member.
    for state in [workspace(1, "acme", "pro"), person(1, false), has(of_workspace(1, 1, scopes(&[])))] {
        node.follower.take(state).unwrap();
    }
    node.follower.end(3).unwrap();
    assert_eq!(node.follower.reached(), Some(up_to));
    assert_eq!((node.code(1), node.code(2)), ("valid", "not_found"));
    assert!(!node.lease.is_live(at(12)), "it was not answered yet");
    node.follower.ask(at(13), 5);
    node.hear(changes(5, point(2, 6)), vec![has(personal(2, 1, None, scopes(&[])))]).unwrap();
    assert_eq!(node.code(2), "workspace_mismatch", "the membership of the life before counts no more");
    assert!(node.lease.is_live(at(13)));
}

#[test]
fn a_snapshot_that_breaks_off_leaves_nothing_to_rely_on() {
    let mut node = Node::new(1);
    node.follower.ask(at(1), 1);
    node.follower.begin(Head::Snapshot { nonce: 1, up_to: point(1, 10) }).unwrap();
    node.follower.take(member(1, 1, Some("owner"))).unwrap();
    node.follower.give_up();
    assert!(!node.replica.is_loaded() && node.follower.reached().is_none());
    assert_eq!(node.follower.ask(at(2), 2), Asking::Snapshot { nonce: 2 });
    let others = town().into_iter().filter(|state| !matches!(state, State::Membership { .. })).collect();
    node.hear(Head::Snapshot { nonce: 2, up_to: point(1, 11) }, others).unwrap();
    assert_eq!(node.code(2), "workspace_mismatch", "the membership has ended meanwhile");
}

#[test]
fn a_snapshot_that_broke_off_goes_on_where_it_did_and_no_other_does() {
    let mut node = Node::new(2);
    let mut states = town().into_iter();
    node.follower.ask(at(1), 1);
    node.follower.begin(Head::Snapshot { nonce: 1, up_to: point(1, 10) }).unwrap();
    node.follower.take(states.next().unwrap()).unwrap();
    assert!(!node.follower.can_go_on(1), "it is coming");
    node.follower.break_off();
    assert_eq!(node.follower.control_plane(), 0, "the same is asked for the rest");
    assert_eq!(node.follower.go_on(1), Err(Broken::OtherQuestion), "nobody was asked");
    assert_eq!(node.follower.ask(at(2), 2), Asking::Snapshot { nonce: 2 });
    assert!(node.follower.can_go_on(1) && !node.follower.can_go_on(2));
    assert_eq!(node.follower.go_on(2), Err(Broken::NothingToGoOnWith));
    assert_eq!(node.follower.go_on(1), Ok(()));
    assert_eq!(node.follower.go_on(1), Err(Broken::OtherQuestion), "it goes on already");
    node.follower.take(states.next().unwrap()).unwrap();
    node.follower.give_up();
    node.follower.ask(at(3), 3);
    node.follower.go_on(1).unwrap();
    assert!(!node.replica.is_loaded());
    states.by_ref().try_for_each(|state| node.follower.take(state)).unwrap();
    node.follower.end(town().len() as u64).unwrap();
    assert_eq!(node.follower.reached(), Some(point(1, 10)));
    assert_eq!((node.code(1), node.code(2)), ("valid", "valid"));
    assert!(!node.lease.is_live(at(3)), "a snapshot gives no right to decide");
}

#[test]
fn a_snapshot_that_begins_anew_has_no_rest_of_the_one_before() {
    let mut node = Node::new(1);
    node.follower.ask(at(1), 1);
    node.follower.begin(Head::Snapshot { nonce: 1, up_to: point(1, 10) }).unwrap();
    node.follower.give_up();
    node.follower.ask(at(2), 2);
    node.follower.begin(Head::Snapshot { nonce: 2, up_to: point(1, 11) }).unwrap();
    node.follower.give_up();
    node.follower.ask(at(3), 3);
    assert!(node.follower.can_go_on(2) && !node.follower.can_go_on(1), "what came of the first is gone");
}

#[test]
fn an_unconfirmed_store_is_followed_and_nothing_is_accepted() {
    let mut node = Node::loaded(town());
    node.follower.ask(at(11), 3);
    node.hear(Head::Changes { nonce: 3, up_to: point(1, 11), is_confirmed: false }, vec![]).unwrap();
    assert!(node.lease.is_withheld() && !node.lease.is_live(at(11)));
    node.follower.ask(at(12), 4);
    node.hear(changes(4, point(1, 11)), vec![]).unwrap();
    assert!(node.lease.is_live(at(12)));
}

#[test]
fn each_control_plane_is_asked_before_any_pause() {
    let mut node = Node::new(3);
    let mut asked = Vec::new();
    for n in 0..7 {
        asked.push((node.follower.control_plane(), node.follower.pause().as_millis()));
        node.follower.ask(at(n), n);
        node.follower.give_up();
    }
    assert_eq!(asked, [(0, 0), (1, 0), (2, 0), (0, 50), (1, 0), (2, 0), (0, 100)]);
    for n in 7..60 {
        node.follower.ask(at(n), n);
        node.follower.give_up();
        assert!(node.follower.pause() <= Duration::from_millis(500));
    }
    node.follower.ask(at(60), 60);
    node.hear(Head::Snapshot { nonce: 60, up_to: point(1, 1) }, vec![]).unwrap();
    assert_eq!(node.follower.pause(), Duration::ZERO);
}

#[test]
fn cyb_10_a_node_that_starts_from_its_copy_an_hour_later_decides_nothing_before_it_is_answered() {
    let states = || [town(), vec![has(of_workspace(1, 1, scopes(&[])))]].concat();
    let mut node = Node::new(1);
    node.follower.recall(7);
    assert_eq!(node.hear(Head::Snapshot { nonce: 7, up_to: point(1, 10) }, states()), Ok(()));
    let an_hour = 3_600;
    assert!(!node.lease.is_live(at(0)) && !node.lease.is_live(at(an_hour)));
    assert_eq!(node.follower.snapshots(), 0, "nobody was asked for one");
    // It asks for what was changed since, and only the answer lets it decide, by what it says.
    let asking = node.follower.ask(at(an_hour), 8);
    assert_eq!(asking, Asking::Changes { nonce: 8, after: point(1, 10), hurry: true });
    let revoked = vec![has(revoked(of_workspace(1, 1, scopes(&[]))))];
    assert_eq!(node.hear(changes(8, point(1, 11)), revoked), Ok(()));
    assert!(node.lease.is_live(at(an_hour)));
    assert_eq!(node.code(1), "revoked");
}

#[test]
fn a_copy_that_breaks_off_is_as_none() {
    let mut node = Node::new(1);
    node.follower.recall(7);
    assert_eq!(node.follower.begin(Head::Snapshot { nonce: 7, up_to: point(1, 10) }), Ok(()));
    assert_eq!(node.follower.take(town().remove(0)), Ok(()));
    node.follower.forget_recalled();
    assert!(!node.replica.is_loaded());
    assert_eq!(node.follower.ask(at(1), 8), Asking::Snapshot { nonce: 8 });
}
