//! The real thing and the model side by side, and how an operation is done to both.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};
use keyward_core::profile::Profile;
use keyward_service::authenticate::Presented;
use keyward_service::create_workspace::{NewWorkspace, create_workspace};
use keyward_service::ctx::Ctx;
use keyward_service::entropy;
use keyward_service::refusal::Refusal;
use keyward_service::sign_in::sign_in;

use super::model::{Model, Person, Product, Reasons, Why};
use super::random::{Purpose, Random};
use super::system::{PASSWORD, System};
use super::{SEED, STEPS};

/// Steps that are told when something is wrong.
const TOLD: usize = 30;
/// A session lasts for seven days; by then there is a new one.
const SESSION_RENEWED_AFTER: SignedDuration = SignedDuration::from_hours(6 * 24);
/// When all begins.
const BEGIN: &str = "2026-01-01T00:00:00Z";
const PEOPLE: [&str; 6] = ["Ada", "Berta", "Cyrus", "Dora", "Emil", "Fanny"];
pub(super) const SLUGS: [&str; 3] = ["alpha", "beta", "gamma"];

/// How often each thing happened.
pub(super) type Tally = BTreeMap<String, u64>;

/// What is wrong.
pub(super) type Wrong = String;

pub(super) struct World {
    pub(super) seed: u64,
    pub(super) step: usize,
    pub(super) model: Model,
    pub(super) system: System,
    pub(super) tally: Tally,
    /// Keys that the present step was about.
    pub(super) focus: Vec<usize>,
    /// A well-formed secret that was never given out.
    pub(super) unknown: String,
    /// By person: the token of their session, and since when.
    sessions: BTreeMap<usize, (String, Timestamp)>,
    told: VecDeque<String>,
}

impl World {
    /// Some people, and nothing else.
    pub(super) async fn begin(seed: u64, profile: Profile) -> Self {
        let now: Timestamp = BEGIN.parse().unwrap();
        let product = Product::new(&profile);
        let system = System::start(profile, now).await;
        let mut people = Vec::new();
        for name in PEOPLE {
            let person = system.add_person(name).await;
            people.push(Person {
                id: person.id.to_string(),
                name: name.to_owned(),
                email: person.email.to_string(),
                suspended: false,
            });
        }
        let model = Model { now, product, people, workspaces: vec![], invitations: vec![], keys: vec![] };
        let unknown = entropy::secret(&system.service.profile.keys.format).unwrap().expose().to_owned();
        Self {
            seed,
            step: 0,
            model,
            system,
            tally: Tally::new(),
            focus: Vec::new(),
            unknown,
            sessions: BTreeMap::new(),
            told: VecDeque::new(),
        }
    }

    /// The numbers of the present step.
    pub(super) fn random(&self, purpose: Purpose) -> Random {
        Random::of(self.seed, self.step, purpose)
    }

    /// Makes a workspace.
    pub(super) async fn found(&mut self, who: usize, slug: &str) -> Result<(), Wrong> {
        let mut reasons = Reasons::new();
        if self.model.people[who].suspended {
            reasons.insert(Why::Unauthenticated);
        }
        if self.model.workspaces.iter().any(|workspace| workspace.slug == slug) {
            reasons.insert(Why::Conflict);
        }
        let ctx = self.ctx(who).await?;
        let asked = NewWorkspace { name: slug.to_owned(), slug: Some(slug.to_owned()) };
        let done = create_workspace(&self.system.service, &ctx, asked).await;
        let what = format!("{} for {}", slug, self.name(who));
        if self.settle("make a workspace", &what, &reasons, done)?.is_some() {
            self.model.found(who, slug);
        }
        Ok(())
    }

    pub(super) fn name(&self, who: usize) -> &str {
        &self.model.people[who].name
    }

