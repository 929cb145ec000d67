//! Asking before something is done that cannot be undone.

use super::failure::Failure;
use super::terminal;

/// As many things as somebody reads before they answer a question.
pub(super) const SHOWN_MAX: usize = 50;

/// Refuses unless somebody is there to answer, or need not be. What would be asked follows "whether".
pub(crate) fn check_somebody(yes: bool, whether: &str) -> Result<(), Failure> {
    if yes || terminal::is_interactive() {
        return Ok(());
    }
    Err(Failure::usage(format!("there is nobody to ask whether {whether}")).advise("Add --yes."))
}

/// Whether the answer is `yes`, or the one other that is as good.
pub(crate) fn is_yes(question: &str, or: Option<&str>) -> bool {
    let answer = terminal::ask(question);
    answer.is_some_and(|answer| answer.eq_ignore_ascii_case("yes") || Some(answer.as_str()) == or)
}

/// Says what became of something that was to go as it was shown, and had changed meanwhile.
pub(super) fn advise_changed(failure: Failure) -> Failure {
    if failure.is_code("precondition_failed") {
        failure.advise("It was changed after it had been shown; nothing was deleted. Look at it again.")
    } else {
        failure
    }
}
