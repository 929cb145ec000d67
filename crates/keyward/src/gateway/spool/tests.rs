use std::os::unix::fs::PermissionsExt as _;

use jiff::Timestamp;
use keyward_core::id::KeyId;
use keyward_core::key::Which;
use keyward_core::usage::Use;
use keyward_wire::feed::UseTold;

use super::*;

const ROOM: u64 = 64 * 1024 * 1024;

fn batch(number: u64, len: usize) -> UsesTold {
    let example = Use {
        key: KeyId::new(number, [7; 10]),
        secret: Which::Current,
        at: Timestamp::UNIX_EPOCH,
        code: "valid",
        ip: None,
        user_agent: Some("x".repeat(200).into()),
        scope: None,
        method: None,
        path: None,
        workspace: None,
    };
    let uses = (0..len).map(|_| UseTold::from(&example)).collect();
    UsesTold { node: "edge".to_owned(), start: "a".repeat(32), number, dropped: None, uses }
}

fn open(folder: &Path) -> (Spool, Arc<Counts>) {
    let counts = Arc::new(Counts::default());
    (Spool::open(folder, ROOM, Arc::clone(&counts)).unwrap(), counts)
}

/// Takes all that is there.
fn drain(spool: &mut Spool) -> Vec<u64> {
    std::iter::from_fn(|| spool.take_first()).map(|batch| batch.number).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let found = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        found.filter(|path| path.extension().is_some_and(|end| end == "ndjson")).collect();
    files.sort();
    files
}

#[test]
fn batches_come_out_in_their_order_whatever_was_read_before_and_leave_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (mut spool, counts) = open(folder.path());
    for number in 1..=3 {
        spool.put(&batch(number, 2)).unwrap();
    }
    assert_eq!(spool.take_first().map(|batch| batch.number), Some(1));
    spool.put(&batch(4, 2)).unwrap();
    assert_eq!(drain(&mut spool), [2, 3, 4]);
    assert!(spool.is_empty());
    assert_eq!((files(folder.path()).len(), counts.len(), counts.kept()), (0, 0, 8));
    spool.put(&batch(5, 1)).unwrap();
    assert_eq!(drain(&mut spool), [5]);
}

#[test]
fn what_an_earlier_start_left_comes_first_and_is_told_again_from_the_beginning_of_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let (mut spool, _) = open(folder.path());
    for number in 1..=3 {
        spool.put(&batch(number, 1)).unwrap();
    }
    spool.take_first().unwrap();
    drop(spool);
    let (mut spool, counts) = open(folder.path());
    assert!(counts.len() > 0);
    spool.put(&batch(9, 1)).unwrap();
    assert_eq!(files(folder.path()).len(), 2, "nothing is written behind what another start wrote");
    assert_eq!(drain(&mut spool), [1, 2, 3, 9]);
    assert_eq!(files(folder.path()).len(), 0);
}

#[test]
fn a_torn_last_record_and_a_damaged_one_are_skipped_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let (mut spool, _) = open(folder.path());
    for number in 1..=4 {
        spool.put(&batch(number, 1)).unwrap();
    }
    drop(spool);
    let file = &files(folder.path())[0];
    let mut text = fs::read(file).unwrap();
    let second = text.iter().position(|byte| *byte == b'\n').unwrap() + 40;
    text[second] ^= 1;
    fs::write(file, &text[..text.len() - 1]).unwrap();
    let (mut spool, counts) = open(folder.path());
    spool.put(&batch(5, 1)).unwrap();
    assert_eq!(drain(&mut spool), [1, 3, 5]);
    assert_eq!(counts.unreadable(), 2);
    assert_eq!(files(folder.path()).len(), 0);
}

#[test]
fn it_is_never_longer_than_it_may_be_and_has_room_again_when_some_was_taken() {
    let folder = tempfile::tempdir().unwrap();
    let counts = Arc::new(Counts::default());
    let mut spool = Spool::open(folder.path(), 9 * 1024 * 1024, Arc::clone(&counts)).unwrap();
    let mut put = 0;
    while spool.put(&batch(put + 1, 1_000)).is_ok() {
        put += 1;
    }
    let on_disk: u64 = files(folder.path()).iter().map(|file| file.metadata().unwrap().len()).sum();
    assert_eq!(on_disk, counts.len());
    assert!(on_disk <= 9 * 1024 * 1024 && on_disk > 8 * 1024 * 1024, "{on_disk}");
    assert_eq!(files(folder.path()).len(), 3);
    assert!(matches!(spool.put(&batch(put + 1, 1_000)), Err(NotKept::Full)));
    let of_first = fs::read_to_string(&files(folder.path())[0]).unwrap().lines().count();
    for _ in 0..of_first {
        spool.take_first().unwrap();
    }
    spool.put(&batch(put + 1, 1_000)).unwrap();
    let rest: Vec<u64> = (of_first as u64 + 1..=put + 1).collect();
    assert_eq!(drain(&mut spool), rest);
}

#[test]
fn short_files_count_as_blocks_so_that_their_number_is_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let mut put = 0;
    loop {
        let mut spool = Spool::open(folder.path(), 64 * 1024, Arc::default()).unwrap();
        match spool.put(&batch(put + 1, 1)) {
            Ok(()) => put += 1,
            Err(_) => break,
        }
    }
    assert_eq!((put, files(folder.path()).len()), (16, 16));
}

#[test]
fn it_is_for_its_owner_and_for_one_process() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("spool");
    let (mut spool, _) = open(&inner);
    spool.put(&batch(1, 1)).unwrap();
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&inner), 0o700);
    for file in files(&inner).iter().chain([&inner.join("spool.lock")]) {
        assert_eq!(mode(file), 0o600, "{}", file.display());
    }
    let refused = Spool::open(&inner, ROOM, Arc::default()).unwrap_err();
    assert!(refused.to_string().contains("another keyward"), "{refused}");
}
