//! The form of a role: the same scopes and rules as a key's, and Keyward's own permissions beside them.

use keyward_core::catalogue::Catalogue;
use keyward_core::field::FieldError;
use keyward_core::grant::{Grant, Rule};
use keyward_core::key::KeyKind;
use keyward_core::permission;
use keyward_service::create_key::NewRule;
use keyward_service::prepare_key::Offer;
use keyward_service::role::Role;

use super::Shelf;
use super::draft::{Draft, rule_line};
use super::form::{Group, KeyForm, Part, ScopeChoice};
use crate::Console;
use crate::visitor::{Member, Pairs};

/// What stands in the form.
#[derive(Debug, Default)]
pub(crate) struct RoleForm(Draft);

impl RoleForm {
    pub(crate) fn read(pairs: &Pairs) -> Self {
        Self(Draft::read(pairs))
    }

    /// A role as it is, to be edited.
    pub(crate) fn of(role: &Role) -> Self {
        let Grant { scopes, rules } = &role.grant;
        let (own, other): (Vec<&Rule>, Vec<&Rule>) = rules.iter().partition(|rule| is_own(rule));
        let ticked =
            scopes.iter().map(ToString::to_string).chain(own.iter().map(|rule| rule.action.to_string()));
        Self(Draft {
            name: role.title.to_string(),
            description: role.description.as_deref().unwrap_or_default().to_owned(),
            scopes: ticked.collect(),
            rules: other.into_iter().map(rule_line).collect::<Vec<_>>().join("\n"),
            ..Draft::default()
        })
    }

    pub(crate) fn name(&self) -> String {
        self.0.name.clone()
    }

    pub(crate) fn description(&self) -> Option<String> {
        Some(self.0.description.clone()).filter(|text| !text.is_empty())
    }

    /// Scopes of the catalogue, and rules: Keyward's own permissions are rules.
    pub(crate) fn grant(&self, catalogue: &Catalogue) -> (Vec<String>, Vec<NewRule>) {
        let whole = self.0.whole_scopes().into_iter();
        let (scopes, own): (Vec<String>, Vec<String>) =
            whole.partition(|name| catalogue.find(name).is_some());
        let own = own.into_iter().map(|action| NewRule { action, resources: Vec::new() });
        (scopes, own.chain(self.0.new_rules()).collect())
    }
}

/// Whether a rule is one of Keyward's own permissions, which has a box of its own.
fn is_own(rule: &Rule) -> bool {
    rule.resources.is_empty() && permission::ALL.iter().any(|(name, _)| *name == rule.action.as_str())
}

/// The form, as it is shown.
pub(crate) fn form(
    console: &Console,
    member: &Member,
    slug: &str,
    base: &str,
    old: Option<&Role>,
    written: &RoleForm,
    wrong: &[FieldError],
) -> KeyForm {
    let catalogue = &console.service.profile.catalogue;
    let held = catalogue.scopes().iter().map(|scope| member.may(console, slug, &scope.name)).collect();
    let shelf = Shelf { slug: Some(slug.to_owned()), kind: KeyKind::Workspace, base: base.to_owned() };
    let version = old.map_or(1, |role| role.version).to_string();
    let form = KeyForm::with(
        console,
        member,
        &shelf,
        &Offer { held, lifetime_max: None },
        Part::Role,
        version,
        written.0.clone(),
    );
    let mut groups = form.groups;
    groups.push(permissions(console, member, slug, &written.0));
    let form = KeyForm {
        action: old.map_or_else(|| format!("{base}/new"), |role| format!("{base}/{}", role.id)),
        submit: if old.is_some() { "Save".to_owned() } else { "Create role".to_owned() },
        cancel: base.to_owned(),
        name_label: "Name".to_owned(),
        groups,
        ..form
    };
    form.complaining(wrong)
}

/// Keyward's own permissions, but for those that the product has as scopes.
fn permissions(console: &Console, member: &Member, slug: &str, draft: &Draft) -> Group {
    let catalogue = &console.service.profile.catalogue;
    let shown = permission::ALL.iter().filter(|(name, _)| catalogue.find(name).is_none());
    let choice = |(name, title): &(&str, &str)| ScopeChoice {
        name: (*name).to_owned(),
        title: (*title).to_owned(),
        description: String::new(),
        includes: String::new(),
        chosen: draft.scopes.iter().any(|chosen| chosen == name),
        held: member.may(console, slug, name),
        only: String::new(),
        can_narrow: false,
    };
    Group {
        legend: "In this console".to_owned(),
        thing: String::new(),
        levels: Vec::new(),
        scopes: shown.map(choice).collect(),
    }
}
