//! A file of one's own.

use std::path::Path;

use keyward_core::profile::Profile;

use super::super::{load, parse};
use super::holds;
use crate::config::document::File;
use crate::config::origin::Origin;

pub(super) const GOOD: &str = r#"[product]
name = "Acme"

[keys]
prefix = "acme_"
encoding = "base62"
kinds = ["personal", "workspace"]
expiry_menu = ["30 days", "never"]
expiry_default = "30 days"
expiry_max = "1 year"
rotation_overlap = "24 hours"

[[scopes]]
name = "things:read"
title = "Read things"
description = "Read all things"

[[scopes]]
name = "things:write"
title = "Write things"
description = "Change things"
implies = ["things:read"]

[[roles]]
name = "owner"
title = "Owner"
rules = ["**"]

[[roles]]
name = "member"
title = "Member"
rules = ["things:read", { action = "things:write", resources = ["thing:mine-*"] }]

[[plans]]
name = "standard"
title = "Standard"
api_keys = true

[[routes]]
method = ["GET"]
path = ["/things", "/things/{id}"]
scope = "things:read"
resource = "thing"

[[routes]]
method = "POST"
path = "/things/{id}"
scope = "things:write"
resource = "thing:{id}"
"#;

pub(super) fn read(text: &str) -> Result<Profile, String> {
    parse("acme", File { name: "acme.toml", text }).map_err(|error| error.to_string())
}

#[test]
fn a_good_profile_is_read() {
    let profile = read(GOOD).unwrap();
    assert_eq!(profile.keys.format.prefix(), "acme_");
    assert_eq!(profile.keys.expiry.max_seconds, 365 * 86_400);
    assert_eq!(profile.keys.rotation_overlap_seconds, 86_400);
    assert_eq!(profile.routes.all().len(), 3);
    assert!(holds(&profile, "member", "things:read"));
    assert!(!holds(&profile, "member", "things:write"));
}

#[test]
fn a_name_that_is_no_profile_is_answered_with_those_there_are() {
    let error = load("cyclod", Path::new(""), &Origin::Flag("--profile")).unwrap_err().to_string();
    assert!(error.starts_with("flag --profile: profile: \"cyclod\" is no profile of Keyward's."), "{error}");
    assert!(error.contains("Did you mean \"cycloid\"?"), "{error}");
}

#[test]
fn a_file_of_ones_own_is_chosen_by_its_path() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("acme.toml"), GOOD).unwrap();
    let profile = load("acme.toml", folder.path(), &Origin::Default).unwrap();
    assert_eq!(&*profile.name, "acme");
    let missing = load("./none.toml", folder.path(), &Origin::Default).unwrap_err().to_string();
    assert!(missing.contains("./none.toml: cannot be opened"), "{missing}");
}