    /// A request of somebody, as it comes in: with the token of their session.
    pub(super) async fn ctx(&mut self, who: usize) -> Result<Ctx, Wrong> {
        let is_fresh = |(_, since): &(String, Timestamp)| self.model.now < *since + SESSION_RENEWED_AFTER;
        if !self.sessions.get(&who).is_some_and(is_fresh) {
            self.sign_in(who).await?;
        }
        let token = self.sessions.get(&who).map(|(token, _)| token.as_str());
        let ctx = self.system.asking(Presented { key: None, session: token }, None).await;
        ctx.map_err(|refusal| format!("{} is refused with their session: {refusal}", self.name(who)))
    }

    async fn sign_in(&mut self, who: usize) -> Result<(), Wrong> {
        let nobody = self.system.asking(Presented::default(), None).await.unwrap();
        let person = &self.model.people[who];
        let signed_in = sign_in(&self.system.service, &nobody, &person.email, PASSWORD.to_owned()).await;
        if signed_in.is_ok() == person.suspended {
            return Err(format!("{} (suspended: {}) signs in", person.name, person.suspended));
        }
        self.sessions.remove(&who);
        if let Ok(signed_in) = signed_in {
            let token = signed_in.token.expose().to_owned();
            self.sessions.insert(who, (token, self.model.now));
        }
        Ok(())
    }

    /// A request with a key.
    pub(super) async fn ctx_of_key(&self, secret: &str, ip: Option<IpAddr>) -> Result<Ctx, Refusal> {
        self.system.asking(Presented { key: Some(secret), session: None }, ip).await
    }

    /// Compares what became of an operation with what the model says. What it returns is there if it happened.
    pub(super) fn settle<T>(
        &mut self,
        deed: &str,
        detail: &str,
        reasons: &Reasons,
        done: Result<T, Refusal>,
    ) -> Result<Option<T>, Wrong> {
        let became = match &done {
            Ok(_) => "done".to_owned(),
            Err(refusal) => format!("refused ({refusal})"),
        };
        self.tell(&format!("{deed}: {detail}: {became}"));
        self.count(&format!("{deed}: {}", if done.is_ok() { "done" } else { "refused" }));
        match done {
            Ok(made) if reasons.is_empty() => Ok(Some(made)),
            Err(refusal) if why(&refusal).is_some_and(|why| reasons.contains(&why)) => Ok(None),
            Ok(_) => Err(format!("it happened, and the model has against it: {reasons:?}")),
            Err(refusal) => {
                Err(format!("it was refused ({refusal:?}); the model has against it: {reasons:?}"))
            }
        }
    }

    /// Notes what happens, for the report.
    pub(super) fn tell(&mut self, what: &str) {
        if self.told.len() == TOLD {
            self.told.pop_front();
        }
        self.told.push_back(format!("{:>6}  {}  {what}", self.step, self.model.now));
    }

    pub(super) fn count(&mut self, what: &str) {
        *self.tally.entry(what.to_owned()).or_default() += 1;
    }

    /// The last steps, what is wrong, and how to see it again.
    pub(super) fn report(&self, wrong: &str) -> String {
        let told = self.told.iter().map(String::as_str).collect::<Vec<_>>().join("\n");
        let (seed, steps) = (self.seed, self.step.max(1));
        format!("{told}\n\n{wrong}\n\nto repeat it: {SEED}={seed} {STEPS}={steps}")
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.report("a panic, see above"));
        }
    }
}

/// The reason that a refusal gives. `None`: one that no operation of this test may come to.
fn why(refusal: &Refusal) -> Option<Why> {
    match refusal {
        Refusal::Unauthenticated | Refusal::WrongCredentials => Some(Why::Unauthenticated),
        Refusal::NotFound(_) => Some(Why::NotFound),
        Refusal::Forbidden(_) => Some(Why::Forbidden),
        Refusal::Conflict(_) => Some(Why::Conflict),
        Refusal::Invalid(_) => Some(Why::Invalid),
        Refusal::PlanRequired(_) => Some(Why::Plan),
        _ => None,
    }
}
