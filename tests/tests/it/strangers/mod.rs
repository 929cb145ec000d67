//! Thousands of requests by strangers against one workspace, on both planes: nothing of it is read, nothing is written,
//! and what is said of it is what is said of workspaces that do not exist.
//!
//! Each attack is made twice by the same dice: with the workspace's names, and with names of the same shape that nothing
//! has. Only one who reads or changes something can tell the two apart.

mod attack;
mod attackers;
mod choice;
mod data_plane;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::time::Instant;

use keyward_tests::{Answer, Caller, Dice, Keyward, Line, pick, project_root};

use self::attack::{Arsenal, Attack};
use self::attackers::Own;
use self::world::{Names, World};
use crate::surface::{Document, Operation, Request};

/// How many attacks without another wish in `KEYWARD_STRANGER_REQUESTS`.
const ATTACKS_DEFAULT: u64 = 5_000;
/// So often the attackers, who end their own keys and send their own people away, begin anew.
const ATTACKS_OF_A_ROUND: u64 = 500;

fn from_env(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

/// The default profile, with a route that names the workspace.
fn server() -> Keyward {
    let default = std::fs::read_to_string(project_root().join("profiles/default.toml")).expect("the profile");
    let route = "\n[[routes]]\nmethod = \"GET\"\npath = \"/w/{workspace}/things\"\nscope = \"api:read\"\n";
    let dir = tempfile::tempdir().expect("a temporary directory");
    let file = dir.path().join("routed.toml");
    std::fs::write(&file, default + route).expect("a profile of one's own");
    Keyward::profile(&file.display().to_string()).sends_here().start()
}

/// Both planes, asked by the same strangers.
struct Strangers<'a> {
    document: Document,
    operations: Vec<Operation>,
    data: Caller,
    control_line: Line,
    data_line: Line,
    names: &'a Names,
    ghosts: Names,
    /// What no answer may hold that was not in its question.
    markers: Vec<String>,
    /// But for what those of this round have written themselves, and those who stay from round to round.
    written: BTreeSet<String>,
    written_for_good: BTreeSet<String>,
    seed: u64,
    tally: Tally,
}

#[derive(Debug, Default)]
struct Tally {
    requests: u64,
    /// Attacks whose answer was compared with that about what does not exist.
    twins: u64,
    statuses: BTreeMap<u16, u64>,
}

impl<'a> Strangers<'a> {
    fn against(keyward: &Keyward, world: &'a World<'_>, ghosts: Names, seed: u64) -> Self {
        let document = Document::of(keyward);
        Self {
            operations: document.operations(),
            document,
            data: keyward.data(),
            control_line: Line::to(&keyward.anonymous()),
            data_line: Line::to(&keyward.data()),
            names: &world.names,
            ghosts,
            markers: world.markers(),
            written: BTreeSet::new(),
            written_for_good: BTreeSet::new(),
            seed,
            tally: Tally::default(),
        }
    }

    fn ask(&mut self, attack: &Attack, own: &Own) -> Answer {
        let caller = attack.caller(own, &self.data);
        let line = if attack.is_of_data_plane { &mut self.data_line } else { &mut self.control_line };
        self.tally.requests += 1;
        let Request { method, path, body } = &attack.question.request;
        line.ask(&caller, method, path, body.as_ref())
    }

    fn attack(&mut self, own: &Own, dice: &mut Dice) {
        let arsenal = Arsenal { document: &self.document, operations: &self.operations, own };
        let (mut same_dice, names) = (dice.clone(), self.names);
        let attack = Attack::devise(&arsenal, names, dice);
        let twin = Attack::devise(&arsenal, &self.ghosts, &mut same_dice);
        let has_twin = attack.question.has_twin && attack.named != twin.named;
        let of_ghosts = has_twin.then(|| self.ask(&twin, own));
        let answer = self.ask(&attack, own);
        *self.tally.statuses.entry(answer.status).or_default() += 1;
        self.check(&attack, own, &answer);
        if answer.status < 300 && !attack.is_of_data_plane {
            self.remember_written(&attack, own);
        }
        let Some(of_ghosts) = of_ghosts else { return };
        self.tally.twins += 1;
        let alike = |of_ghosts: &Answer| looks_alike(&attack, &answer, &twin, of_ghosts);
        // What the one changed of the strangers' own things, the other may have found changed.
        if !alike(&of_ghosts) {
            let again = self.ask(&twin, own);
            assert!(
                alike(&again),
                "{}of what is there:\n{answer}\nof what is not:\n{again}",
                self.name(&attack, own)
            );
        }
    }

    /// What strangers have written into their own things may be told to them.
    fn remember_written(&mut self, attack: &Attack, own: &Own) {
        let body = attack.question.request.body.as_ref().map(ToString::to_string).unwrap_or_default();
        let written = self.markers.iter().filter(|marker| body.contains(*marker)).cloned();
        let stays = own.attackers[attack.attacker].stays;
        let places = if stays { &mut self.written_for_good } else { &mut self.written };
        places.extend(written);
    }

