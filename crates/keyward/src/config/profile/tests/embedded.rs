//! What the profiles of the binary hold.

use std::path::Path;

use keyward_core::plan::PlanName;
use keyward_core::profile::Profile;
use keyward_core::rate::RequestsPerMinute;
use keyward_core::secret::Encoding;

use super::super::{NAMES, load};
use super::holds;
use crate::config::origin::Origin;

fn embedded(name: &str) -> Profile {
    load(name, Path::new(""), &Origin::Default).unwrap()
}

fn needs(profile: &Profile, method: &str, path: &str) -> Option<String> {
    profile.routes.find(method, path).map(|found| found.need.names().join(" "))
}

#[test]
fn every_profile_of_the_binary_is_good() {
    for name in NAMES {
        let profile = embedded(name);
        assert_eq!(&*profile.name, name);
        assert!(!profile.catalogue.scopes().is_empty());
        let first = &profile.roles()[0];
        assert!(profile.catalogue.ids().all(|id| first.grants.scopes().contains(id)), "{name}");
        assert_eq!(profile.keys.rotation_overlap_seconds, 86_400);
        for role in profile
            .roles()
            .iter()
            .filter(|role| ["member", "viewer", "user", "org_member"].contains(&role.name.as_str()))
        {
            for action in ["settings.manage", "members.manage", "members.invite"] {
                assert!(!holds(&profile, role.name.as_str(), action), "{name} {} {action}", role.name);
            }
        }
    }
}

#[test]
fn secrets_and_kinds_are_as_each_profile_says() {
    for (name, prefix, encoding, personal, workspace, never) in [
        ("default", "kw_", Encoding::Base62, true, true, true),
        ("cysmiq", "cys_tt_", Encoding::Base62, true, true, true),
        ("cybrium", "cbr_live_", Encoding::Base62, true, false, true),
        ("cveium", "cvk_", Encoding::Hex, false, true, true),
        ("cerby", "cerby_", Encoding::Base62, false, true, false),
        ("cycloid", "cyc_", Encoding::Base62, false, true, true),
    ] {
        let keys = embedded(name).keys;
        assert_eq!((keys.format.prefix(), keys.format.encoding()), (prefix, encoding), "{name}");
        assert_eq!((keys.kinds.personal, keys.kinds.workspace), (personal, workspace), "{name}");
        assert_eq!(keys.expiry.never, never, "{name}");
        assert_eq!(keys.inherit, name == "cybrium");
        assert_eq!(keys.create_by_api, name != "cerby");
    }
    assert_eq!(embedded("cysmiq").keys.requests_per_minute, RequestsPerMinute::new(60));
}

#[test]
fn cer_3_and_cys_10_menus_are_those_of_the_pages() {
    let labels = |name: &str| {
        let menu = embedded(name).keys.expiry.menu;
        menu.iter().map(|choice| choice.label.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(labels("cerby"), ["1 hour", "12 hours", "1 day", "5 days", "1 year"]);
    assert_eq!(labels("cysmiq"), ["7 days", "30 days", "90 days", "180 days", "365 days", "Never"]);
    assert_eq!(labels("cveium"), ["30 days", "90 days", "180 days", "365 days", "Never"]);
    let cybrium = embedded("cybrium").keys.expiry;
    assert_eq!(&*cybrium.menu[cybrium.default].label, "90 days");
}

#[test]
fn cve_4_and_cve_5_scopes_and_routes_of_cveium() {
    let cveium = embedded("cveium");
    let names: Vec<&str> = cveium.catalogue.scopes().iter().map(|scope| &*scope.name).collect();
    assert_eq!(
        names.join(" "),
        "products:read products:write releases:read releases:write sboms:read sboms:write vulnerabilities:read \
         dispositions:read dispositions:write vex:read vex:write disclosures:read compliance:read audit:read cve:trigger"
    );
    for thing in ["products", "releases", "sboms", "dispositions", "vex"] {
        for path in [format!("/api/{thing}"), format!("/api/{thing}/7")] {
            assert_eq!(needs(&cveium, "GET", &path), Some(format!("{thing}:read")));
            for method in ["POST", "PUT", "PATCH", "DELETE"] {
                assert_eq!(needs(&cveium, method, &path), Some(format!("{thing}:write")));
            }
        }
    }
    for thing in ["vulnerabilities", "disclosures", "compliance", "audit"] {
        assert_eq!(needs(&cveium, "GET", &format!("/api/{thing}")), Some(format!("{thing}:read")));
        assert_eq!(needs(&cveium, "POST", &format!("/api/{thing}")), None);
    }
    assert_eq!(needs(&cveium, "POST", "/api/cve-scan").as_deref(), Some("cve:trigger"));
    assert_eq!(needs(&cveium, "GET", "/api/cve-scan"), None);
    assert!(holds(&cveium, "admin", "audit:read") && !holds(&cveium, "member", "audit:read"));
}

#[test]
fn cyb_2_only_starter_is_without_keys() {
    let cybrium = embedded("cybrium");
    assert_eq!(cybrium.plans()[0].name, PlanName::new("starter"));
    let with_keys = |name: &str| cybrium.plan_has_keys(&PlanName::new(name));
    assert!(!with_keys("starter") && with_keys("pro") && with_keys("enterprise"));
    assert!(holds(&cybrium, "admin", "audit:read") && holds(&cybrium, "admin", "members.invite"));
    assert!(!holds(&cybrium, "viewer", "scans:read") && holds(&cybrium, "viewer", "keys.read"));
    assert_eq!(needs(&cybrium, "GET", "/v1/scans/").as_deref(), Some("scans:read"));
}

#[test]
fn cyc_3_routes_of_cycloid_name_the_entity() {
    let cycloid = embedded("cycloid");
    let found = cycloid.routes.find("DELETE", "/organizations/acme/credentials/cy-1").unwrap();
    assert_eq!(found.resource.as_deref(), Some("organization:acme:credential:cy-1"));
    assert_eq!(found.workspace, Some("acme"));
    let trigger = needs(&cycloid, "POST", "/organizations/acme/pipelines/p1/trigger");
    assert_eq!(trigger.as_deref(), Some("organization:pipeline:trigger"));
    assert!(holds(&cycloid, "org_member", "organization:credential:read"));
    assert!(!holds(&cycloid, "org_member", "organization:credential:create"));
}

#[test]
fn the_console_speaks_of_keys_as_each_profile_says() {
    use keyward_core::pages::CreateForm;
    for (name, create, begin, revoke) in [
        ("default", CreateForm::Steps, "Create API key", "Revoke"),
        ("cysmiq", CreateForm::AboveList, "Create API key", "Revoke"),
        ("cybrium", CreateForm::Dialog, "Create API key", "Revoke"),
        ("cveium", CreateForm::Dialog, "Create API Key", "Revoke"),
        ("cerby", CreateForm::Steps, "Generate API key", "Revoke"),
        ("cycloid", CreateForm::Dialog, "Create API key", "Delete"),
    ] {
        let pages = embedded(name).pages;
        assert_eq!(
            (pages.create, &*pages.create_word, &*pages.revoke_word),
            (create, begin, revoke),
            "{name}"
        );
    }
    // What the default profile writes out is what counts where nothing is written.
    assert_eq!(embedded("default").pages, keyward_core::pages::Pages::default());
}
