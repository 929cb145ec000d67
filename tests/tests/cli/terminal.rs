use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::Stdio;

use keyward_tests::{json, shared};
use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::person::Shell;

/// A terminal of a given width, with somebody in front of it.
pub(crate) struct Terminal {
    ours: OwnedFd,
    theirs: OwnedFd,
}

impl Terminal {
    pub(crate) fn new(columns: u16) -> Self {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a pseudo-terminal");
        grantpt(&ours).expect("it is ours");
        unlockpt(&ours).expect("it is unlocked");
        let name = ptsname(&ours, Vec::new()).expect("its name");
        let theirs =
            rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).expect("its other end");
        let size = Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&theirs, size).expect("its width");
        Self { ours, theirs }
    }

    /// Runs a command in the terminal, types that line, and gives what was seen.
    pub(crate) fn run(self, shell: &Shell, arguments: &[&str], typed: &str) -> (i32, String) {
        let mut ours = File::from(self.ours);
        writeln!(ours, "{typed}").expect("somebody types");
        let end = || Stdio::from(self.theirs.try_clone().expect("another handle"));
        let mut child = {
            let mut command = shell.command(arguments);
            command.stdin(end()).stdout(end()).stderr(end());
            command.spawn().expect("keyward starts")
        };
        drop(self.theirs);
        let mut seen = Vec::new();
        // The last handle of the other end being closed reads as an error, not as an end.
        let mut chunk = [0; 4096];
        while let Ok(length @ 1..) = ours.read(&mut chunk) {
            seen.extend_from_slice(chunk.get(..length).unwrap_or_default());
        }
        let status = child.wait().expect("its end");
        (status.code().expect("an exit code"), String::from_utf8(seen).expect("text").replace('\r', ""))
    }
}

const ESCAPE: char = '\u{1b}';

#[test]
fn colours_are_for_terminals_and_follow_no_color() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    workspace.key_with(&["products:read"]);
    let shell = Shell::signed_in(keyward, workspace.owner()).with("KEYWARD_WORKSPACE", &workspace.slug);
    let list = ["keys", "list"];
    let (exit, coloured) = Terminal::new(200).run(&shell, &list, "");
    assert_eq!(exit, 0, "{coloured}");
    assert!(coloured.contains("\u{1b}[32mactive\u{1b}[0m"), "{coloured:?}");
    assert!(!shell.run(&list).expect(0).stdout.contains(ESCAPE), "a pipe is no terminal");

    let (_, dumb) = Terminal::new(200).run(&shell_with(keyward, &workspace, "TERM", "dumb"), &list, "");
    let (_, plain) = Terminal::new(200).run(&shell_with(keyward, &workspace, "NO_COLOR", "1"), &list, "");
    for shown in [dumb, plain] {
        assert!(shown.contains("active") && !shown.contains(ESCAPE), "{shown:?}");
    }
}

fn shell_with(
    keyward: &keyward_tests::Keyward,
    workspace: &keyward_tests::Workspace<'_>,
    name: &str,
    value: &str,
) -> Shell {
    Shell::signed_in(keyward, workspace.owner()).with("KEYWARD_WORKSPACE", &workspace.slug).with(name, value)
}

#[test]
fn a_table_fits_a_narrow_terminal_and_keeps_names_status_and_ids() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let name = "a-name-that-is-much-too-long-for-any-narrow-terminal-漢字";
    let key = workspace.create_key(json!({"name": name, "scopes": ["products:read", "sboms:read"]}));
    let shell = shell_with(keyward, &workspace, "NO_COLOR", "1");
    for columns in [60, 80, 120] {
        let (exit, shown) = Terminal::new(columns).run(&shell, &["keys", "list"], "");
        assert_eq!(exit, 0, "{shown}");
        assert!(
            shown.contains(&key.id) && shown.contains("active") && shown.contains("a-name-that"),
            "{shown}"
        );
        for line in shown.lines() {
            // A wide character takes two columns and more than two bytes.
            assert!(line.chars().count() <= usize::from(columns), "{columns}: {line}");
        }
    }
    let wide = shell.run(&["keys", "list"]).expect(0).stdout;
    assert!(wide.contains(name) && wide.contains("products:read,sboms:read"), "a pipe has room: {wide}");
}
