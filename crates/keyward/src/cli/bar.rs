//! How far something long has come: one line on stderr that is written anew where that can be, and otherwise a new
//! line now and then.

use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use super::terminal;
use super::text::{self, thousands};

/// Columns where the terminal does not say how many it has.
const WIDTH_DEFAULT: usize = 80;
/// The bar itself is no longer: past this it says no more.
const BAR_WIDTH_MAX: usize = 40;
/// How often a line is added where lines cannot be written anew: a log wants few.
const LINE_EVERY: Duration = Duration::from_secs(5);
/// How often a line is written anew: as often as an eye follows.
const REDRAW_EVERY: Duration = Duration::from_millis(200);

/// How many of how many things are done. In a terminal the line is gone at the end.
#[derive(Debug)]
pub(crate) struct Bar {
    /// What is done to them, such as `Imported`.
    what: &'static str,
    /// What one of them is called.
    noun: &'static str,
    total: u64,
    /// Those that were done before this began.
    before: u64,
    began: Instant,
    redraws: bool,
    said_at: Instant,
}

impl Bar {
    /// A bar of so many keys, some of which are done already.
    pub(super) fn of_keys(what: &'static str, total: u64, before: u64) -> Self {
        Self::new(what, "key", total, before)
    }

    /// A bar of so many things, some of which are done already.
    pub(crate) fn new(what: &'static str, noun: &'static str, total: u64, before: u64) -> Self {
        let now = Instant::now();
        let redraws = terminal::can_redraw();
        let bar = Self { what, noun, total, before, began: now, redraws, said_at: now };
        if bar.redraws {
            bar.draw(before);
        }
        bar
    }

    /// Shows how many are done.
    pub(crate) fn show(&mut self, done: u64) {
        if self.redraws {
            self.draw(done);
        } else if self.said_at.elapsed() >= LINE_EVERY {
            terminal::say(format!("{}.", self.count(done)));
            self.said_at = Instant::now();
        }
    }

    /// Says something above the bar.
    pub(super) fn say(&self, words: impl AsRef<str>) {
        self.clear();
        terminal::say(words);
    }

    fn count(&self, done: u64) -> String {
        format!("{} {} of {}", self.what, thousands(done), text::count(self.total, self.noun))
    }

    fn draw(&self, done: u64) {
        let seconds = self.began.elapsed().as_secs().max(1);
        let speed = done.saturating_sub(self.before) / seconds;
        let words = format!(" {}, {} a second", self.count(done), thousands(speed));
        let room = terminal::stderr_width().unwrap_or(WIDTH_DEFAULT).saturating_sub(words.len() + 3);
        let bar = bar(done, self.total, room.min(BAR_WIDTH_MAX));
        // Nobody can be told that stderr is gone.
        let _ = write!(io::stderr().lock(), "\r\u{1b}[K{bar}{words}");
    }

    fn clear(&self) {
        if self.redraws {
            let _ = write!(io::stderr().lock(), "\r\u{1b}[K");
        }
    }
}

/// Whatever is said next stands on a line of its own.
impl Drop for Bar {
    fn drop(&mut self) {
        self.clear();
    }
}

/// How many of something are done, where nobody knows how many there will be. What is done soon says nothing.
#[derive(Debug)]
pub(crate) struct Count {
    /// What is done to them, such as `Exported`.
    what: &'static str,
    /// What one of them is called.
    noun: &'static str,
    redraws: bool,
    said_at: Instant,
}

impl Count {
    pub(crate) fn new(what: &'static str, noun: &'static str) -> Self {
        Self { what, noun, redraws: terminal::can_redraw(), said_at: Instant::now() }
    }

    /// Shows how many are done, if that was not said just now.
    pub(crate) fn show(&mut self, done: u64) {
        if self.said_at.elapsed() < if self.redraws { REDRAW_EVERY } else { LINE_EVERY } {
            return;
        }
        self.said_at = Instant::now();
        let words = format!("{} {}", self.what, text::count(done, self.noun));
        if self.redraws {
            // Nobody can be told that stderr is gone.
            let _ = write!(io::stderr().lock(), "\r\u{1b}[K{words}");
        } else {
            terminal::say(format!("{words}."));
        }
    }
}

impl Drop for Count {
    fn drop(&mut self) {
        if self.redraws {
            let _ = write!(io::stderr().lock(), "\r\u{1b}[K");
        }
    }
}

fn bar(done: u64, total: u64, width: usize) -> String {
    let full = u128::from(done.min(total)) * width as u128 / u128::from(total.max(1));
    let full = usize::try_from(full).unwrap_or(width);
    format!("[{}{}]", "#".repeat(full), ".".repeat(width - full.min(width)))
}

#[cfg(test)]
mod tests {
    use super::bar;

    #[test]
    fn a_bar_is_full_at_the_end_and_not_before() {
        for (done, total, width, shown) in [
            (0, 10, 4, "[....]"),
            (5, 10, 4, "[##..]"),
            (9, 10, 4, "[###.]"),
            (10, 10, 4, "[####]"),
            (11, 10, 4, "[####]"),
            (0, 0, 2, "[..]"),
            (u64::MAX, u64::MAX, 2, "[##]"),
            (1, 2, 0, "[]"),
        ] {
            assert_eq!(bar(done, total, width), shown);
        }
    }
}
