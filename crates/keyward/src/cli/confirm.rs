//! Asking before something is done that cannot be undone.

use super::failure::Failure;
use super::terminal;

/// Refuses unless somebody is there to answer, or need not be. What would be asked follows "whether".
pub(super) fn check_somebody(yes: bool, whether: &str) -> Result<(), Failure> {
    if yes || terminal::is_interactive() {
        return Ok(());
    }
    Err(Failure::usage(format!("there is nobody to ask whether {whether}")).advise("Add --yes."))
}

/// Whether the answer is `yes`, or the one other that is as good.
pub(super) fn is_yes(question: &str, or: Option<&str>) -> bool {
    let answer = terminal::ask(question);
    answer.is_some_and(|answer| answer.eq_ignore_ascii_case("yes") || Some(answer.as_str()) == or)
}
