//! Deeds of the operator, of time, and of the machine.

use jiff::{SignedDuration, Timestamp};
use keyward_service::set_plan::set_plan;
use keyward_service::suspend_user::suspend_user;

use crate::serve::life::model::Reasons;
use crate::serve::life::pools;
use crate::serve::life::random::Random;
use crate::serve::life::world::{SLUGS, World, Wrong};

/// What is waited for: beyond it, most keys would be dead.
const SOON: SignedDuration = SignedDuration::from_hours(36);
/// How far from the instant at which a key changes the clock is set, in microseconds.
const BESIDE: [i64; 6] = [-1_000, -1, 0, 0, 1, 1_000];

impl World {
    /// Time passes: a while, or until just before, at or just after the instant at which a key changes by itself.
    pub(super) fn wait(&mut self, random: &mut Random) {
        let before = self.model.now;
        let soon = before + SOON;
        let changes = |key: &usize| {
            let boundaries = self.model.keys[*key].boundaries();
            boundaries
                .into_iter()
                .filter(|at| before < *at && *at < soon)
                .map(|at| (at, *key))
                .collect::<Vec<_>>()
        };
        let mut coming: Vec<(Timestamp, usize)> = self.model.alive().iter().flat_map(changes).collect();
        coming.sort_unstable();
        coming.truncate(5);
        let after = match random.any_of(&coming) {
            Some((at, key)) if random.percent(45) => {
                self.focus.push(key);
                at + SignedDuration::from_micros(*random.pick(&BESIDE))
            }
            _ => before + pools::pause(random),
        };
        self.model.now = after.max(before);
        self.system.set_clock(self.model.now);
        let passed: Vec<usize> = coming.iter().filter(|(at, _)| *at <= after).map(|(_, key)| *key).collect();
        self.look_at(random, &passed);
        self.tell(&format!("{} pass", after.duration_since(before)));
        self.count("wait: done");
    }

    /// The operator puts a workspace on a plan, mostly one with keys.
    pub(super) async fn set_plan(&mut self, random: &mut Random) -> Result<(), Wrong> {
        let at = self.somewhere(random);
        let plans = &self.model.product.plans;
        let fit = |plan: &usize| plans[*plan].has_keys || random.percent(40);
        let fitting: Vec<usize> = (0..plans.len()).filter(fit).collect();
        let plan = plans[*random.pick(&fitting)].name.clone();
        let ctx = self.system.operator().await;
        let slug = &self.model.workspaces[at].slug;
        let done = set_plan(&self.system.service, &ctx, slug, &plan).await;
        let what = format!("{plan} for {slug}");
        if self.settle("set a plan", &what, &Reasons::new(), done)?.is_some() {
            self.model.workspaces[at].plan = plan;
        }
        let keys = self.model.keys_where(|key| key.is_of_workspace(at) && key.is_alive(self.model.now));
        self.look_at(random, &keys);
        for who in self.model.workspaces[at].members.clone().into_keys() {
            self.look_at_keys_of(random, who);
        }
        Ok(())
    }

    /// The operator suspends somebody everywhere, or ends that.
    pub(super) async fn suspend_person(&mut self, random: &mut Random, suspended: bool) -> Result<(), Wrong> {
        let people = 0..self.model.people.len();
        let others: Vec<usize> =
            people.filter(|who| self.model.people[*who].suspended != suspended).collect();
        let who = self.mostly(random, &others);
        let ctx = self.system.operator().await;
        let id = &self.model.people[who].id;
        let done = suspend_user(&self.system.service, &ctx, id, Some(suspended)).await;
        let deed = if suspended { "suspend somebody everywhere" } else { "resume somebody everywhere" };
        let what = self.name(who).to_owned();
        if self.settle(deed, &what, &Reasons::new(), done)?.is_some() {
            self.model.people[who].suspended = suspended;
        }
        self.look_at_keys_of(random, who);
        Ok(())
    }

    /// Makes the third workspace, or tries to make one that is there.
    pub(super) async fn found_another(&mut self, random: &mut Random) -> Result<(), Wrong> {
        let who = self.somebody(random);
        let slug = *random.pick(&SLUGS);
        self.found(who, slug).await
    }

    /// The server ends and starts again.
    pub(super) async fn restart(&mut self) {
        self.system.restart().await;
        self.tell("restart");
        self.count("restart: done");
    }
}
