use super::*;
use proptest::prelude::*;

const WAITING: &str = "waiting for build pod...\n";

/// One attachment: what comes before it breaks or ends.
#[derive(Debug, Clone)]
struct Sent {
    text: String,
    ends: bool,
}

fn cut(text: &str) -> Sent {
    Sent { text: text.to_owned(), ends: false }
}

fn ended(text: &str) -> Sent {
    Sent { text: text.to_owned(), ends: true }
}

fn text_of(joined: Resumed) -> Bytes {
    match joined {
        Resumed::NotYet => Bytes::new(),
        Resumed::Here(text) | Resumed::Whole(text) => text,
    }
}

/// What is shown in all, in pieces of this size.
fn shown(all: &[Sent], step: usize) -> String {
    let (mut replay, mut text) = (LogResumer::default(), Vec::new());
    for sent in all {
        replay.again();
        for piece in sent.text.as_bytes().chunks(step) {
            text.extend(text_of(replay.feed(Bytes::copy_from_slice(piece))));
        }
        if sent.ends {
            text.extend(text_of(replay.end()));
        }
    }
    String::from_utf8(text).unwrap()
}

/// What is shown in all when a log is cut after `seen`, and `again` is sent from its start.
fn total(seen: &str, again: &str, step: usize) -> String {
    shown(&[cut(seen), ended(again)], step)
}

#[test]
fn the_same_log_goes_on_in_the_middle_of_a_line() {
    assert_eq!(total("one\ntw", "one\ntwo\nthree\n", 5), "one\ntwo\nthree\n");
}

#[test]
fn a_long_line_is_gone_on_with_though_only_its_length_and_hash_are_kept() {
    let long = "x".repeat(3_000_000);
    let (live, stored) = (format!("{WAITING}a\n{long}"), format!("a\n{long}y\nb\n"));
    assert_eq!(total(&live, &stored, 100_000), format!("{live}y\nb\n"));
    assert_eq!(total(&stored[..2_000_000], &stored, 100_000), stored);
    let mut shown = Shown::default();
    shown.add(long.as_bytes());
    assert!(shown.partial.beginning.capacity() < 1000);
}

#[test]
fn a_stored_log_without_the_waiting_lines_goes_on_at_the_same_count() {
    let live = "waiting for build pod...\nwaiting for build pod...\nstep 1\nstep 2\n";
    let stored = "step 1\nstep 2\nstep 3\n";
    assert_eq!(total(live, stored, 4), format!("{live}step 3\n"));
    assert_eq!(total(&format!("{live}st"), stored, 4), format!("{live}step 3\n"));
    let repeated = total(&format!("{WAITING}step\n"), "step\nA\nstep\nB\n", 3);
    assert_eq!(repeated, format!("{WAITING}step\nA\nstep\nB\n"));
}

#[test]
fn lines_that_are_only_live_are_shown_as_often_as_they_come() {
    let twice = WAITING.repeat(2);
    assert_eq!(total(WAITING, &format!("{twice}one\n"), 4), format!("{twice}one\n"));
    assert_eq!(total(&twice, &format!("{WAITING}one\n"), 4), format!("{twice}one\n"));
    assert_eq!(total("waiting for b", "step 1\n", 4), "waiting for b\nstep 1\n");
}

#[test]
fn a_line_that_was_begun_is_awaited() {
    let begun = format!("{WAITING}b");
    let all = [cut(&begun), cut(&format!("{WAITING}waiting f")), ended("bb\nc\n")];
    assert_eq!(shown(&all, 1), format!("{begun}b\nc\n"));
}

#[test]
fn nothing_but_waiting_lines_shown_means_that_all_of_it_is_new() {
    assert_eq!(total(WAITING, "step 1\n", 3), "waiting for build pod...\nstep 1\n");
}

#[test]
fn a_stream_that_says_it_was_interrupted_goes_on_all_the_same() {
    let words = "build log stream interrupted, retrying...\n";
    let live = format!("one\n{words}");
    assert_eq!(total(&live, "one\ntwo\n", 3), format!("{live}two\n"));
}

#[test]
fn a_log_that_has_not_caught_up_shows_nothing_twice() {
    assert_eq!(total("one\ntwo\n", "one\n", 2), "one\ntwo\n");
    let all = [cut("a\nb\na\n"), ended("a\nb\n"), ended("a\nb\na\nc\nd\n")];
    assert_eq!(shown(&all, 3), "a\nb\na\nc\nd\n");
}

