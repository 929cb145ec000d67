//! Counting: what cargo's test programs say of themselves, summed; and what their failed tests said.

/// Lines kept of what one failed test said: a panic, its place, and the head of a page.
const LINES_OF_A_TEST: usize = 40;
/// Lines kept in all, so that the end of a run in which everything failed can still be read.
const LINES: usize = 400;

#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
    /// What failed tests said, each under its own heading.
    pub(crate) said: Vec<String>,
    /// Lines that the test which is being read may still say.
    more: usize,
}

impl Tally {
    /// Takes a line of a test program's output. One like `test result: ok. 12 passed; 0 failed; 1 ignored; …` is counted,
    /// and what stands under `---- its name stdout ----` is kept.
    pub(crate) fn see(&mut self, line: &str) {
        self.listen(line);
        self.count(line);
    }

    fn listen(&mut self, line: &str) {
        if line.starts_with("---- ") && line.ends_with(" stdout ----") {
            self.more = LINES_OF_A_TEST;
        } else if line == "failures:" {
            self.more = 0;
        }
        if self.more > 0 && self.said.len() < LINES {
            self.more -= 1;
            self.said.push(line.to_owned());
        }
    }

    fn count(&mut self, line: &str) {
        let Some(counts) = line.trim_start().strip_prefix("test result:") else { return };
        for part in counts.split(['.', ';']) {
            let mut words = part.split_whitespace();
            let (Some(count), Some(what)) = (words.next().and_then(|n| n.parse::<u64>().ok()), words.next())
            else {
                continue;
            };
            match what {
                "passed" => self.passed += count,
                "failed" => self.failed += count,
                "ignored" => self.skipped += count,
                _ => {}
            }
        }
    }

    /// The closing line, alone on its line, that machines read too.
    pub(crate) fn closing(&self) -> String {
        let Self { passed, failed, skipped, .. } = self;
        let rest = if *skipped == 0 { String::new() } else { format!(", {skipped} skipped") };
        format!("{passed} passed, {failed} failed{rest}")
    }
}

#[cfg(test)]
mod tests {
    use super::Tally;

    fn of(passed: u64, failed: u64, skipped: u64) -> Tally {
        Tally { passed, failed, skipped, ..Tally::default() }
    }

    #[test]
    fn results_of_several_programs_are_summed() {
        let mut tally = Tally::default();
        tally.see("running 3 tests");
        tally.see(
            "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 4 filtered out; finished in 0.10s",
        );
        tally.see("test result: FAILED. 2 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s");
        assert_eq!(tally, of(14, 3, 1));
    }

    #[test]
    fn what_a_failed_test_said_is_kept_up_to_a_bound() {
        let mut tally = Tally::default();
        for line in [
            "test a ... FAILED",
            "",
            "failures:",
            "",
            "---- a stdout ----",
            "panicked at a.rs:1",
            "failures:",
            "    a",
        ] {
            tally.see(line);
        }
        assert_eq!(tally.said, ["---- a stdout ----", "panicked at a.rs:1"]);
        for _ in 0..100 {
            tally.see("---- b stdout ----");
            (0..100).for_each(|_| tally.see("a line"));
        }
        assert_eq!(tally.said.len(), 400);
        assert_eq!(tally.said.iter().filter(|line| *line == "---- b stdout ----").count(), 10);
    }

    #[test]
    fn the_closing_line_names_the_skipped_only_if_there_are_some() {
        assert_eq!(of(3, 0, 0).closing(), "3 passed, 0 failed");
        assert_eq!(of(3, 0, 2).closing(), "3 passed, 0 failed, 2 skipped");
    }
}
