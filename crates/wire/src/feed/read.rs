//! Lines as states: whole, or not at all.

use keyward_core::change::State;
use keyward_core::grace::{Grace, GraceSeconds};
use keyward_core::grant::{Grant, Pattern, Rule};
use keyward_core::key::{
    Belongs, Key, OldSecret, Principal, PrincipalId, Revocation, ServiceAccount, StoredSecret,
};
use keyward_core::person::DisplayName;
use keyward_core::plan::PlanName;
use keyward_core::rate::RequestsPerMinute;
use keyward_core::role::RoleRef;
use keyward_core::secret::{SecretDigest, SecretHint};
use keyward_core::workspace::{Slug, Workspace};

use super::{
    AccountLine, BelongsLine, GrantLine, KeyLine, Line, OldLine, PrincipalLine, RevokedLine, RuleLine,
    SecretLine, Text, Unreadable, WorkspaceLine,
};

impl Line<'_> {
    /// The state that it tells. `None`: it is a head or an end.
    pub fn into_state(self) -> Result<Option<State>, Unreadable> {
        Ok(Some(match self {
            Self::Head(_) | Self::End(_) => return Ok(None),
            Self::Key(line) => State::Key(Box::new(key(line)?)),
            Self::Workspace(line) => State::Workspace(workspace(&line)?),
            Self::Membership(line) => State::Membership {
                workspace: id(&line.workspace, "workspace")?,
                user: id(&line.user, "user")?,
                role: line.role.as_deref().map(RoleRef::from_stored),
            },
            Self::ServiceAccount(line) => State::ServiceAccount(account(line)?),
            Self::Role(line) => {
                State::Role { role: id(&line.role, "role")?, grant: line.grant.map(grant).transpose()? }
            }
            Self::Person(line) => State::Person {
                user: id(&line.user, "user")?,
                name: line.name.into(),
                suspended_at: line.suspended_at,
            },
        }))
    }
}

fn key(line: KeyLine<'_>) -> Result<Key, Unreadable> {
    Ok(Key {
        id: id(&line.id, "id")?,
        belongs: belongs(line.belongs)?,
        name: DisplayName::from_stored(&line.name),
        description: None,
        grant: grant(line.grant)?,
        secret: secret(&line.secret)?,
        old: line.old.as_ref().map(old).transpose()?,
        retired: line.retired.iter().map(|text| digest(text)).collect::<Result<_, _>>()?,
        created_at: line.created_at,
        created_by: principal(line.created_by)?,
        expires_at: line.expires_at,
        revoked: line.revoked.map(revocation).transpose()?,
        allowed_cidrs: networks(&line.allowed_cidrs)?,
        requests_per_minute: line.requests_per_minute.map(limit).transpose()?,
        metadata: std::collections::BTreeMap::new(),
        version: line.version,
    })
}

fn belongs(line: BelongsLine<'_>) -> Result<Belongs, Unreadable> {
    Ok(match line {
        BelongsLine::Person { owner, workspaces } => {
            let workspaces = workspaces.map(|ids| ids.iter().map(|text| id(text, "workspaces")).collect());
            Belongs::ToPerson { owner: id(&owner, "owner")?, workspaces: workspaces.transpose()? }
        }
        BelongsLine::Workspace { workspace, owner, acts_as } => Belongs::ToWorkspace {
            workspace: id(&workspace, "workspace")?,
            owner: owner.map(|text| id(&text, "owner")).transpose()?,
            acts_as: account(acts_as)?,
        },
    })
}

fn account(line: AccountLine<'_>) -> Result<ServiceAccount, Unreadable> {
    let AccountLine { name, shared, disabled, .. } = line;
    Ok(ServiceAccount { id: id(&line.id, "service account")?, name: name.into(), shared, disabled })
}

fn workspace(line: &WorkspaceLine<'_>) -> Result<Workspace, Unreadable> {
    Ok(Workspace {
        id: id(&line.id, "id")?,
        slug: Slug::parse(&line.slug).ok_or(Unreadable::Part("slug"))?,
        name: DisplayName::from_stored(&line.name),
        plan: PlanName::new(&line.plan),
        // What was chosen before is for receipts, and no node writes one.
        grace: Grace { seconds: grace(line.grace_seconds)?, earlier: None },
        allowed_cidrs: networks(&line.allowed_cidrs)?,
        // How long a key may live is for those who make one.
        key_lifetime_max: None,
        created_at: line.created_at,
        version: line.version,
    })
}

/// More than there may be makes the whole unreadable, as everything does that is not understood.
fn grace(seconds: Option<u16>) -> Result<GraceSeconds, Unreadable> {
    seconds.map_or(Some(GraceSeconds::NONE), GraceSeconds::new).ok_or(Unreadable::Part("grace_seconds"))
}

fn secret(line: &SecretLine<'_>) -> Result<StoredSecret, Unreadable> {
    Ok(StoredSecret { digest: digest(&line.sha256)?, hint: SecretHint::from_stored(&line.hint) })
}

fn old(line: &OldLine<'_>) -> Result<OldSecret, Unreadable> {
    let OldLine { rotated_at, ends_at, .. } = *line;
    Ok(OldSecret { secret: secret(&line.secret)?, rotated_at, ends_at })
}

fn revocation(line: RevokedLine<'_>) -> Result<Revocation, Unreadable> {
    Ok(Revocation { at: line.at, by: principal(line.by)? })
}

fn principal(line: PrincipalLine<'_>) -> Result<Principal, Unreadable> {
    let id = match (&*line.type_, line.id.as_deref()) {
        ("user", Some(text)) => PrincipalId::User(id(text, "principal")?),
        ("service_account", Some(text)) => PrincipalId::ServiceAccount(id(text, "principal")?),
        ("operator", None) => PrincipalId::Operator,
        ("billing", None) => PrincipalId::Billing,
        ("system", None) => PrincipalId::System,
        _ => return Err(Unreadable::Part("principal")),
    };
    Ok(Principal { id, name: line.name.into() })
}

fn grant(line: GrantLine<'_>) -> Result<Grant, Unreadable> {
    let pattern = |text: &str| Pattern::parse(text).map_err(|_| Unreadable::Part("rules"));
    let rule = |rule: RuleLine<'_>| {
        let resources = rule.resources.iter().map(|text| pattern(text)).collect::<Result<_, _>>()?;
        Ok(Rule { action: pattern(&rule.action)?, resources })
    };
    let rules = line.rules.into_iter().map(rule).collect::<Result<_, _>>()?;
    Ok(Grant { scopes: line.scopes.into_iter().map(Into::into).collect(), rules })
}

/// A part that is no network makes the whole unreadable: one network fewer may be one limit fewer.
fn networks(texts: &[Text<'_>]) -> Result<Vec<ipnet::IpNet>, Unreadable> {
    texts.iter().map(|text| text.parse().map_err(|_| Unreadable::Part("allowed_cidrs"))).collect()
}

fn limit(number: u32) -> Result<RequestsPerMinute, Unreadable> {
    RequestsPerMinute::new(number).ok_or(Unreadable::Part("requests_per_minute"))
}

pub(super) fn id<T: std::str::FromStr>(text: &str, part: &'static str) -> Result<T, Unreadable> {
    text.parse().map_err(|_| Unreadable::Part(part))
}

fn digest(text: &str) -> Result<SecretDigest, Unreadable> {
    SecretDigest::from_hex(text).ok_or(Unreadable::Part("secret"))
}
