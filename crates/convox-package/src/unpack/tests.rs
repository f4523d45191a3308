use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use tar::{EntryType, Header};
use tempfile::TempDir;

use super::*;

/// A tar written by hand, to contain what honest writers never produce.
#[derive(Clone, Default)]
struct Tar(Vec<u8>);

impl Tar {
    fn add(mut self, kind: EntryType, name: &[u8], link: &[u8], content: &[u8]) -> Self {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(0o7755);
        header.set_size(content.len() as u64);
        header.set_mtime(1_000_000);
        let gnu = header.as_gnu_mut().unwrap();
        gnu.name[..name.len()].copy_from_slice(name);
        gnu.linkname[..link.len()].copy_from_slice(link);
        header.set_cksum();
        self.0.extend_from_slice(header.as_bytes());
        self.0.extend_from_slice(content);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    fn file(self, name: &str, content: &str) -> Self {
        self.add(EntryType::Regular, name.as_bytes(), b"", content.as_bytes())
    }

    fn directory(self, name: &str) -> Self {
        self.add(EntryType::Directory, name.as_bytes(), b"", b"")
    }

    fn symlink(self, name: &str, target: &str) -> Self {
        self.add(EntryType::Symlink, name.as_bytes(), target.as_bytes(), b"")
    }

    fn hard_link(self, name: &str, target: &str) -> Self {
        self.add(EntryType::Link, name.as_bytes(), target.as_bytes(), b"")
    }

    fn pax(self, records: &[(&str, &str)]) -> Self {
        let mut content = String::new();
        for (key, value) in records {
            let bare = key.len() + value.len() + 3;
            let length = (bare..).find(|n| n.to_string().len() + bare == *n).unwrap();
            content += &format!("{length} {key}={value}\n");
        }
        self.add(EntryType::XHeader, b"pax", b"", content.as_bytes())
    }

    fn end(mut self) -> Vec<u8> {
        self.0.resize(self.0.len() + 1024, 0);
        gzip(&self.0)
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A directory to unpack into, next to a file that no archive may touch.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("into")).unwrap();
        fs::write(dir.path().join("witness"), "untouched").unwrap();
        Self(dir)
    }

    fn at(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join("into").join(name)
    }

    fn unpack(&self, archive: &[u8]) -> Result<Unpacked, UnpackError> {
        let unpacked = unpack(archive, &self.at(""), &Limits::default());
        assert_eq!(fs::read_to_string(self.0.path().join("witness")).unwrap(), "untouched");
        assert_eq!(
            fs::read_dir(self.0.path()).unwrap().count(),
            2,
            "something was created outside"
        );
        unpacked
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.at(name)).unwrap()
    }
}

fn refusal(tar: Tar) -> String {
    Place::new().unpack(&tar.end()).unwrap_err().to_string()
}

#[test]
fn files_directories_and_links_are_unpacked_with_modes_and_times() {
    let place = Place::new();
    let tar = Tar::default()
        .directory("./")
        .directory("bin/")
        .file("bin/run", "#!/bin/sh\n")
        .file("implicit/parent", "x")
        .symlink("bin/link", "../implicit/parent")
        .hard_link("again", "bin/run");
    let unpacked = place.unpack(&tar.end()).unwrap();
    assert_eq!(unpacked, Unpacked { entries: 5, bytes: 11, skipped: 0 });
    assert_eq!(place.read("bin/link"), "x");
    let (run, again) =
        (place.at("bin/run").metadata().unwrap(), place.at("again").metadata().unwrap());
    assert_eq!(run.ino(), again.ino());
    assert_eq!(run.permissions().mode() & 0o7777, 0o755, "no setuid, setgid or sticky");
    assert_eq!(run.mtime(), 1_000_000);
    assert_eq!(place.at("bin").metadata().unwrap().mode() & 0o7777, 0o755);
    assert_eq!(place.at("implicit").metadata().unwrap().mode() & 0o7777, 0o700);
}

