mod links;

use std::cell::Cell;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

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
fn names_of_excessive_length_or_depth_are_refused() {
    let long = |length| "abc/".repeat(length / 4 + 1)[..length].to_owned();
    let gnu = |name: &str| {
        let content = format!("{name}\0");
        Tar::default().add(EntryType::GNULongName, b"l", b"", content.as_bytes()).file("x", "")
    };
    let pax = |name: &str| Tar::default().pax(&[("path", name)]).file("x", "");
    let flat = ["n".repeat(250), "n".repeat(250)].join("/");
    for tar in [gnu(&flat), pax(&flat), gnu(&"d/".repeat(127)), pax(&"d/".repeat(127))] {
        Place::new().unpack(&tar.end()).unwrap();
    }
    for length in [3073, 4097, 30_000] {
        let start = "abc/".repeat(15);
        let wanted = format!("{start}...: the name has {length} bytes, the limit is 3072");
        assert_eq!(refusal(gnu(&long(length))), wanted);
        assert_eq!(refusal(pax(&long(length))), wanted);
    }
    for tar in [gnu(&"d/".repeat(129)), pax(&"d/".repeat(1400))] {
        let text = refusal(tar);
        assert!(text.contains("components, the limit is 128"), "{text}");
    }
    let target = Tar::default().pax(&[("linkpath", &long(4000))]).hard_link("x", "");
    assert!(refusal(target).contains("the name has 4000 bytes"));
}

#[test]
fn unpacking_can_be_canceled_at_any_time() {
    let tar = Tar::default().file("a", "x").symlink("b", "a").symlink("c", "a").end();
    for checks in 0..9_u32 {
        let (place, left) = (Place::new(), Cell::new(checks));
        let canceled = || left.replace(left.get().saturating_sub(1)) == 0;
        let result = unpack_unless(canceled, &tar[..], &place.at(""), &Limits::default());
        assert!(matches!(result, Err(UnpackError::Canceled)), "{checks}");
    }
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
}

#[test]
fn truncated_archives_and_other_files_are_damaged() {
    let whole = Tar::default().file("a", &"text ".repeat(500)).symlink("b", "a").end();
    for length in 0..whole.len() {
        let e = Place::new().unpack(&whole[..length]).unwrap_err();
        assert!(matches!(e, UnpackError::Damaged(_)), "{length}: {e}");
    }
    for (bytes, why) in
        [(&b""[..], "empty"), (b"text", "not a gzip file"), (&whole[..1], "truncated")]
    {
        let e = Place::new().unpack(bytes).unwrap_err().to_string();
        assert!(e.contains(why), "{e}");
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
