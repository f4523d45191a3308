use super::*;
use proptest::prelude::*;

const WAITING: &str = "waiting for build pod...\n";

/// What one connection sends before it breaks or ends.
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

fn text_of(resumed: Resumed) -> Bytes {
    match resumed {
        Resumed::Nothing => Bytes::new(),
        Resumed::New(text) | Resumed::Whole(text) => text,
    }
}

/// What is shown in all, in pieces of this size.
fn shown(all: &[Sent], step: usize) -> String {
    let (mut resumer, mut text) = (LogResumer::default(), Vec::new());
    for sent in all {
        resumer.restart_log();
        for piece in sent.text.as_bytes().chunks(step) {
            text.extend(text_of(resumer.feed(Bytes::copy_from_slice(piece))));
        }
        if sent.ends {
            text.extend(text_of(resumer.end()));
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
fn a_long_line_is_continued_by_its_length_and_hash() {
    let long = "x".repeat(3_000_000);
    let (live, stored) = (format!("{WAITING}a\n{long}"), format!("a\n{long}y\nb\n"));
    assert_eq!(total(&live, &stored, 100_000), format!("{live}y\nb\n"));
    assert_eq!(total(&stored[..2_000_000], &stored, 100_000), stored);
    let mut shown = ShownLog::default();
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
fn an_incomplete_line_is_expected_to_continue() {
    let begun = format!("{WAITING}b");
    let all = [cut(&begun), cut(&format!("{WAITING}waiting f")), ended("bb\nc\n")];
    assert_eq!(shown(&all, 1), format!("{begun}b\nc\n"));
}

#[test]
fn after_nothing_but_waiting_lines_the_whole_log_is_new() {
    assert_eq!(total(WAITING, "step 1\n", 3), "waiting for build pod...\nstep 1\n");
}

#[test]
fn the_line_about_an_interrupted_stream_is_live_only() {
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
fn a_log_whose_beginning_is_gone_goes_on_after_the_last_lines() {
    let lines = |from: u32, to: u32| (from..to).map(|n| format!("line {n}\n")).collect::<String>();
    let mut resumer = LogResumer::default();
    resumer.restart_log();
    resumer.feed(lines(0, 40).into());
    resumer.restart_log();
    assert_eq!(resumer.feed(lines(20, 30).into()), Resumed::Nothing);
    assert_eq!(resumer.quiet(), Resumed::Nothing, "the rest is on its way");
    assert_eq!(resumer.feed(lines(30, 42).into()), Resumed::Nothing);
    assert_eq!(resumer.quiet(), Resumed::New(lines(40, 42).into()));
    assert_eq!(resumer.feed("more\n".into()), Resumed::New("more\n".into()));
    resumer.restart_log();
    let again = format!("{}more\nand more\n", lines(20, 42));
    assert_eq!(resumer.feed(again.into()), Resumed::New("and more\n".into()));
}

#[test]
fn a_log_that_differs_goes_on_at_the_nearest_place() {
    assert_eq!(total("a\nx\ny\na\n", "A\na\nx\ny\na\nb\n", 2), "a\nx\ny\na\nb\n");
    assert_eq!(total("a\nx\ny\na\nb", "A\na\nx\ny\na\nbc\n", 2), "a\nx\ny\na\nbc\n");
}

#[test]
fn an_unrelated_log_is_shown_whole() {
    assert_eq!(total("alpha\n", "beta\ngamma\n", 3), "alpha\nbeta\ngamma\n");
    assert_eq!(total("alpha\nbe", "gamma\ndelta\n", 3), "alpha\nbe\ngamma\ndelta\n");
}

#[test]
fn a_line_without_end_takes_bounded_memory() {
    let long = Bytes::from(vec![b'x'; 1 << 20]);
    let mut resumer = LogResumer::default();
    resumer.restart_log();
    for _ in 0..40 {
        resumer.feed(long.clone());
    }
    resumer.restart_log();
    for _ in 0..40 {
        assert_eq!(resumer.feed(long.clone()), Resumed::Nothing);
        assert!(resumer.resume.as_ref().is_none_or(|resume| resume.held.len() < MAX_HELD * 2));
    }
    assert_eq!(resumer.feed("y\n".into()), Resumed::New("y\n".into()));
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
fn a_stored_log_of_any_length_is_aligned_by_its_last_lines() {
    let seen = format!("{}\n", "x".repeat(1023)).repeat(MAX_HELD / 1024) + "step\n";
    let live = format!("{WAITING}{seen}");
    let stored = format!("{seen}the next step of this build\n");
    let whole = total(&live, &stored, MAX_HELD / 2 + 1);
    assert!(whole == live + "the next step of this build\n", "{} bytes", whole.len());
}
