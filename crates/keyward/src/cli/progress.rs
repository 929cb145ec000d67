//! How far long work is.

use std::time::{Duration, Instant};

use super::terminal;

/// How often a line is added where lines cannot be written over: a log wants few.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// A line on stderr that says how far the work is. In a terminal it is written over, and gone at the end.
#[derive(Debug)]
pub(super) struct Progress {
    what: &'static str,
    total: usize,
    in_terminal: bool,
    /// How much of the terminal's line is written.
    width: usize,
    said_at: Instant,
}

impl Progress {
    /// Work on that many things. Nothing is said yet.
    pub(super) fn of(what: &'static str, total: usize) -> Self {
        let in_terminal = terminal::can_redraw();
        Self { what, total, in_terminal, width: 0, said_at: Instant::now() }
    }

    /// So many are done.
    pub(super) fn at(&mut self, done: usize) {
        let line = format!("{} {done} of {} …", self.what, self.total);
        if self.in_terminal {
            terminal::complain(&format!("\r{line:width$}", width = self.width));
            self.width = line.chars().count();
        } else if self.said_at.elapsed() >= LINE_EVERY {
            terminal::say(&line);
            self.said_at = Instant::now();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.width > 0 {
            terminal::complain(&format!("\r{:width$}\r", "", width = self.width));
        }
    }
}
