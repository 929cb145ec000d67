//! A member, found by what people call them.

use keyward_wire::member::Member;

use crate::cli::connection::Api;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::names::{MemberName, Slug};
use crate::cli::pages;

/// The id of a member. One that is given as an id is left to the server to know.
pub(in crate::cli) fn id_of(api: &Api, slug: &Slug, name: &MemberName) -> Result<String, Failure> {
    match name {
        MemberName::Id(id) => Ok(id.clone()),
        MemberName::Email(_) => member(api, slug, name).map(|member| member.id),
    }
}

/// The member, from the workspace's list.
pub(in crate::cli) fn member(api: &Api, slug: &Slug, name: &MemberName) -> Result<Member, Failure> {
    let found = pages::find::<Member>(api, &path(slug), &[], 1, |member| is(member, name))?;
    found.into_iter().next().ok_or_else(|| {
        let (MemberName::Id(called) | MemberName::Email(called)) = name;
        Failure::new(Exit::NotFound, format!("workspace {slug} has no member {called}"))
            .advise(format!("Run: keyward members list --workspace {slug}; it shows them."))
    })
}

/// The path of the members of a workspace.
pub(in crate::cli) fn path(slug: &Slug) -> String {
    format!("/api/v1/{slug}/members")
}

fn is(member: &Member, name: &MemberName) -> bool {
    match name {
        MemberName::Id(id) => member.id == *id,
        MemberName::Email(email) => member.email.eq_ignore_ascii_case(email),
    }
}
