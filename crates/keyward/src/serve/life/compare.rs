//! Looking: does the system say what the model says?

use std::collections::BTreeMap;
use std::net::IpAddr;

use keyward_core::key::KeyStatus;
use keyward_core::permission;
use keyward_service::get_key::{get_personal_key, get_workspace_key};
use keyward_service::list_keys::{Wish, list_personal_keys, list_workspace_keys};
use keyward_service::refusal::Refusal;
use keyward_service::whoami::whoami;
use keyward_storage::{Found, KeyRow, KeySort, Page};
use keyward_wire::key::{Around, Key as Shown};

use super::model::rights::Rule;
use super::model::{Ask, Home, Life, Presented, Question, Via, Where};
use super::pools;
use super::random::{Purpose, Random};
use super::system::ask;
use super::world::{World, Wrong};

/// Keys of the present step that are looked at from all sides.
const FOCUS_MAX: usize = 6;
/// Secrets besides, of whichever keys.
const SAMPLES: usize = 5;
/// The same, on the other node once it has caught up.
const OTHER_SAMPLES: usize = 8;
/// Changes that are on their way to the other node.
const LATE_MAX: usize = 6;
/// More than a world has keys.
const ALL: Page = Page { limit: 1_000_000, after: None };

/// Which data plane is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Node {
    /// That of the process that serves.
    Own,
    /// That of another process.
    Other,
}

impl World {
    /// Looks at what the step was about, and at some of everything else.
    pub(super) async fn look(&mut self) -> Result<(), Wrong> {
        let random = &mut self.random(Purpose::Look);
        let mut focus = std::mem::take(&mut self.focus);
        focus.dedup();
        focus.truncate(FOCUS_MAX);
        for key in &focus {
            for secret in 0..self.model.keys[*key].secrets.len() {
                let plain = Question { place: Where::Unsaid, ip: None, asks: Vec::new() };
                self.verify(Node::Own, Presented::Secret(*key, secret), &plain)?;
                self.verify_somehow(Node::Own, Presented::Secret(*key, secret), random)?;
            }
        }
        for _ in 0..SAMPLES {
            let presented = self.draw_presented(random);
            self.verify_somehow(Node::Own, presented, random)?;
        }
        let presented = self.draw_presented(random);
        self.confirm(presented, random).await?;
        if let Some(key) = focus.first() {
            self.show(*key).await?;
        }
        Ok(())
    }

    /// Mostly a secret that lives, sometimes any, sometimes none of ours.
    fn draw_presented(&self, random: &mut Random) -> Presented {
        match random.below(40) {
            0 => return Presented::Unknown,
            1 => return Presented::Typo,
            _ => {}
        }
        let living = self.model.alive();
        let all = self.model.keys.len();
        let key = match random.any_of(&living) {
            Some(key) if random.percent(65) => key,
            _ if all == 0 => return Presented::Unknown,
            _ => random.below(all),
        };
        let secrets = self.model.keys[key].secrets.len();
        let newest = secrets - 1;
        Presented::Secret(key, if random.percent(50) { newest } else { random.below(secrets) })
    }

    fn verify_somehow(&mut self, node: Node, presented: Presented, random: &mut Random) -> Result<(), Wrong> {
        let question = Question {
            place: self.draw_place(presented, random),
            ip: pools::address(random),
            asks: pools::asks(random, &self.model.product.scopes, &self.rules_behind(presented)),
        };
        self.verify(node, presented, &question)
    }

    fn draw_place(&self, presented: Presented, random: &mut Random) -> Where {
        let slug = |at: usize| Where::At(self.model.workspaces[at].slug.clone());
        match random.below(100) {
            0..25 => return Where::Unsaid,
            25..28 => return Where::Contradictory,
            28..31 => return Where::At("nowhere".to_owned()),
            31..45 => return slug(random.below(self.model.workspaces.len())),
            _ => {}
        }
        let Presented::Secret(key, _) = presented else { return Where::Unsaid };
        match &self.model.keys[key].home {
            Home::Workspace { workspace, .. } => slug(*workspace),
            Home::Person { owner, .. } => {
                random.any_of(&self.model.places(*owner)).map_or(Where::Unsaid, slug)
            }
        }
    }

