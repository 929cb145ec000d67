//! States as lines.

use ipnet::IpNet;
use keyward_core::change::State;
use keyward_core::grant::{Grant, Pattern, Rule};
use keyward_core::key::{Belongs, Key, Principal, PrincipalId, ServiceAccount, StoredSecret};
use keyward_core::rate::RequestsPerMinute;
use keyward_core::secret::SecretDigest;

use super::{
    AccountLine, BelongsLine, GrantLine, KeyLine, Line, MembershipLine, OldLine, PersonLine, PrincipalLine,
    RevokedLine, RoleLine, RuleLine, SecretLine, WorkspaceLine,
};

impl From<&State> for Line {
    fn from(state: &State) -> Self {
        match state {
            State::Key(key) => Self::Key(Box::new(key_line(key))),
            State::Workspace(workspace) => Self::Workspace(WorkspaceLine {
                id: workspace.id.to_string(),
                slug: workspace.slug.to_string(),
                name: workspace.name.as_str().into(),
                plan: workspace.plan.to_string(),
                grace_seconds: Some(workspace.grace.seconds.get()).filter(|seconds| *seconds > 0),
                allowed_cidrs: networks(&workspace.allowed_cidrs),
                created_at: workspace.created_at,
                version: workspace.version,
            }),
            State::Membership { workspace, user, role } => Self::Membership(MembershipLine {
                workspace: workspace.to_string(),
                user: user.to_string(),
                role: role.as_ref().map(ToString::to_string),
            }),
            State::ServiceAccount(account) => Self::ServiceAccount(account_line(account)),
            State::Role { role, grant } => {
                Self::Role(RoleLine { role: role.to_string(), grant: grant.as_ref().map(grant_line) })
            }
            State::Person { user, name, suspended_at } => Self::Person(PersonLine {
                user: user.to_string(),
                name: name.clone(),
                suspended_at: *suspended_at,
            }),
        }
    }
}

fn key_line(key: &Key) -> KeyLine {
    KeyLine {
        id: key.id.to_string(),
        belongs: match &key.belongs {
            Belongs::ToPerson { owner, workspaces } => BelongsLine::Person {
                owner: owner.to_string(),
                workspaces: workspaces.as_ref().map(|ids| ids.iter().map(ToString::to_string).collect()),
            },
            Belongs::ToWorkspace { workspace, owner, acts_as } => BelongsLine::Workspace {
                workspace: workspace.to_string(),
                owner: owner.as_ref().map(ToString::to_string),
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

fn networks(cidrs: &[IpNet]) -> Vec<String> {
    cidrs.iter().map(ToString::to_string).collect()
}

fn account_line(account: &ServiceAccount) -> AccountLine {
    AccountLine {
        id: account.id.to_string(),
        name: account.name.clone(),
        shared: account.shared,
        disabled: account.disabled,
    }
}

fn secret_line(secret: &StoredSecret) -> SecretLine {
    SecretLine { sha256: hex(&secret.digest), hint: secret.hint.as_str().into() }
}

fn principal_line(principal: &Principal) -> PrincipalLine {
    let id = match principal.id {
        PrincipalId::User(id) => Some(id.to_string()),
        PrincipalId::ServiceAccount(id) => Some(id.to_string()),
        PrincipalId::Operator | PrincipalId::Billing | PrincipalId::System => None,
    };
    PrincipalLine { type_: principal.id.type_name().into(), id, name: principal.name.clone() }
}

fn grant_line(grant: &Grant) -> GrantLine {
    let text = |pattern: &Pattern| pattern.as_str().into();
    let rule = |rule: &Rule| RuleLine {
        action: text(&rule.action),
        resources: rule.resources.iter().map(text).collect(),
    };
    GrantLine { scopes: grant.scopes.clone(), rules: grant.rules.iter().map(rule).collect() }
}

fn hex(digest: &SecretDigest) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |half: u8| DIGITS.get(usize::from(half)).copied().map_or('0', char::from);
    digest.as_bytes().iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
