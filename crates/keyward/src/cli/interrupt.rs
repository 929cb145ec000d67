//! Ctrl-C while a file is written: what is not whole yet does not stay.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::exit;
use std::thread;

use tokio::signal::unix::{SignalKind, signal};

/// What a shell makes of the end by a signal: this and its number.
const BY_SIGNAL: i32 = 128;

/// Takes a file away if somebody ends the program before its work is done. Where signals cannot be heard, the program
/// ends as it would have, and the file stays under its temporary name, for its owner alone.
pub(super) fn forget(path: &Path) {
    let path = path.to_owned();
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_io().build() else { return };
    // Signals are heard from before this returns.
    let entered = runtime.enter();
    let (interrupt, terminate) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    drop(entered);
    let (Ok(mut interrupt), Ok(mut terminate)) = (interrupt, terminate) else { return };
    thread::spawn(move || {
        let by = runtime.block_on(async {
            tokio::select! {
                _ = interrupt.recv() => SignalKind::interrupt(),
                _ = terminate.recv() => SignalKind::terminate(),
            }
        });
        end(&path, by);
    });
}

/// The file has its last name already, or it goes.
fn end(path: &PathBuf, by: SignalKind) -> ! {
    // That it is gone is what is wanted.
    let _ = fs::remove_file(path);
    exit(BY_SIGNAL + by.as_raw_value())
}