    /// The rules of a key, and of its owner's roles.
    fn rules_behind(&self, presented: Presented) -> Vec<Rule> {
        let Presented::Secret(key, _) = presented else { return Vec::new() };
        let key = &self.model.keys[key];
        let mut rules = key.grant.rules.clone();
        if let Home::Person { owner, .. } = key.home {
            let behind = self.model.places(owner).into_iter().filter_map(|at| self.model.role_of(owner, at));
            rules.extend(behind.flat_map(|role| role.rules));
        }
        rules
    }

    /// Asks a data plane, and the model.
    fn verify(&mut self, node: Node, presented: Presented, question: &Question) -> Result<(), Wrong> {
        let secret = self.text_of(presented);
        let asked = match node {
            Node::Own => &self.system.node,
            Node::Other => &self.system.other,
        };
        let said = ask(asked, &secret, question, self.model.now);
        let expected = self.model.answer(presented, question);
        let code = expected.code;
        if said != expected {
            return Err(format!(
                "{presented:?} on the {node:?} node, asked {question:?}\n  says   {said:?}\n  model  {expected:?}\n{}",
                self.describe(presented)
            ));
        }
        self.count(&format!("answer: {code}"));
        if said.key.is_some_and(|(_, which)| which == "previous") && code == "valid" {
            self.count("answer: valid with the previous secret");
        }
        Ok(())
    }

    fn text_of(&self, presented: Presented) -> String {
        match presented {
            Presented::Secret(key, secret) => self.model.keys[key].secrets[secret].text.clone(),
            Presented::Unknown => self.unknown.clone(),
            Presented::Typo => {
                let last = if self.unknown.ends_with('0') { '1' } else { '0' };
                format!("{}{last}", &self.unknown[..self.unknown.len() - 1])
            }
        }
    }

    /// What the model knows of a key, for the report; without its secrets.
    fn describe(&self, presented: Presented) -> String {
        let Presented::Secret(key, _) = presented else { return String::new() };
        let held = &self.model.keys[key];
        let lives: Vec<_> = held.secrets.iter().map(|secret| secret.life).collect();
        let workspaces: Vec<_> =
            self.model.workspaces.iter().map(|at| (&at.slug, &at.plan, &at.members)).collect();
        format!(
            "  key {key}: {:?}, {:?}, networks {:?}, until {:?}, revoked {:?}, secrets {lives:?}\n  at {}: {workspaces:?}",
            held.home, held.grant, held.networks, held.expires_at, held.revoked, self.model.now
        )
    }

    /// The control plane lets a key in where the data plane finds it valid, and as the same.
    async fn confirm(&mut self, presented: Presented, random: &mut Random) -> Result<(), Wrong> {
        let Where::At(slug) = self.draw_place(presented, random) else { return Ok(()) };
        let ip: Option<IpAddr> = pools::address(random);
        let question = Question { place: Where::At(slug.clone()), ip, asks: Vec::<Ask>::new() };
        let expected = self.model.answer(presented, &question);
        let let_in = match self.ctx_of_key(&self.text_of(presented), ip).await {
            Ok(ctx) => whoami(&self.system.service, &ctx, &slug).await,
            Err(refusal) => Err(refusal),
        };
        let agree = match (&let_in, &expected.works) {
            (Ok(who), Some(works)) => {
                who.actor.id.to_string() == works.subject && *who.actor.name == *works.subject_name
            }
            (Err(refusal), None) => {
                !matches!(refusal, Refusal::Internal(_) | Refusal::Unavailable(_) | Refusal::Busy(_))
            }
            (Ok(_), None) | (Err(_), Some(_)) => false,
        };
        if agree {
            self.count(if let_in.is_ok() { "whoami: let in" } else { "whoami: refused" });
            return Ok(());
        }
        let described = self.describe(presented);
        Err(format!(
            "whoami in {slug} from {ip:?} with {presented:?}: {let_in:?}\n  model  {expected:?}\n{described}"
        ))
    }

