//! The form for a new or an edited key: whole, or in the two parts that steps show one after the other.

use askama::Template;
use keyward_core::catalogue::Scope;
use keyward_core::field::FieldError;
use keyward_core::key::KeyKind;
use keyward_core::profile::Profile;
use keyward_service::prepare_key::Offer;

use super::Shelf;
use super::draft::{Draft, ONLY};
use super::longest::{Longest, day};
use super::preset::{Level, reads, thing};
use crate::Console;
use crate::form::sentence;
use crate::visitor::Member;

/// From so many scopes on there is a field that searches among them.
const SEARCHED_FROM: usize = 9;

/// Which part of the form is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// All of it.
    Whole,
    /// The first step: what the key is called, when it ends, where it works.
    Details,
    /// The second step: what it may do.
    Scopes,
    /// All that can be edited later.
    Edit,
    /// That of a role, which has no end, networks or limits.
    Role,
}

/// A choice of a menu or a box to tick.
#[derive(Debug, Clone)]
pub(super) struct Choice {
    pub(super) value: String,
    pub(super) words: String,
    pub(super) chosen: bool,
}

/// A scope to tick.
#[derive(Debug)]
pub(super) struct ScopeChoice {
    pub(super) name: String,
    pub(super) title: String,
    pub(super) description: String,
    pub(super) includes: String,
    pub(super) chosen: bool,
    /// Whether whoever makes the key holds it.
    pub(super) held: bool,
    /// What it is narrowed to.
    pub(super) only: String,
    /// Whether it can be narrowed at all.
    pub(super) can_narrow: bool,
}

/// How much of a thing may be chosen at once, and whether that is what is ticked.
#[derive(Debug)]
pub(super) struct LevelChoice {
    pub(super) name: &'static str,
    pub(super) words: &'static str,
    pub(super) chosen: bool,
}

/// Scopes of one thing.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) legend: String,
    /// What its scopes' names begin with.
    pub(super) thing: String,
    /// None, Read or Write, where the thing has both.
    pub(super) levels: Vec<LevelChoice>,
    pub(super) scopes: Vec<ScopeChoice>,
}

/// Something that is wrong, and the field that it is about.
#[derive(Debug)]
pub(super) struct Complaint {
    pub(super) field: &'static str,
    pub(super) text: String,
}

/// The form.
#[derive(Template)]
#[template(path = "keys/form.html")]
pub(crate) struct KeyForm {
    pub(super) action: String,
    pub(super) token: String,
    pub(super) once: String,
    pub(super) part: Part,
    pub(super) draft: Draft,
    /// Fields of the other step.
    pub(super) carried: Vec<(String, String)>,
    pub(super) heading: String,
    pub(super) name_label: String,
    pub(super) expiry_label: String,
    pub(super) scopes_label: String,
    pub(super) submit: String,
    /// Where whoever does not want to goes. Empty: nowhere, the form stands above the list.
    pub(super) cancel: String,
    pub(super) expiry: Vec<Choice>,
    pub(super) day_min: String,
    pub(super) day_max: String,
    /// Workspaces that a personal key may be restricted to.
    pub(super) workspaces: Vec<Choice>,
    pub(super) word: String,
    /// Members who may look after the key.
    pub(super) owners: Vec<Choice>,
    pub(super) groups: Vec<Group>,
    pub(super) searched: bool,
    pub(super) narrow: bool,
    /// Whether the key has no scopes of its own.
    pub(super) inherits: bool,
    pub(super) complaints: Vec<Complaint>,
}

impl KeyForm {
    /// An empty form.
    pub(super) fn new(
        console: &Console,
        member: &Member,
        shelf: &Shelf,
        offer: &Offer,
        part: Part,
        once: String,
    ) -> Self {
        let (expiry, expires_on) = Longest::of(&console.service.profile, offer)
            .first_choice(&console.service.profile, member.ctx.now);
        let draft = Draft { expiry, expires_on, ..Draft::default() };
        Self::with(console, member, shelf, offer, part, once, draft)
    }

