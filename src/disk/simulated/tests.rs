//! What a simulated disk may do, and what it must not.

use std::collections::BTreeSet;
use std::io::{Read, Write};

use super::{Call, Errno, Fault, Rule, SimulatedDisk, Slip};
use crate::disk::{Disk, DiskFile};

const SEEDS: u64 = 200;

fn write(file: &mut Box<dyn DiskFile>, bytes: &[u8]) {
    file.write_all(bytes).expect("the disk is well");
}

fn content(disk: &SimulatedDisk, name: &str) -> Option<Vec<u8>> {
    disk.contents().into_iter().find(|(other, _)| other == name).map(|(_, bytes)| bytes)
}

/// All that crashes by a rule leave of a file.
fn outcomes(disk: &SimulatedDisk, rule: Rule, name: &str) -> BTreeSet<Option<Vec<u8>>> {
    (0..SEEDS).map(|seed| content(&disk.crash(rule, seed), name)).collect()
}

/// A disk with a file of 700 durable bytes and 600 more.
fn half_synced() -> (SimulatedDisk, Box<dyn DiskFile>) {
    let disk = SimulatedDisk::new(1);
    let mut file = disk.create("a").expect("the disk is well");
    write(&mut file, &[1; 700]);
    file.sync().and_then(|()| disk.sync()).expect("the disk is well");
    write(&mut file, &[2; 300]);
    write(&mut file, &[3; 300]);
    (disk, file)
}

#[test]
fn what_was_synced_survives_every_crash_and_what_was_not_as_the_rule_says() {
    let (disk, mut file) = half_synced();
    for rule in Rule::ALL {
        for found in outcomes(&disk, rule, "a") {
            let found = found.expect("its name is durable");
            assert!(found.starts_with(&[1; 700]), "{rule:?}");
            assert!(found.len() <= 1300, "{rule:?}");
        }
    }
    let lengths = |rule| -> BTreeSet<usize> {
        outcomes(&disk, rule, "a").into_iter().flatten().map(|bytes| bytes.len()).collect()
    };
    assert_eq!(lengths(Rule::Nothing), [700].into());
    assert_eq!(lengths(Rule::Everything), [1300].into());
    assert_eq!(lengths(Rule::Prefix), [700, 1000, 1300].into());
    assert!(lengths(Rule::Cut).len() > 50);
    assert_eq!(lengths(Rule::Grown), [1300].into());
    let all = outcomes(&disk, Rule::Torn, "a");
    let torn = |at: usize, byte: u8| all.iter().flatten().any(|bytes| bytes.get(at) == Some(&byte));
    // The sector with synced bytes, the middle one and the last: each as it was to be, or not there.
    assert!([(701, 2), (701, 0), (1023, 3), (1023, 0), (1299, 3), (1299, 0)].iter().all(|(at, byte)| torn(*at, *byte)));
    let holes = outcomes(&disk, Rule::Reordered, "a");
    assert!(holes.iter().flatten().any(|bytes| bytes[700..].starts_with(&[0; 300]) && bytes.ends_with(&[3; 300])));
    file.sync().expect("the disk is well");
    for rule in Rule::ALL {
        assert_eq!(outcomes(&disk, rule, "a").into_iter().flatten().map(|bytes| bytes.len()).max(), Some(1300));
        assert_eq!(outcomes(&disk, rule, "a").len(), 1, "{rule:?}");
    }
}

