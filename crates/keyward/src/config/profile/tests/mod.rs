//! What a profile's mistakes look like, and what the profiles of the binary hold.

mod embedded;
mod file;
mod mistakes;

use keyward_core::grant::Wanted;
use keyward_core::profile::Profile;
use keyward_core::role::RoleName;

fn holds(profile: &Profile, role: &str, action: &str) -> bool {
    let role = profile.role(&RoleName::new(role)).unwrap();
    role.grants.allows(Wanted::new(&profile.catalogue, action), None)
}
