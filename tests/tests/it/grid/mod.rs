//! Every operation of the `OpenAPI` document, asked by everybody: a new one is asked from the day it is documented.
//!
//! The rules say how each identity is answered, so that nobody has to think of every cell; the snapshots show every cell,
//! so that somebody sees what changes. Each operation is at last asked by the rightful asker and must succeed, which
//! shows that the refusals were for who asked, and that none of them had done anything.

mod data_plane;
mod identity;
mod recorded;
mod stage;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use keyward_tests::{Answer, Dice, Keyward, json};

use self::identity::{Identity, Rule, SUSPENSION};
use self::stage::Stage;
use crate::surface::{Document, Operation, Place, Request, Targets};

/// Operations that succeed for nobody here, and why.
const NEVER_SUCCEED: [(&str, &str); 2] = [
    ("set_up", "a store is set up once, when it is empty"),
    ("take_stripe_event", "no payment provider is configured, and none signs here"),
];

/// How an operation answers somebody.
enum Expected {
    Success,
    /// One of these statuses.
    OneOf(&'static [u16]),
    PlanRequired,
    /// Whoever asks, the answer is the one that nobody in particular gets.
    AsNobody,
    /// One of these statuses, by the very answer that is given about what is not there.
    AsOfGhosts(&'static [u16]),
    /// What is one's own to ask.
    Anything,
}

/// One operation, and what is asked about it.
struct Asked {
    operation: Operation,
    request: Request,
    /// The same of what is not there.
    ghost: Request,
    /// What nobody in particular is answered.
    nobodys: Answer,
    /// What is the workspace's own.
    own: Vec<String>,
}

impl Asked {
    fn of(stage: &Stage<'_>, operation: Operation, targets: Targets) -> Self {
        let ghosts = targets.ghosts(&mut Dice::new(7));
        let request = stage.document.request(&operation, &targets);
        let ghost = stage.document.request(&operation, &ghosts);
        let nobodys = request.ask(&stage.keyward.anonymous());
        let Targets {
            slug,
            key,
            personal_key,
            member,
            own_role,
            service_account,
            webhook,
            delivery,
            vault,
            vault_secret,
            ..
        } = targets;
        let name = stage.workspace.name.clone();
        let own = [
            slug,
            key,
            personal_key,
            member,
            own_role,
            service_account,
            webhook,
            delivery,
            vault,
            vault_secret,
            name,
        ];
        let own = own.into_iter().filter(|own| !own.is_empty()).collect();
        Self { operation, request, ghost, nobodys, own }
    }

    /// What the rule says of this operation.
    fn expected(&self, rule: Rule) -> Expected {
        let operation = &self.operation;
        let (in_workspace, of_something) = (operation.has(Place::Workspace), !operation.places.is_empty());
        match rule {
            Rule::OtherSite if operation.is_safe() && (operation.is_public || operation.is_for_people) => {
                Expected::Success
            }
            // No cookie plays a part there: the signature says who sends it.
            Rule::OtherSite if operation.id == "take_stripe_event" => Expected::AsNobody,
            Rule::OtherSite => Expected::OneOf(&[403]),
            _ if operation.is_public => Expected::AsNobody,
            Rule::Nothing => Expected::OneOf(&[403]),
            // People are asked for their password first, and keys are refused.
            _ if operation.id == "change_password" && rule != Rule::Stranger => Expected::OneOf(&[403, 422]),
            // Where there is no session there is nothing to end, and that is no mistake; a key is one.
            _ if operation.id == "sign_out" => Expected::OneOf(&[204, 401, 403]),
            Rule::Stranger => Expected::AsOfGhosts(&[401]),
            Rule::Foreigner if in_workspace => Expected::AsOfGhosts(&[404]),
            Rule::Foreigner if of_something => Expected::AsOfGhosts(&[403, 404]),
            Rule::Only(allowed) if allowed.contains(&operation.id.as_str()) => Expected::Success,
            Rule::Only(_) | Rule::PlanRequired if !in_workspace => Expected::OneOf(&[403, 404]),
            Rule::Only(_) => Expected::OneOf(&[403]),
            Rule::PlanRequired => Expected::PlanRequired,
            Rule::Suspended if in_workspace => Expected::OneOf(&[404]),
            Rule::Foreigner | Rule::Suspended => Expected::Anything,
        }
    }

    /// Checks one answer against the rule of who asked.
    #[track_caller]
    fn check(&self, identity: &Identity, answer: &Answer) {
        if matches!(identity.rule, Rule::Stranger | Rule::Foreigner) {
            self.tells_nothing(answer);
        }
        match self.expected(identity.rule) {
            Expected::Success => assert!(answer.status < 300, "{}: {answer}", identity.name),
            Expected::AsNobody => {
                assert_eq!(answer.to_compare(), self.nobodys.to_compare(), "{}", identity.name);
            }
            Expected::AsOfGhosts(statuses) => {
                self.expect(answer, statuses);
                self.same_as_of_ghosts(identity, answer);
            }
            Expected::OneOf(statuses) => self.expect(answer, statuses),
            Expected::PlanRequired => drop(answer.clone().problem(403, "plan_required")),
            Expected::Anything => {}
        }
    }

    #[track_caller]
    fn expect(&self, answer: &Answer, statuses: &[u16]) {
        assert!(
            statuses.contains(&answer.status),
            "{}: none of {statuses:?}: {answer}",
            self.operation.name()
        );
    }

    /// Nothing of the workspace is in the answer that was not in the question.
    #[track_caller]
    fn tells_nothing(&self, answer: &Answer) {
        let asked = format!("{:?}", self.request);
        for own in self.own.iter().filter(|own| !asked.contains(*own)) {
            assert!(!answer.whole().contains(own), "{own} is told: {answer}");
        }
    }

    /// What is out of reach looks exactly like what is not there.
    #[track_caller]
    fn same_as_of_ghosts(&self, identity: &Identity, answer: &Answer) {
        let of_ghosts = self.ghost.ask(&identity.caller);
        assert_eq!(
            answer.to_compare(),
            of_ghosts.to_compare(),
            "{}: {}",
            self.operation.name(),
            identity.name
        );
    }
}

/// Asks everything as everybody, and gives the grid as a text.
fn play(
    stage: &Stage<'_>,
    identities: &[Identity],
    targets: impl Fn(&Operation) -> Targets,
    at_last: impl Fn(&Operation, &Request),
) -> String {
    let mut grid = String::new();
    for operation in stage.document.operations() {
        let asked = Asked::of(stage, operation.clone(), targets(&operation));
        let before = stage.view();
        let mut row = Row::new(&operation);
        let mut of_strangers = BTreeMap::<&str, BTreeSet<String>>::new();
        for identity in identities {
            let answer = asked.request.ask(&identity.caller);
            stage.check(&answer);
            asked.check(identity, &answer);
            row.add(identity, &answer);
            if identity.rule == Rule::Stranger {
                of_strangers.entry(identity.group).or_default().insert(answer.to_compare());
            }
        }
        for (group, answers) in of_strangers {
            assert_eq!(answers.len(), 1, "{}: {group} can be told apart: {answers:#?}", operation.name());
        }
        assert_eq!(stage.view(), before, "somebody changed something by {}", operation.name());
        row.write(&mut grid, identities);
        at_last(&operation, &asked.request);
    }
    grid
}

/// The answers to one operation, by what was answered.
struct Row<'a> {
    operation: String,
    answers: Vec<(String, Vec<&'a Identity>)>,
}

impl<'a> Row<'a> {
    fn new(operation: &Operation) -> Self {
        Self { operation: operation.name(), answers: Vec::new() }
    }

    fn add(&mut self, who: &'a Identity, answer: &Answer) {
        let code = answer.body["code"].as_str().unwrap_or_default();
        let outcome = format!("{} {code}", answer.status).trim_end().to_owned();
        match self.answers.iter_mut().find(|(of, _)| *of == outcome) {
            Some((_, who_else)) => who_else.push(who),
            None => self.answers.push((outcome, vec![who])),
        }
    }

    fn write(mut self, grid: &mut String, everybody: &[Identity]) {
        self.answers.sort_by(|(one, _), (other, _)| one.cmp(other));
        writeln!(grid, "{}", self.operation).expect("a text grows");
        for (outcome, who) in self.answers {
            writeln!(grid, "  {outcome}: {}", names(&who, everybody)).expect("a text grows");
        }
    }
}

/// Names of those who were answered alike; of a group that is there as a whole, its own.
fn names(who: &[&Identity], everybody: &[Identity]) -> String {
    let mut names: Vec<&str> = Vec::new();
    for identity in who {
        let group = identity.group;
        let of_group = || everybody.iter().filter(|other| other.group == group);
        let is_whole =
            !group.is_empty() && of_group().all(|other| who.iter().any(|here| here.name == other.name));
        let name = if is_whole { group } else { identity.name };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.join("; ")
}

/// Asks as the rightful asker: everything that the others were refused.
#[track_caller]
fn succeeds_for_the_rightful(stage: &Stage<'_>, operation: &Operation, request: &Request) {
    let (caller, request) = stage.rightful(operation, request);
    let answer = request.ask(&caller);
    stage.check(&answer);
    match NEVER_SUCCEED.iter().find(|(id, _)| *id == operation.id) {
        Some((_, why)) => assert!(answer.status >= 400, "succeeded, though {why}: {answer}"),
        None => assert!(answer.status < 300, "no success for the rightful asker: {answer}"),
    }
}

#[test]
fn every_operation_answers_everybody_by_the_rules() {
    let keyward = Keyward::profile("default").sends_here().start();
    let stage = Stage::of(&keyward, keyward.first_workspace(), "api:read", "standard");
    check_suspension_is_known(&stage.document);
    let operations = stage.document.operations();
    for name in identity::named().chain(NEVER_SUCCEED.map(|(id, _)| id)) {
        assert!(operations.iter().any(|operation| operation.id == name), "no operation `{name}` any more");
    }
    let identities = identity::all(&stage);
    let rightful = |operation: &Operation, request: &Request| {
        succeeds_for_the_rightful(&stage, operation, request);
    };
    let grid = play(&stage, &identities, |operation| stage.targets(operation), rightful);
    insta::assert_snapshot!(grid);
}

#[test]
fn a_key_on_a_plan_without_keys_gets_nowhere() {
    let keyward = Keyward::profile("cybrium").start();
    let (workspace, operator) = (keyward.first_workspace(), keyward.operator());
    workspace.set_plan("pro");
    let stage = Stage::of(&keyward, workspace, "scans:read", "starter");
    let (owner, colleague) = (stage.workspace.owner(), stage.member("viewer"));
    let key = stage.personal_key(owner, json!({"name": "automation"}));
    // This profile has no workspace keys: what is asked about is a colleague's.
    let theirs = stage.personal_key(&colleague, json!({"name": "laptop"})).id;
    operator.put(&stage.workspace.path("plan"), json!({"plan": "starter"})).expect(200);
    let targets = Targets {
        slug: stage.workspace.slug.clone(),
        key: theirs.clone(),
        personal_key: theirs,
        member: colleague.id_in(&stage.workspace.slug),
        // There is none of these, and the plan is asked about first.
        own_role: "rol_01ktbbgefxfaevzcbehh3z7cjz".to_owned(),
        service_account: "sa_01ktbbgefxfaevzcbehh3z7cjz".to_owned(),
        webhook: "whk_01ktbbgefxfaevzcbehh3z7cjz".to_owned(),
        delivery: "dlv_01ktbbgefxfaevzcbehh3z7cjz".to_owned(),
        session: "ses_01ktbbgefxfaevzcbehh3z7cjz".to_owned(),
        invitation: "inv_01ktbbgefxfaevzcbehh3z7cjz".to_owned(),
        vault: "vlt_01ktbbgefxfaevzcbehh3z7cjz".to_owned(),
        vault_secret: "sec_01ktbbgefxfaevzcbehh3z7cjz".to_owned(),
        scope: stage.scope.to_owned(),
        role: "member".to_owned(),
        plan: "enterprise".to_owned(),
    };
    let caller = keyward.with_key(&key.secret);
    let identities = [Identity { name: "a key of the owner", group: "", caller, rule: Rule::PlanRequired }];
    let grid = play(&stage, &identities, |_| targets.clone(), |_, _| {});
    insta::assert_snapshot!(grid);
    // It was for want of the plan alone.
    stage.workspace.set_plan("pro");
    keyward.with_key(&key.secret).get(&stage.workspace.path("members")).expect(200);
}

/// The grid asks as suspended members as soon as members can be suspended.
#[track_caller]
fn check_suspension_is_known(document: &Document) {
    let can_be_said =
        |operation: &Operation| document.fields(operation).iter().any(|name| name == "suspended");
    let documented = document.operations().iter().any(can_be_said);
    assert_eq!(
        documented, SUSPENSION,
        "the document and the grid disagree on whether members can be suspended: set `SUSPENSION` in \
         tests/tests/it/grid/identity.rs to {documented}"
    );
}