#[test]
fn names_that_lead_out_are_refused() {
    for name in ["../witness", "a/../../witness", "/witness", "..", "a/..", ""] {
        let text = refusal(Tar::default().file(name, "gotcha"));
        assert_eq!(text, format!("{name}: the name leads outside of the archive"));
        refusal(Tar::default().directory(&format!("{name}/..")));
        refusal(Tar::default().hard_link("x", name));
    }
    let long = Tar::default().add(EntryType::GNULongName, b"l", b"", b"../witness\0");
    assert!(refusal(long.file("x", "gotcha")).contains("leads outside"));
    let pax = Tar::default().pax(&[("path", "../witness")]).file("x", "gotcha");
    assert!(refusal(pax).contains("leads outside"));
    let nul = Tar::default().pax(&[("path", "a\0b")]).file("x", "gotcha");
    assert!(refusal(nul).contains("leads outside"));
}

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
    // a path of 2^30 components
    let mut tar = Tar::default().symlink("l0", ".");
    for at in 1..30 {
        tar = tar.symlink(&format!("l{at}"), &format!("l{0}/l{0}", at - 1));
    }
    leaves(tar);
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
        ("root", "."),
        ("twice", "root/root/./file"),
        ("back", "deep/../root/file"),
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

#[test]
fn a_later_entry_replaces_an_earlier_one_of_the_same_name() {
    let place = Place::new();
    let tar = Tar::default()
        .file("a", "first")
        .hard_link("b", "a")
        .file("b", "second")
        .symlink("c", "a")
        .file("c", "third")
        .file("d", "x")
        .symlink("d", "a")
        .hard_link("a", "a");
    place.unpack(&tar.end()).unwrap();
    assert_eq!(
        ["a", "b", "c", "d"].map(|name| place.read(name)),
        ["first", "second", "third", "first"]
    );
}

#[test]
fn a_name_cannot_be_both_a_file_and_a_directory() {
    let text = "the name is used for both a file and a directory";
    assert!(refusal(Tar::default().file("a", "x").file("a/b", "x")).contains(text));
    assert!(refusal(Tar::default().file("a", "x").directory("a")).contains(text));
    assert!(refusal(Tar::default().directory("a").file("a", "x")).contains(text));
    assert!(refusal(Tar::default().directory("a").symlink("a", "x")).contains(text));
}

#[test]
fn devices_and_fifos_are_skipped_and_counted() {
    let place = Place::new();
    let tar = Tar::default()
        .add(EntryType::Char, b"../null", b"", b"")
        .add(EntryType::Block, b"disk", b"", b"")
        .add(EntryType::Fifo, b"fifo", b"", b"");
    assert_eq!(place.unpack(&tar.end()).unwrap().skipped, 3);
    assert_eq!(fs::read_dir(place.at("")).unwrap().count(), 0);
}

#[test]
fn unknown_and_sparse_entries_are_refused() {
    let text = "entries of this type";
    assert!(refusal(Tar::default().add(EntryType::GNUSparse, b"a", b"", b"")).contains(text));
    assert!(refusal(Tar::default().add(EntryType::new(b'V'), b"a", b"", b"")).contains(text));
    let sparse = Tar::default().pax(&[("GNU.sparse.major", "1")]).file("a", "x");
    assert!(refusal(sparse).contains(text));
}

#[test]
fn long_names_come_from_gnu_and_pax_headers() {
    let place = Place::new();
    let (first, second) = ("a".repeat(200), "b".repeat(200));
    let tar = Tar::default()
        .add(EntryType::GNULongName, b"l", b"", format!("{first}\0").as_bytes())
        .file("short", "1")
        .add(EntryType::XGlobalHeader, b"g", b"", b"19 path=everywhere\n")
        .pax(&[("path", &second), ("mtime", "1.5")])
        .file("short", "2")
        .pax(&[("size", "3")])
        .file("sized", "abc");
    place.unpack(&tar.end()).unwrap();
    assert_eq!([&first, &second, "sized"].map(|name| place.read(name)), ["1", "2", "abc"]);
}

