//! States as lines.

use ipnet::IpNet;
use keyward_core::change::State;
use keyward_core::grant::{Grant, Rule};
use keyward_core::key::{Belongs, Key, Principal, PrincipalId, ServiceAccount, StoredSecret};
use keyward_core::rate::RequestsPerMinute;
use keyward_core::secret::SecretDigest;

use super::{
    AccountLine, BelongsLine, GrantLine, KeyLine, Line, MembershipLine, OldLine, PersonLine, PrincipalLine,
    RevokedLine, RoleLine, RuleLine, SecretLine, Text, WorkspaceLine,
};

impl<'a> From<&'a State> for Line<'a> {
    fn from(state: &'a State) -> Self {
        match state {
            State::Key(key) => Self::Key(key_line(key)),
            State::Workspace(workspace) => Self::Workspace(WorkspaceLine {
                id: Text::of(workspace.id),
                slug: workspace.slug.as_str().into(),
                name: workspace.name.as_str().into(),
                plan: workspace.plan.as_str().into(),
                grace_seconds: Some(workspace.grace.seconds.get()).filter(|seconds| *seconds > 0),
                allowed_cidrs: networks(&workspace.allowed_cidrs),
                created_at: workspace.created_at,
                version: workspace.version,
            }),
            State::Membership { workspace, user, role } => Self::Membership(MembershipLine {
                workspace: Text::of(workspace),
                user: Text::of(user),
                role: role.as_ref().map(Text::of),
            }),
            State::ServiceAccount(account) => Self::ServiceAccount(account_line(account)),
            State::Role { role, grant } => {
                Self::Role(RoleLine { role: Text::of(role), grant: grant.as_ref().map(grant_line) })
            }
            State::Person { user, name, suspended_at } => Self::Person(PersonLine {
                user: Text::of(user),
                name: name.as_ref().into(),
                suspended_at: *suspended_at,
            }),
        }
    }
}

fn key_line(key: &Key) -> KeyLine<'_> {
    KeyLine {
        id: Text::of(key.id),
        belongs: match &key.belongs {
            Belongs::ToPerson { owner, workspaces } => BelongsLine::Person {
                owner: Text::of(owner),
                workspaces: workspaces.as_ref().map(|ids| ids.iter().map(Text::of).collect()),
            },
            Belongs::ToWorkspace { workspace, owner, acts_as } => BelongsLine::Workspace {
                workspace: Text::of(workspace),
                owner: owner.as_ref().map(Text::of),
                acts_as: account_line(acts_as),
            },
        },
        name: key.name.as_str().into(),
        grant: grant_line(&key.grant),
        secret: secret_line(&key.secret),
        old: key.old.as_ref().map(|old| OldLine {
            secret: secret_line(&old.secret),
            rotated_at: old.rotated_at,
            ends_at: old.ends_at,
        }),
        retired: key.retired.iter().map(hex).collect(),
        created_at: key.created_at,
        created_by: principal_line(&key.created_by),
        expires_at: key.expires_at,
        revoked: key
            .revoked
            .as_ref()
            .map(|revoked| RevokedLine { at: revoked.at, by: principal_line(&revoked.by) }),
        allowed_cidrs: networks(&key.allowed_cidrs),
        requests_per_minute: key.requests_per_minute.map(RequestsPerMinute::get),
        version: key.version,
    }
}

fn networks(cidrs: &[IpNet]) -> Vec<Text<'_>> {
    cidrs.iter().map(Text::of).collect()
}

fn account_line(account: &ServiceAccount) -> AccountLine<'_> {
    AccountLine {
        id: Text::of(account.id),
        name: account.name.as_ref().into(),
        shared: account.shared,
        disabled: account.disabled,
    }
}

fn secret_line(secret: &StoredSecret) -> SecretLine<'_> {
    SecretLine { sha256: hex(&secret.digest), hint: secret.hint.as_str().into() }
}

fn principal_line(principal: &Principal) -> PrincipalLine<'_> {
    let id = match principal.id {
        PrincipalId::User(id) => Some(Text::of(id)),
        PrincipalId::ServiceAccount(id) => Some(Text::of(id)),
        PrincipalId::Operator | PrincipalId::Billing | PrincipalId::System => None,
    };
    PrincipalLine { type_: principal.id.type_name().into(), id, name: principal.name.as_ref().into() }
}

fn grant_line(grant: &Grant) -> GrantLine<'_> {
    GrantLine {
        scopes: grant.scopes.iter().map(|scope| scope.as_ref().into()).collect(),
        rules: grant.rules.iter().map(rule_line).collect(),
    }
}

fn rule_line(rule: &Rule) -> RuleLine<'_> {
    let resources = rule.resources.iter().map(|pattern| pattern.as_str().into()).collect();
    RuleLine { action: rule.action.as_str().into(), resources }
}

fn hex(digest: &SecretDigest) -> Text<'static> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |half: u8| DIGITS.get(usize::from(half)).copied().map_or('0', char::from);
    Text::from(
        digest.as_bytes().iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect::<String>(),
    )
}