#[test]
fn room_is_zeros_that_are_written_over_sector_by_sector() {
    let disk = SimulatedDisk::new(1);
    let mut file = disk.create("a").expect("the disk is well");
    write(&mut file, &[1; 300]);
    file.reserve(1_700).and_then(|()| file.sync()).and_then(|()| disk.sync()).expect("the disk is well");
    let with = |bytes: &[u8]| Some([&[1; 300][..], bytes, &vec![0; 1_700 - bytes.len()]].concat());
    write(&mut file, &[2; 900]);
    for rule in Rule::ALL {
        for found in outcomes(&disk, rule, "a") {
            let found = found.expect("its name is durable");
            assert!(found.len() == 2_000 && found.starts_with(&[1; 300]), "{rule:?}");
            assert!(found[300..1_200].iter().all(|byte| [0, 2].contains(byte)), "{rule:?}");
            assert!(found[1_200..].iter().all(|byte| *byte == 0), "{rule:?}");
        }
    }
    let (nothing, everything) = (with(&[]), with(&[2; 900]));
    assert_eq!(outcomes(&disk, Rule::Nothing, "a"), [nothing.clone()].into());
    assert_eq!(outcomes(&disk, Rule::Grown, "a"), [nothing.clone()].into());
    assert_eq!(outcomes(&disk, Rule::Everything, "a"), [everything.clone()].into());
    assert_eq!(outcomes(&disk, Rule::Prefix, "a"), [nothing.clone(), everything.clone()].into());
    assert_eq!(outcomes(&disk, Rule::Reordered, "a"), [nothing, everything.clone()].into());
    assert!(outcomes(&disk, Rule::Cut, "a").len() > 50);
    assert_eq!(outcomes(&disk, Rule::Torn, "a").len(), 8, "three sectors, each as it was or as it was to be");
    file.sync().expect("the disk is well");
    for rule in Rule::ALL {
        assert_eq!(outcomes(&disk, rule, "a"), [everything.clone()].into(), "{rule:?}");
    }
    // What goes beyond it makes the file grow, and a cut takes it away.
    write(&mut file, &[3; 900]);
    assert_eq!(content(&disk, "a").map(|bytes| bytes.len()), Some(2_100));
    file.reserve(10).and_then(|()| file.set_len(1_300)).expect("the disk is well");
    write(&mut file, &[4; 1]);
    assert_eq!(content(&disk, "a").map(|bytes| bytes[1_299..].to_vec()), Some(vec![3, 4]));
}

#[test]
fn room_takes_space_and_what_is_written_there_needs_no_more() {
    let disk = SimulatedDisk::new(1);
    let mut file = disk.create("a").expect("a name needs no space");
    disk.set_space(Some(100));
    file.reserve(60).expect("it fits");
    assert_eq!(file.reserve(120).expect_err("it does not").kind(), std::io::ErrorKind::StorageFull);
    assert_eq!(content(&disk, "a").map(|bytes| bytes.len()), Some(100), "what fits is taken");
    assert_eq!(file.write(&[1; 130]).expect("some fits"), 100);
    assert_eq!(file.write(&[1; 1]).expect_err("none fits").kind(), std::io::ErrorKind::StorageFull);
    file.set_len(30).expect("the disk is well");
    disk.set_file_bytes_max(Some(50));
    assert_eq!(file.reserve(40).expect_err("the file may not grow so far").kind(), std::io::ErrorKind::StorageFull);
    disk.fail(Fault { call: Some(Call::Reserve), number: 1, errno: Errno::Io, lasting: false });
    assert_eq!(file.reserve(1).expect_err("it was told to fail").raw_os_error(), Some(5));
    assert_eq!(file.write(&[1; 40]).expect("some fits"), 20);
}

#[test]
fn a_cut_survives_or_does_not_until_it_is_synced() {
    let (disk, mut file) = half_synced();
    file.set_len(100).expect("the disk is well");
    let lengths = |rule| -> BTreeSet<usize> {
        outcomes(&disk, rule, "a").into_iter().flatten().map(|bytes| bytes.len()).collect()
    };
    assert_eq!(lengths(Rule::Reordered), [100, 700, 1000, 1300].into());
    assert_eq!((lengths(Rule::Nothing), lengths(Rule::Everything)), ([700].into(), [100].into()));
    file.sync().expect("the disk is well");
    assert!(Rule::ALL.iter().all(|rule| lengths(*rule) == [100].into()));
}

#[test]
fn a_failed_sync_promises_nothing_even_when_later_ones_go_well() {
    let (disk, mut file) = half_synced();
    disk.fail(Fault { call: Some(Call::SyncFile), number: 1, errno: Errno::Io, lasting: false });
    assert_eq!(file.sync().expect_err("it was told to fail").raw_os_error(), Some(5));
    file.sync().expect("later ones go well");
    write(&mut file, &[4; 100]);
    file.sync().expect("later ones go well");
    let found = outcomes(&disk, Rule::Nothing, "a");
    let lost = [&[1; 700][..], &[0; 600], &[4; 100]].concat();
    assert_eq!(found, [Some(lost)].into(), "what was written after it is durable, and what was lost is a hole");
    assert!(outcomes(&disk, Rule::Reordered, "a").len() > 2);
}