    #[track_caller]
    fn check(&self, attack: &Attack, own: &Own, answer: &Answer) {
        let said = || format!("{}{answer}", self.name(attack, own));
        assert!(answer.status < 500, "{}", said());
        if answer.status >= 400 {
            let code = answer.body["code"].as_str().unwrap_or_default();
            assert!(!code.is_empty(), "no problem: {}", said());
            drop(answer.clone().problem(answer.status, code));
        }
        if attack.question.is_verified_in() == Some(self.names.slug.as_str()) {
            assert_ne!(answer.body["valid"], true, "{}", said());
        }
        let (sent, whole) = (attack.sent(), answer.whole());
        let is_own =
            |marker: &&String| self.written.contains(*marker) || self.written_for_good.contains(*marker);
        for marker in self.markers.iter().filter(|marker| !is_own(marker)) {
            assert!(!whole.contains(marker) || sent.contains(marker), "{marker} is told: {}", said());
        }
    }

    /// Attacks that never came near the workspace would prove nothing.
    #[track_caller]
    fn check_worth(&self, attacks: u64) {
        let Tally { twins, statuses, .. } = &self.tally;
        let (own, all) = (self.written_for_good.len(), self.markers.len());
        assert!(own * 4 < all, "{own} of {all} markers were no longer looked for");
        assert!(twins * 2 > attacks, "most attacks name the workspace: {:?}", self.tally);
        if attacks < ATTACKS_DEFAULT {
            return;
        }
        for status in [200, 201, 400, 401, 403, 404, 422] {
            assert!(statuses.contains_key(&status), "no answer {status}: {statuses:?}");
        }
    }

    fn name(&self, attack: &Attack, own: &Own) -> String {
        let attacker = own.attackers[attack.attacker].name;
        format!(
            "KEYWARD_STRANGER_SEED={}: {attacker}: {}: {}\n",
            self.seed,
            attack.question.operation,
            attack.sent()
        )
    }
}

/// Whether two answers differ in nothing but the names that the questions held.
fn looks_alike(attack: &Attack, answer: &Answer, twin: &Attack, of_ghosts: &Answer) -> bool {
    if answer.status < 400 && of_ghosts.status < 400 {
        let count = |answer: &Answer| answer.body["items"].as_array().map(Vec::len);
        return answer.status == of_ghosts.status && count(answer) == count(of_ghosts);
    }
    let mut pairs: Vec<_> = attack.named.iter().zip(&twin.named).collect();
    pairs.sort_by_key(|(named, _)| std::cmp::Reverse(named.len()));
    let translated = pairs.iter().fold(answer.to_compare(), |text, (real, ghost)| text.replace(*real, ghost));
    translated == of_ghosts.to_compare()
}

/// Where a list of somebody else's keys goes on.
fn cursor_of_the_lobby(keyward: &Keyward) -> String {
    let lobby = keyward.first_workspace();
    let keys = [lobby.any_key(), lobby.any_key()];
    lobby
        .owner()
        .get(&lobby.path(&format!("keys?limit={}", keys.len() - 1)))
        .expect(200)
        .text_at("next_cursor")
}

#[track_caller]
fn assert_untouched(world: &World<'_>, before: &BTreeSet<String>, seed: u64) {
    let after = world.state();
    let changed: Vec<_> = after.symmetric_difference(before).collect();
    assert!(changed.is_empty(), "KEYWARD_STRANGER_SEED={seed}: something was written: {changed:#?}");
}

#[test]
fn strangers_read_nothing_write_nothing_and_learn_nothing() {
    let attacks = from_env("KEYWARD_STRANGER_REQUESTS").unwrap_or(ATTACKS_DEFAULT);
    let seed = from_env("KEYWARD_STRANGER_SEED").unwrap_or_else(|| pick(u64::MAX));
    say(&format!("KEYWARD_STRANGER_SEED={seed}"));
    let (keyward, mut dice, begun) = (server(), Dice::new(seed), Instant::now());
    let world = World::build(&keyward);
    let ghosts = world.names.ghosts(&mut dice, cursor_of_the_lobby(&keyward));
    let before = world.state();
    the_watch_sees(&world, &before);

    let mut strangers = Strangers::against(&keyward, &world, ghosts, seed);
    let mut left = attacks;
    while left > 0 {
        let own = attackers::assemble(&keyward, &world);
        strangers.written.clear();
        for _ in 0..left.min(ATTACKS_OF_A_ROUND) {
            strangers.attack(&own, &mut dice);
        }
        left = left.saturating_sub(ATTACKS_OF_A_ROUND);
        assert_untouched(&world, &before, seed);
    }
    world.check_alive();
    let metrics = keyward.data().get("/metrics").expect(200);
    assert!(!strangers.markers.iter().any(|marker| metrics.text.contains(marker)), "{metrics}");
    say(&format!("{attacks} attacks in {:.1} s, {:?}", begun.elapsed().as_secs_f32(), strangers.tally));
    strangers.check_worth(attacks);
}

/// Not `println!`: the test harness would keep it to itself.
fn say(text: &str) {
    writeln!(std::io::stderr(), "strangers: {text}").expect("stderr");
}

/// The search finds what is there, and the state has something to change.
#[track_caller]
fn the_watch_sees(world: &World<'_>, state: &BTreeSet<String>) {
    let seen_in =
        |place: &str, text: &str| state.iter().any(|line| line.starts_with(place) && line.contains(text));
    let names = &world.names;
    for name in [&names.slug, &names.words[0], &names.keys[0], &names.people[0], &names.personal_keys[0]] {
        assert!(seen_in("/api/v1/", name), "the owner does not see {name}");
    }
    for table in ["workspaces", "users", "memberships", "keys", "key_secrets", "invitations", "audit_entries"]
    {
        assert!(seen_in(&format!("{table}:"), ""), "no row of {table}");
    }
}
