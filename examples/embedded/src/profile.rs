//! The profile of the product: the verifier needs the same scopes, roles and plans as the control plane.

use std::error::Error;

use keyward_core::catalogue::{Catalogue, Scope};
use keyward_core::grant::{Grant, Grants, Pattern, Rule};
use keyward_core::plan::{Plan, PlanName};
use keyward_core::profile::{ExpiryChoice, ExpiryPolicy, KeyPolicy, Kinds, Product, Profile};
use keyward_core::role::{Role, RoleName};
use keyward_core::route::Routes;
use keyward_core::secret::{Encoding, SecretFormat};

pub(crate) fn of_the_product() -> Result<Profile, Box<dyn Error>> {
    let scope = |name: &str| Scope {
        name: name.into(),
        title: name.into(),
        description: name.into(),
        implies: [].into(),
    };
    let catalogue =
        Catalogue::new(vec![scope("api:read"), scope("api:write")]).map_err(|error| format!("{error:?}"))?;
    let all =
        Rule { action: Pattern::parse("**").map_err(|error| format!("{error:?}"))?, resources: [].into() };
    let grant = Grant { scopes: vec![], rules: vec![all] };
    let owner = Role {
        name: RoleName::new("owner"),
        title: "Owner".into(),
        grants: Grants::compile(&catalogue, &grant),
        grant,
    };
    let plan = Plan {
        name: PlanName::new("standard"),
        title: "Standard".into(),
        api_keys: true,
        keys_max: None,
        seats_max: None,
        requests_per_minute: None,
    };
    let keys = KeyPolicy {
        format: SecretFormat::new("kw_", Encoding::Base62).map_err(|error| format!("{error:?}"))?,
        kinds: Kinds { personal: true, workspace: true },
        expiry: ExpiryPolicy {
            menu: vec![ExpiryChoice { label: "never".into(), seconds: None }],
            default: 0,
            never: true,
            max_seconds: 1,
        },
        create_by_api: true,
        inherit: false,
        rotation_overlap_seconds: 1,
        requests_per_minute: None,
    };
    let words =
        Product { name: "Things".into(), workspace_word: "workspace".into(), revoked_word: "Revoked".into() };
    Ok(Profile::new("things", words, keys, catalogue, vec![owner], vec![plan], Routes::default())?)
}