#[test]
fn names_are_there_or_not_and_a_rename_is_whole() {
    let disk = SimulatedDisk::new(1);
    disk.put("a", b"old");
    let mut file = disk.create("tmp").expect("the disk is well");
    write(&mut file, b"new");
    file.sync().and_then(|()| disk.rename("tmp", "a")).expect("the disk is well");
    disk.create("b").map(drop).expect("the disk is well");
    disk.remove("b").expect("the disk is well");
    let mut seen = BTreeSet::new();
    for rule in Rule::ALL {
        for seed in 0..SEEDS {
            let found = disk.crash(rule, seed);
            let a = content(&found, "a").expect("one of the two has the name at every moment");
            assert!(a == b"old" || a == b"new", "{rule:?} {seed}");
            assert!(a == b"old" || content(&found, "tmp").is_none(), "{rule:?} {seed}");
            seen.insert(found.names().expect("the disk is well"));
        }
    }
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(seen, [&["a"][..], &["a", "b"], &["a", "tmp"], &["a", "b", "tmp"]].map(names).into());
    disk.sync().expect("the disk is well");
    assert!(Rule::ALL.iter().all(|rule| outcomes(&disk, *rule, "a") == [Some(b"new".to_vec())].into()));
}

#[test]
fn short_and_interrupted_calls_lose_nothing_for_who_goes_on() {
    let disk = SimulatedDisk::new(7);
    disk.slip(Slip { short_percent: 60, interrupted_percent: 20 });
    let mut file = disk.create("a").expect("the disk is well");
    let bytes: Vec<u8> = (0..=255).cycle().take(5000).collect();
    write(&mut file, &bytes);
    assert!(disk.calls(Call::Write) > 3);
    let mut found = Vec::new();
    disk.read("a").and_then(|mut file| file.read_to_end(&mut found)).expect("the disk is well");
    assert_eq!(found, bytes);
}

#[test]
fn a_full_disk_takes_what_fits_and_more_when_space_returns() {
    let disk = SimulatedDisk::new(1);
    disk.put("a", &[0; 100]);
    disk.set_space(Some(150));
    let mut file = disk.create("b").expect("a name needs no space");
    assert_eq!(file.write(&[1; 80]).expect("some fits"), 50);
    assert_eq!(file.write(&[1; 30]).expect_err("none fits").kind(), std::io::ErrorKind::StorageFull);
    disk.remove("a").expect("the disk is well");
    assert_eq!(file.write(&[1; 30]).expect("space has returned"), 30);
    disk.set_space(None);
    disk.set_file_bytes_max(Some(100));
    assert_eq!(file.write(&[1; 80]).expect("some fits"), 20);
    assert_eq!(file.write(&[1; 1]).expect_err("none fits").kind(), std::io::ErrorKind::FileTooLarge);
}

#[test]
fn without_power_every_call_fails_and_nothing_changes() {
    let (disk, mut file) = half_synced();
    disk.cut_power_before(disk.calls_of_all() + 2);
    write(&mut file, b"x");
    assert!(disk.is_dark());
    let before = disk.contents();
    assert!(file.sync().is_err() && file.write(b"y").is_err() && file.set_len(0).is_err());
    assert!(disk.sync().is_err() && disk.names().is_err() && disk.remove("a").is_err());
    assert_eq!(disk.contents(), before);
    assert_eq!(outcomes(&disk, Rule::Nothing, "a"), [Some(vec![1; 700])].into());
    let restarted = disk.crash(Rule::Nothing, 1);
    assert!(!restarted.is_dark() && restarted.names().is_ok());
}

#[test]
fn equal_runs_have_equal_traces() {
    let run = |byte| {
        let disk = SimulatedDisk::new(3);
        disk.slip(Slip { short_percent: 50, interrupted_percent: 10 });
        let mut file = disk.create("a").expect("the disk is well");
        write(&mut file, &[byte; 3000]);
        disk.trace()
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}