    /// A form with what was written.
    pub(super) fn with(
        console: &Console,
        member: &Member,
        shelf: &Shelf,
        offer: &Offer,
        part: Part,
        once: String,
        draft: Draft,
    ) -> Self {
        let profile = &console.service.profile;
        let pages = &profile.pages;
        let now = member.ctx.now;
        let longest = Longest::of(profile, offer);
        let groups = groups(profile, offer, &draft);
        let is_above = shelf.slug.is_none() && pages.create == keyward_core::pages::CreateForm::AboveList;
        let steps = pages.create == keyward_core::pages::CreateForm::Steps;
        Self {
            action: format!("{}/new", shelf.base),
            token: member.shell(crate::shell::Tab::None).token().to_owned(),
            once,
            part,
            carried: carried(part, &draft),
            heading: pages.create_word.to_string(),
            name_label: pages.name_label.to_string(),
            expiry_label: pages.expiry_label.to_string(),
            scopes_label: pages.scopes_label.to_string(),
            submit: if part == Part::Details { "Next".to_owned() } else { pages.submit_word.to_string() },
            cancel: if is_above && !steps { String::new() } else { shelf.base.clone() },
            expiry: longest.menu(profile, &draft),
            day_min: day(now),
            day_max: longest.last_day(now),
            workspaces: workspaces(member, shelf, &draft),
            word: profile.product.workspace_word.to_string(),
            owners: Vec::new(),
            searched: groups.iter().map(|group| group.scopes.len()).sum::<usize>() >= SEARCHED_FROM,
            groups,
            narrow: pages.narrow,
            inherits: profile.keys.inherit && shelf.kind == KeyKind::Personal,
            complaints: Vec::new(),
            draft,
        }
    }

    /// The same form with what is wrong.
    pub(super) fn complaining(mut self, errors: &[FieldError]) -> Self {
        self.complaints = errors.iter().map(complaint).collect();
        self
    }

    /// Whether this makes a key, and so offers to tick several scopes at once.
    fn offers_presets(&self) -> bool {
        matches!(self.part, Part::Whole | Part::Scopes) && !self.inherits
    }

    /// Whether there is something to choose from at once: what is held reads, and does more.
    fn has_templates(&self) -> bool {
        let held = || self.groups.iter().flat_map(|group| &group.scopes).filter(|scope| scope.held);
        held().any(|scope| reads(&scope.name)) && held().any(|scope| !reads(&scope.name))
    }

    fn shows_details(&self) -> bool {
        self.part != Part::Scopes
    }

    fn shows_end(&self) -> bool {
        matches!(self.part, Part::Whole | Part::Details)
    }

    fn shows_limits(&self) -> bool {
        self.shows_details() && self.part != Part::Role
    }

    fn shows_scopes(&self) -> bool {
        self.part != Part::Details && !self.inherits
    }

    /// The first step, or the second.
    fn step(&self) -> &'static str {
        match self.part {
            Part::Whole | Part::Edit | Part::Role => "whole",
            Part::Details => "details",
            Part::Scopes => "scopes",
        }
    }

    fn about(&self, field: &str) -> impl Iterator<Item = &str> {
        self.complaints.iter().filter(move |one| one.field == field).map(|one| one.text.as_str())
    }

    fn is_bad(&self, field: &str) -> bool {
        self.about(field).next().is_some()
    }

    /// What an open part of the form holds already.
    fn has_more(&self) -> bool {
        let fields = ["allowed_cidrs", "requests_per_minute", "rules"];
        !self.draft.networks.is_empty()
            || !self.draft.requests_per_minute.is_empty()
            || !self.draft.rules.is_empty()
            || fields.iter().any(|field| self.is_bad(field))
    }
}

/// Which of the form's fields a complaint of the service is about.
pub(super) fn field_of(error: &FieldError) -> &'static str {
    let name = error.field.split(['[', '.']).next().unwrap_or_default();
    let fields = [
        "name",
        "description",
        "expires_at",
        "workspaces",
        "scopes",
        "rules",
        "allowed_cidrs",
        "requests_per_minute",
        "owner",
    ];
    let name = if name == "expires_in_seconds" { "expires_at" } else { name };
    fields.into_iter().find(|field| *field == name).unwrap_or("")
}

fn complaint(error: &FieldError) -> Complaint {
    use keyward_core::field::FieldCode;
    let field = field_of(error);
    // The service speaks to programs too, and tells them where to look.
    let text = match (field, error.code) {
        ("scopes", FieldCode::Required) => "Select at least one.".to_owned(),
        ("rules", _) => format!("{}: {}", line_of(&error.field), error.message),
        _ => sentence(&error.message),
    };
    Complaint { field, text }
}

