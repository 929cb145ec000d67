//! What a command wrote, without what differs from run to run: for snapshots.

use keyward_tests::time;

use crate::person::Ran;

const UNITS: [&str; 5] = ["ms", "second", "minute", "hour", "day"];

/// Both streams of a command, masked; `also` says what else differs, and what stands for it.
pub(crate) fn masked(ran: &Ran, also: &[(&str, &str)]) -> String {
    let streams = [("stdout", &ran.stdout), ("stderr", &ran.stderr)];
    let shown = streams.iter().filter(|(_, text)| !text.is_empty());
    let shown: Vec<_> = shown.map(|(name, text)| format!("{name}:\n{}", masked_text(text, also))).collect();
    format!("{}exit: {}", shown.concat(), ran.exit)
}

/// Times, ids, the ends of secrets and the widths of columns say no more than that they are there.
pub(crate) fn masked_text(text: &str, also: &[(&str, &str)]) -> String {
    let text = also.iter().fold(text.to_owned(), |text, (what, mask)| text.replace(what, mask));
    text.lines().map(masked_line).fold(String::new(), |all, line| all + &line + "\n")
}

fn masked_line(line: &str) -> String {
    let indent = if line.starts_with("  ") { "  " } else { "" };
    let columns = line.split("  ").map(str::trim).filter(|column| !column.is_empty());
    format!("{indent}{}", columns.map(masked_words).collect::<Vec<_>>().join("  "))
}

fn masked_words(column: &str) -> String {
    let mut words: Vec<String> = column.split(' ').map(masked_word).collect();
    let mut index = 0;
    while let Some([number, unit, ..]) = words.get(index..) {
        let is_duration = number.parse::<u32>().is_ok() && UNITS.iter().any(|name| unit.starts_with(name));
        if is_duration {
            let end = unit.trim_start_matches(char::is_alphabetic).to_owned();
            words.splice(index..index + 2, [format!("…{end}")]);
        }
        index += 1;
    }
    words.join(" ").replace("just now", "… ago")
}

fn masked_word(word: &str) -> String {
    let bare = word.trim_matches(|c| "()<>,.;:".contains(c));
    let mask = |with: &str| word.replace(bare, with);
    if let Some((prefix, unique)) = bare.split_once('_')
        && unique.len() == 26
        && unique.bytes().all(|byte| byte.is_ascii_alphanumeric())
    {
        return mask(&format!("{prefix}_ID"));
    }
    if let Some((prefix, _)) = bare.split_once('…')
        && prefix.ends_with('_')
    {
        return mask(&format!("{prefix}…HINT"));
    }
    if bare.ends_with('Z') && bare.contains(':') {
        // It must be a time.
        time(&bare.into());
        return mask("TIME");
    }
    word.to_owned()
}

#[test]
fn what_differs_is_masked_and_nothing_else() {
    let line = "ci   key_01m7yqtshneaf86mvhw1rsxswh   3 seconds ago   (cvk_…9f3a), until 2026-11-22T09:43:36Z (in 24 hours)";
    assert_eq!(masked_text(line, &[("ci", "NAME")]), "NAME  key_ID  … ago  (cvk_…HINT), until TIME (in …)\n");
    assert_eq!(
        masked_text("Applied on 1 of 1 nodes in 41 ms: so.", &[]),
        "Applied on 1 of 1 nodes in …: so.\n"
    );
}