    /// Somebody who may look at a key, and by which address. `None`: nobody may now.
    fn viewer(&self, key: usize) -> Option<(usize, Via)> {
        match self.model.keys[key].home {
            Home::Person { owner, .. } => {
                (!self.model.people[owner].suspended).then_some((owner, Via::Personal))
            }
            Home::Workspace { workspace, .. } => {
                let mut people = 0..self.model.people.len();
                let who = people.find(|who| self.model.may(*who, workspace, permission::KEYS_READ))?;
                Some((who, Via::Workspace(workspace)))
            }
        }
    }

    /// A key's own page.
    async fn show(&mut self, key: usize) -> Result<(), Wrong> {
        let Some((who, via)) = self.viewer(key) else { return Ok(()) };
        let ctx = self.ctx(who).await?;
        let (service, id) = (&self.system.service, &self.model.keys[key].id);
        let row = match via {
            Via::Workspace(at) => get_workspace_key(service, &ctx, &self.model.workspaces[at].slug, id).await,
            Via::Personal => get_personal_key(service, &ctx, id).await,
        };
        let row = row.map_err(|refusal| format!("{} may not see key {key}: {refusal:?}", self.name(who)))?;
        self.count("page: shown");
        self.same_key(key, &shape(&row, self.model.now))
    }

    fn same_key(&self, key: usize, shown: &Shown) -> Result<(), Wrong> {
        let expected = self.model.shown(key);
        if *shown == expected {
            return Ok(());
        }
        Err(format!("key {key} is shown as\n  {shown:?}\n  model\n  {expected:?}"))
    }

    /// Looks at everything: each secret in each workspace, on the other node too every second time, and all lists.
    pub(super) async fn sweep(&mut self) -> Result<(), Wrong> {
        let random = &mut self.random(Purpose::Sweep);
        let other = random.percent(50);
        if other {
            self.system.other.follow().await.unwrap();
        }
        let slugs = self.model.workspaces.iter().map(|workspace| Where::At(workspace.slug.clone()));
        let places: Vec<Where> = slugs.chain([Where::Unsaid]).collect();
        for key in 0..self.model.keys.len() {
            for secret in 0..self.model.keys[key].secrets.len() {
                let presented = Presented::Secret(key, secret);
                // What is dead is so everywhere.
                let held = &self.model.keys[key];
                let dead = held.secrets[secret].life == Life::Dead || !held.is_alive(self.model.now);
                let asked = if dead { random.some_of(&places, 1) } else { places.clone() };
                let rules = self.rules_behind(presented);
                for place in asked {
                    let asks = pools::asks(random, &self.model.product.scopes, &rules);
                    let question = Question { place, ip: pools::address(random), asks };
                    self.verify(Node::Own, presented, &question)?;
                    if other {
                        self.verify(Node::Other, presented, &question)?;
                    }
                }
            }
        }
        for at in 0..self.model.workspaces.len() {
            self.list(Via::Workspace(at)).await?;
        }
        for who in 0..self.model.people.len() {
            self.list_personal(who).await?;
        }
        Ok(())
    }

    async fn list(&mut self, via: Via) -> Result<(), Wrong> {
        let Via::Workspace(at) = via else { return Ok(()) };
        let mut people = 0..self.model.people.len();
        let Some(who) = people.find(|who| self.model.may(*who, at, permission::KEYS_READ)) else {
            return Ok(());
        };
        let ctx = self.ctx(who).await?;
        let slug = self.model.workspaces[at].slug.clone();
        let here = self.model.keys_where(|key| key.is_of_workspace(at));
        for status in [None, Some(KeyStatus::Active), Some(KeyStatus::Expired), Some(KeyStatus::Revoked)] {
            let wish = Wish { status, ..Wish::default() };
            let found =
                list_workspace_keys(&self.system.service, &ctx, &slug, wish, KeySort::DEFAULT, &ALL).await;
            self.same_list(&here, status, found)?;
        }
        Ok(())
    }