/// `rules[2].action` is the third rule.
fn line_of(field: &str) -> String {
    let index = field.split(['[', ']']).nth(1).and_then(|digits| digits.parse::<usize>().ok());
    index.map_or_else(|| "Rules".to_owned(), |index| format!("Rule {}", index + 1))
}

/// Fields that the other step shows.
fn carried(part: Part, draft: &Draft) -> Vec<(String, String)> {
    let one = |name: &str, value: &String| (name.to_owned(), value.clone());
    match part {
        Part::Whole | Part::Edit | Part::Role => Vec::new(),
        Part::Details => {
            let scopes = draft.scopes.iter().map(|scope| one("scope", scope));
            let only = draft.only.iter().map(|(scope, text)| (format!("{ONLY}{scope}"), text.clone()));
            scopes.chain(only).chain([one("rules", &draft.rules)]).collect()
        }
        Part::Scopes => {
            let fields = [
                one("name", &draft.name),
                one("description", &draft.description),
                one("expiry", &draft.expiry),
                one("expires_on", &draft.expires_on),
                one("networks", &draft.networks),
                one("requests_per_minute", &draft.requests_per_minute),
            ];
            fields.into_iter().chain(draft.workspaces.iter().map(|slug| one("workspace", slug))).collect()
        }
    }
}

fn workspaces(member: &Member, shelf: &Shelf, draft: &Draft) -> Vec<Choice> {
    if shelf.kind == KeyKind::Workspace || shelf.slug.is_some() {
        return Vec::new();
    }
    let choice = |place: &keyward_service::list::Place| {
        let slug = place.workspace.slug.to_string();
        let name = &place.workspace.name;
        let words = match place.workspace.key_lifetime_max {
            None => format!("{name} ({slug})"),
            // The menu of the end cannot know which of them will be ticked.
            Some(most) => format!("{name} ({slug}): its keys live at most {most}"),
        };
        Choice { chosen: draft.workspaces.contains(&slug), value: slug, words }
    };
    member.places.iter().map(choice).collect()
}

/// Scopes of one thing stand together, where things have several.
fn groups(profile: &Profile, offer: &Offer, draft: &Draft) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for (scope, held) in profile.catalogue.scopes().iter().zip(&offer.held) {
        let thing = thing(&scope.name);
        let choice = scope_choice(scope, *held, draft);
        if let Some(group) = groups.iter_mut().find(|group| group.thing == thing) {
            group.scopes.push(choice);
        } else {
            let legend = thing.rsplit(':').next().unwrap_or_default().replace(['_', '-'], " ");
            let legend = crate::shell::capital(&legend);
            groups.push(Group { legend, thing: thing.to_owned(), levels: Vec::new(), scopes: vec![choice] });
        }
    }
    let scopes = profile.catalogue.scopes().len();
    if groups.len() * 2 > scopes + scopes / 2 {
        // Hardly anything has two: a plain list reads better.
        let all = groups.into_iter().flat_map(|group| group.scopes).collect();
        return vec![Group { legend: String::new(), thing: String::new(), levels: Vec::new(), scopes: all }];
    }
    for group in &mut groups {
        group.levels = levels(&group.scopes);
    }
    groups
}

/// The levels of a thing that is read and more than read, as far as it is held.
fn levels(scopes: &[ScopeChoice]) -> Vec<LevelChoice> {
    let held = || scopes.iter().filter(|scope| scope.held);
    if !held().any(|scope| reads(&scope.name)) || !held().any(|scope| !reads(&scope.name)) {
        return Vec::new();
    }
    let is = |level: Level| scopes.iter().all(|scope| scope.chosen == (scope.held && level.has(&scope.name)));
    let choice = |level: Level| LevelChoice { name: level.name(), words: level.words(), chosen: is(level) };
    Level::ALL.map(choice).into()
}

fn scope_choice(scope: &Scope, held: bool, draft: &Draft) -> ScopeChoice {
    let only = draft.only.iter().find(|(name, _)| **name == *scope.name);
    let includes: Vec<&str> = scope.implies.iter().map(|name| &**name).collect();
    ScopeChoice {
        chosen: draft.scopes.iter().any(|name| **name == *scope.name),
        name: scope.name.to_string(),
        title: scope.title.to_string(),
        description: scope.description.to_string(),
        includes: includes.join(", "),
        held,
        can_narrow: true,
        only: only.map(|(_, text)| text.clone()).unwrap_or_default(),
    }
}