#[test]
fn a_log_whose_beginning_is_gone_goes_on_behind_the_last_lines() {
    let lines = |from: u32, to: u32| (from..to).map(|n| format!("line {n}\n")).collect::<String>();
    let mut replay = LogResumer::default();
    replay.again();
    replay.feed(lines(0, 40).into());
    replay.again();
    assert_eq!(replay.feed(lines(20, 30).into()), Resumed::NotYet);
    assert_eq!(replay.quiet(), Resumed::NotYet, "the rest is on its way");
    assert_eq!(replay.feed(lines(30, 42).into()), Resumed::NotYet);
    assert_eq!(replay.quiet(), Resumed::Here(lines(40, 42).into()));
    assert_eq!(replay.feed("more\n".into()), Resumed::Here("more\n".into()));
    replay.again();
    let again = format!("{}more\nand more\n", lines(20, 42));
    assert_eq!(replay.feed(again.into()), Resumed::Here("and more\n".into()));
}

#[test]
fn a_log_that_differs_goes_on_at_the_nearest_place() {
    assert_eq!(total("a\nx\ny\na\n", "A\na\nx\ny\na\nb\n", 2), "a\nx\ny\na\nb\n");
    assert_eq!(total("a\nx\ny\na\nb", "A\na\nx\ny\na\nbc\n", 2), "a\nx\ny\na\nbc\n");
}

#[test]
fn a_log_that_is_another_is_shown_whole() {
    assert_eq!(total("alpha\n", "beta\ngamma\n", 3), "alpha\nbeta\ngamma\n");
    assert_eq!(total("alpha\nbe", "gamma\ndelta\n", 3), "alpha\nbe\ngamma\ndelta\n");
}

#[test]
fn a_line_without_an_end_is_held_within_bounds() {
    let long = Bytes::from(vec![b'x'; 1 << 20]);
    let mut replay = LogResumer::default();
    replay.again();
    for _ in 0..40 {
        replay.feed(long.clone());
    }
    replay.again();
    for _ in 0..40 {
        assert_eq!(replay.feed(long.clone()), Resumed::NotYet);
        assert!(replay.resume.as_ref().is_none_or(|resume| resume.held.len() < HELD_MOST * 2));
    }
    assert_eq!(replay.feed("y\n".into()), Resumed::Here("y\n".into()));
}

/// An attachment to a log: with some lines that are only live, up to some place.
fn sent() -> impl Strategy<Value = (usize, f64, bool)> {
    (0usize..4, 0.0f64..=1.0, any::<bool>())
}

proptest! {
    #[test]
    fn a_log_cut_anywhere_is_shown_once(
        lines in prop::collection::vec("[a-c]{0,3}", 0..12),
        cut_at in 0.0f64..1.0,
        step in 1usize..9,
    ) {
        let log: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let cut_at = (log.len() as f64 * cut_at) as usize;
        prop_assert_eq!(total(&log[..cut_at], &log, step), log);
    }

    #[test]
    fn a_log_cut_and_ended_anywhere_shows_each_line_once(
        lines in prop::collection::vec("[ab]{0,2}", 0..24),
        attachments in prop::collection::vec(sent(), 0..6),
        step in 1usize..40,
    ) {
        let log: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let part = |(waits, up_to, ends): &(usize, f64, bool)| {
            let text = WAITING.repeat(*waits) + &log;
            let up_to = (text.len() as f64 * up_to) as usize;
            Sent { text: text[..up_to].to_owned(), ends: *ends }
        };
        let mut all: Vec<Sent> = attachments.iter().map(part).collect();
        all.push(ended(&log));
        let text = shown(&all, step);
        let own: Vec<&str> = text.lines().filter(|line| !line.starts_with('w')).collect();
        prop_assert_eq!(own, lines, "{:?}", all);
    }
}

#[test]
fn a_stored_log_of_any_length_is_joined_by_its_last_lines() {
    let seen = format!("{}\n", "x".repeat(1023)).repeat(HELD_MOST / 1024) + "step\n";
    let live = format!("{WAITING}{seen}");
    let stored = format!("{seen}the next step of this build\n");
    let whole = total(&live, &stored, HELD_MOST / 2 + 1);
    assert!(whole == live + "the next step of this build\n", "{} bytes", whole.len());
}
