//! Pictures of every page, for people to look at: `cargo xtask screenshots`.

use std::path::PathBuf;

use keyward_tests::{Browser, Keyward, PROFILES, json};

use super::tour;

/// Where the pictures go.
const FOLDER: &str = "KEYWARD_SCREENSHOTS";
/// A laptop's window, and a small telephone's.
const WIDE: (u32, u32) = (1280, 800);
const NARROW: (u32, u32) = (320, 640);

#[test]
#[ignore = "writes pictures; run by `cargo xtask screenshots`"]
fn every_page() {
    let folder = PathBuf::from(std::env::var_os(FOLDER).expect("the folder, in KEYWARD_SCREENSHOTS"));
    for profile in PROFILES {
        let into = folder.join(profile);
        std::fs::create_dir_all(&into).expect("a folder for the pictures");
        let keyward = Keyward::profile(profile).start();
        let workspace = keyward.first_workspace();
        if profile == "cybrium" {
            workspace.set_plan("pro");
        }
        tour::walk_in(&keyward, &workspace, &mut |browser, name| {
            let take = |look: &str| {
                let write = |ending: &str, picture: Vec<u8>| {
                    let file = into.join(format!("{name}-{look}.{ending}"));
                    std::fs::write(file, picture).expect("a picture");
                };
                write("png", browser.picture());
                write("webp", browser.small_picture());
            };
            pose(browser, "light", WIDE);
            take("light");
            // What differs between profiles is words; how they look in the dark and on a telephone is the same.
            if profile == "default" {
                pose(browser, "dark", WIDE);
                take("dark");
                pose(browser, "light", NARROW);
                take("narrow");
                pose(browser, "light", WIDE);
            }
        });
    }
}

fn pose(browser: &Browser<'_>, scheme: &str, (width, height): (u32, u32)) {
    browser.prefers(scheme);
    browser.resize(width, height);
    // A picture of the whole page has no bars, and leaves them no room.
    browser.devtools("Emulation.setScrollbarsHidden", &json!({"hidden": true}));
}