    async fn list_personal(&mut self, who: usize) -> Result<(), Wrong> {
        if self.model.people[who].suspended {
            return Ok(());
        }
        let ctx = self.ctx(who).await?;
        let theirs = self.model.keys_where(|key| key.is_of_person(who));
        for status in [None, Some(KeyStatus::Active), Some(KeyStatus::Expired), Some(KeyStatus::Revoked)] {
            let wish = Wish { status, ..Wish::default() };
            let found = list_personal_keys(&self.system.service, &ctx, wish, KeySort::DEFAULT, &ALL).await;
            self.same_list(&theirs, status, found)?;
        }
        Ok(())
    }

    fn same_list(
        &mut self,
        keys: &[usize],
        status: Option<KeyStatus>,
        found: Result<Found<KeyRow>, Refusal>,
    ) -> Result<(), Wrong> {
        let Found { rows, next } = found.map_err(|refusal| format!("a list is refused: {refusal:?}"))?;
        if next.is_some() {
            return Err(format!("a list of {} keys goes on after {} rows", keys.len(), rows.len()));
        }
        let shown: BTreeMap<String, Shown> =
            rows.iter().map(|row| (row.key.id.to_string(), shape(row, self.model.now))).collect();
        let wanted = status.map(KeyStatus::as_str);
        let mut expected = 0;
        for key in keys {
            let model = self.model.shown(*key);
            if wanted.is_some_and(|wanted| wanted != model.status) {
                continue;
            }
            expected += 1;
            let Some(shown) = shown.get(&model.id) else {
                return Err(format!("the list of {wanted:?} lacks key {key}: {model:?}"));
            };
            self.same_key(*key, shown)?;
        }
        self.count("list: shown");
        if rows.len() == expected {
            Ok(())
        } else {
            Err(format!("the list of {wanted:?} has too many: {rows:?}"))
        }
    }

    /// The other process hears of changes: late, in odd parts, twice, out of order. Once it has caught up, it
    /// says the same.
    pub(super) async fn let_other_hear(&mut self) -> Result<(), Wrong> {
        let random = &mut self.random(Purpose::Follow);
        let replica = self.system.other.verifier().replica();
        if random.percent(10) {
            let epoch = replica.epoch();
            let after = keyward_core::change::Epoch(epoch.0.saturating_sub(random.below(60) as u64));
            let part = self.system.changes(after, 1 + random.below(9)).await;
            match (random.below(3), part) {
                (_, None) => {}
                (0, Some(part)) => replica.apply(part),
                (1, Some(part)) if self.system.late.len() < LATE_MAX => self.system.late.push(part),
                (_, Some(part)) => {
                    replica.apply(part.clone());
                    replica.apply(part);
                }
            }
        }
        if random.percent(5) && !self.system.late.is_empty() {
            let part = self.system.late.swap_remove(random.below(self.system.late.len()));
            self.system.other.verifier().replica().apply(part);
        }
        if random.below(400) == 0 {
            self.system.restart_other().await;
        }
        if !random.percent(12) {
            return Ok(());
        }
        self.system.other.follow().await.unwrap();
        for _ in 0..OTHER_SAMPLES {
            let presented = self.draw_presented(random);
            self.verify_somehow(Node::Other, presented, random)?;
        }
        self.count("other node: caught up");
        Ok(())
    }
}

fn shape(row: &KeyRow, now: jiff::Timestamp) -> Shown {
    let around = Around {
        owner: row.owner.as_ref(),
        workspaces: row.workspaces.as_deref(),
        last_used_at: row.last_use.at,
        last_used_ip: row.last_use.ip,
        old_secret_last_used_at: row.old_secret_used_at,
    };
    Shown::new(&row.key, around, now)
}
