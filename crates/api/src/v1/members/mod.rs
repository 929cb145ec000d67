//! `/api/v1/{slug}/members`: the people of a workspace.

pub(crate) mod list;
pub(crate) mod remove;
pub(crate) mod update;

use keyward_core::profile::Profile;
use keyward_service::list::Member as Row;
use keyward_service::role::held_id;
use keyward_wire::member::Member;

fn shape(row: &Row, profile: &Profile) -> Member {
    Member {
        id: row.user.to_string(),
        email: row.email.to_string(),
        name: row.name.to_string(),
        role: row.role.name.to_string(),
        role_id: held_id(profile, &row.role).map(|id| id.to_string()),
        joined_at: row.joined_at,
        suspended_at: row.suspended_at.or(row.suspended_everywhere_at),
    }
}