#[test]
fn archives_beyond_a_limit_are_refused() {
    let tar = Tar::default().file("a", "12345678").file("b", "1").end();
    let case = |total, entry, entries| {
        let into = tempfile::tempdir().unwrap();
        unpack(&tar[..], into.path(), &Limits { total, entry, entries }).map_err(|e| e.to_string())
    };
    assert!(case(4096, 8, 2).is_ok());
    assert_eq!(case(4096, 7, 2).unwrap_err(), "tar entry a exceeds maximum entry size of 7 bytes");
    assert_eq!(case(4096, 8, 1).unwrap_err(), "archive exceeds maximum number of 1 entries");
    for total in [0, 511, 1024, 3000] {
        let wanted = format!("archive exceeds maximum total size of {total} bytes");
        assert_eq!(case(total, 8, 2).unwrap_err(), wanted);
    }
    let huge = "1".to_owned() + &"0".repeat(30);
    for size in ["9223372036854775807", "18446744073709551615", &huge, "-1", ""] {
        refusal(Tar::default().pax(&[("size", size)]).file("a", "x"));
    }
    let mut name = Tar::default();
    name = name.add(EntryType::GNULongName, b"l", b"", &[b'n'; 5000]);
    assert!(refusal(name.file("a", "")).contains("a name has 5000 bytes"));
}

#[test]
fn truncated_archives_and_other_files_are_damaged() {
    let whole = Tar::default().file("a", &"text ".repeat(500)).symlink("b", "a").end();
    for length in 0..whole.len() {
        let e = Place::new().unpack(&whole[..length]).unwrap_err();
        assert!(matches!(e, UnpackError::Damaged(_)), "{length}: {e}");
    }
    let no_end = gzip(&Tar::default().file("a", "x").0);
    let garbage = gzip(&[7; 600]);
    for bytes in [&b"PK\x03\x04 not gzip"[..], &no_end, &garbage, &gzip(b"")] {
        let e = Place::new().unpack(bytes).unwrap_err();
        assert!(matches!(e, UnpackError::Damaged(_)), "{e}");
    }
}

#[test]
fn several_gzip_members_are_one_archive() {
    let place = Place::new();
    let whole = Tar::default().file("a", "text").end();
    let mut plain = Vec::new();
    MultiGzDecoder::new(&whole[..]).read_to_end(&mut plain).unwrap();
    let members: Vec<u8> = plain.chunks(100).flat_map(gzip).collect();
    place.unpack(&members).unwrap();
    assert_eq!(place.read("a"), "text");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn damaged_archives_touch_nothing_outside(
        flips in proptest::collection::vec((0..6000_usize, any::<u8>()), 1..6),
        fix_checksums: bool,
    ) {
        let tar = Tar::default()
            .directory("d")
            .file("d/a", "content")
            .symlink("d/l", "a")
            .hard_link("h", "d/a")
            .pax(&[("path", "d/long")])
            .file("x", "y");
        let mut bytes = tar.0;
        bytes.resize(bytes.len() + 1024, 0);
        for (at, byte) in flips {
            let at = at % bytes.len();
            bytes[at] = byte;
        }
        if fix_checksums {
            for record in bytes.chunks_mut(512).filter(|record| record[257..262] == *b"ustar") {
                let mut header = Header::from_byte_slice(record).clone();
                header.set_cksum();
                record.copy_from_slice(header.as_bytes());
            }
        }
        // whether it is refused depends on the flipped bytes; `Place` checks the rest
        let _ = Place::new().unpack(&gzip(&bytes));
    }

    #[test]
    fn no_bytes_make_unpacking_panic(bytes: Vec<u8>) {
        Place::new().unpack(&bytes).unwrap_err();
        Place::new().unpack(&gzip(&bytes)).unwrap_err();
    }
}
