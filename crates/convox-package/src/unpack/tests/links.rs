//! Symlinks and hard links.

use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};

use super::*;

#[test]
fn nothing_is_written_through_a_symlink() {
    let through = "the name leads through a symlink";
    let link = || Tar::default().directory("real").symlink("dir", "real");
    assert!(refusal(link().file("dir/file", "x")).contains(through));
    assert!(refusal(link().directory("dir/sub")).contains(through));
    assert!(refusal(link().symlink("dir/link", "x")).contains(through));
    assert!(refusal(link().file("f", "x").hard_link("dir/hard", "f")).contains(through));
    assert!(
        refusal(Tar::default().symlink("dir", "..").file("dir/witness", "x")).contains(through)
    );
}

#[test]
fn existing_symlinks_are_not_followed() {
    let place = Place::new();
    symlink("..", place.at("up")).unwrap();
    symlink("../witness", place.at("file")).unwrap();
    let through = place.unpack(&Tar::default().file("up/witness", "gotcha").end()).unwrap_err();
    assert!(matches!(through, UnpackError::ThroughLink(_)), "{through}");
    let hard = place.unpack(&Tar::default().hard_link("x", "up/witness").end()).unwrap_err();
    assert!(matches!(hard, UnpackError::HardLink { .. }), "{hard}");
    let hard = place.unpack(&Tar::default().hard_link("x", "file").end()).unwrap_err();
    assert!(matches!(hard, UnpackError::HardLink { .. }), "{hard}");
    let link = place.unpack(&Tar::default().symlink("x", "up/witness").end()).unwrap_err();
    assert!(matches!(link, UnpackError::LinkLeaves { .. }), "{link}");
    place.unpack(&Tar::default().file("file", "mine").end()).unwrap();
    assert_eq!(place.read("file"), "mine", "the link is replaced, not followed");
}

#[test]
fn symlinks_that_lead_out_through_others_are_refused() {
    let leaves = |tar: Tar| {
        let text = refusal(tar);
        assert!(text.contains("leads outside of the archive"), "{text}");
    };
    leaves(Tar::default().symlink("a", "/etc/passwd"));
    leaves(Tar::default().symlink("a", "../witness"));
    leaves(Tar::default().symlink("d/a", "../../witness"));
    leaves(Tar::default().symlink("a", ""));
    // each of the two would be harmless if the other were a directory
    leaves(Tar::default().symlink("d/root", "..").symlink("a", "d/root/../witness"));
    leaves(Tar::default().symlink("a", "d/root/../witness").symlink("d/root", ".."));
    // a long chain
    let mut tar = Tar::default().symlink("l0", ".");
    for at in 1..60 {
        tar = tar.symlink(&format!("l{at}"), &format!("l{}/.", at - 1));
    }
    leaves(tar.symlink("a", "l59/../witness"));
}

#[test]
fn symlink_chains_are_resolved_in_linear_time() {
    let started = Instant::now();
    let chain = |start: &str| {
        let first = Tar::default().symlink("l0", start);
        (1..6000).fold(first, |tar, at| tar.symlink(&format!("l{at}"), &format!("l{}", at - 1)))
    };
    // the last link is refused when all others have been resolved, so none is created
    for start in ["file", "l5999", "no/such/../file", "sub/../."] {
        let text = refusal(chain(start).symlink("out", "sub/../../witness"));
        assert!(text.starts_with("out: the symlink to sub/../../witness leads outside"), "{text}");
    }
    let text = refusal(chain("sub/../.").symlink("out", "l5999/../witness"));
    assert!(text.starts_with("out: the symlink to l5999/../witness leads outside"), "{text}");
    // paths of 2^30 components
    let mut doubling = Tar::default().symlink("l0", ".");
    for at in 1..30 {
        doubling = doubling.symlink(&format!("l{at}"), &format!("l{0}/l{0}", at - 1));
    }
    Place::new().unpack(&doubling.clone().end()).unwrap();
    let out = refusal(doubling.symlink("out", "l29/.."));
    assert!(out.contains("leads outside"), "{out}");
    assert!(started.elapsed() < Duration::from_secs(60), "cubic time takes 170 s for one chain");
}

#[test]
fn symlinks_that_would_take_too_long_to_resolve_are_refused() {
    let target = "d/".repeat(45);
    let first = Tar::default().symlink("l0", &target);
    let grow = |tar: Tar, at| tar.symlink(&format!("l{at}"), &format!("l{}/{target}", at - 1));
    let text = refusal((1..3000).fold(first, grow));
    assert_eq!(text, "the archive's symlinks are too complex");
}

#[test]
fn symlinks_that_stay_inside_keep_their_targets() {
    let place = Place::new();
    let links = [
        ("dangling", "no/such/file"),
        ("deep/er/up", "../../file"),
        ("loop", "loop"),
        ("ping", "pong/x"),
        ("pong", "ping"),
        ("here", "."),
        ("twice", "here/here/./file"),
        ("back", "deep/../here/file"),
    ];
    let tar = links.iter().fold(Tar::default(), |tar, (name, target)| tar.symlink(name, target));
    place.unpack(&tar.file("file", "text").end()).unwrap();
    for (name, target) in links {
        assert_eq!(fs::read_link(place.at(name)).unwrap().to_str(), Some(target));
    }
    for name in ["deep/er/up", "twice", "back"] {
        assert_eq!(place.read(name), "text");
    }
}

#[test]
fn hard_links_must_lead_to_files_of_the_archive() {
    let text = "is not to a file of the archive";
    assert!(refusal(Tar::default().hard_link("a", "missing")).contains(text));
    assert!(refusal(Tar::default().directory("d").hard_link("a", "d")).contains(text));
    assert!(refusal(Tar::default().hard_link("a", ".")).contains(text));
    assert!(refusal(Tar::default().hard_link("a", "../witness")).contains("leads outside"));
}

#[test]
fn a_hard_link_to_a_symlink_becomes_a_copy_of_it() {
    let place = Place::new();
    let tar = Tar::default().file("f", "text").symlink("a", "f").hard_link("b", "a");
    place.unpack(&tar.end()).unwrap();
    assert_eq!(fs::read_link(place.at("b")).unwrap().to_str(), Some("f"));
    assert!(refusal(Tar::default().symlink("a", "../w").hard_link("b", "a")).contains("outside"));
}
