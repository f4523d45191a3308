use super::*;
use proptest::prelude::*;

const TERMINAL: TermCaps = TermCaps {
    is_terminal: true,
    color: super::super::color::Color::Off,
    redraws: true,
    width: Some(80),
};

fn upload_line(done: u64, total: u64, width: usize) -> String {
    line("Uploading", done, Some(total), Duration::ZERO, width)
}

#[test]
fn the_final_line_has_the_form_and_width_of_the_guide() {
    let expected = "Uploading: 1.68 KB / 1.68 KB [===========================] 100.00 % 0s";
    assert_eq!(expected.len(), WIDTH);
    assert_eq!(upload_line(1720, 1720, WIDTH), expected);
}

#[test]
fn an_unfinished_line_shows_the_progress() {
    let line = line("Uploading", 512, Some(2048), Duration::from_secs(65), WIDTH);
    assert_eq!(line, "Uploading: 512 B / 2.00 KB [=======>                    ] 25.00 % 1m5s");
}

#[test]
fn an_empty_transfer_is_complete_and_progress_is_capped_at_the_total() {
    assert!(upload_line(0, 0, WIDTH).ends_with("=] 100.00 % 0s"));
    assert_eq!(upload_line(5, 4, WIDTH), upload_line(4, 4, WIDTH));
}

#[test]
fn only_a_complete_transfer_reads_a_hundred_percent() {
    assert!(upload_line(999_999, 1_000_000, WIDTH).ends_with("] 99.99 % 0s"));
}

#[test]
fn without_a_total_there_is_no_percentage() {
    let line = line("Uploading", 1720, None, Duration::from_secs(3), WIDTH);
    assert!(line.starts_with("Uploading: 1.68 KB [>  ") && line.ends_with("  ] 3s"), "{line}");
}

#[test]
fn a_narrow_line_has_a_short_bar_or_none_at_all() {
    assert_eq!(upload_line(1720, 1720, 46), "Uploading: 1.68 KB / 1.68 KB [===] 100.00 % 0s");
    assert_eq!(upload_line(1720, 1720, 40), "Uploading: 1.68 KB / 1.68 KB 100.00 % 0s");
}

#[test]
fn a_pipe_gets_the_final_line_only() {
    let (start, mut out) = (Instant::now(), Vec::new());
    let mut progress = Progress::new("Uploading", &TermCaps::plain(), start);
    for done in 0..100 {
        let now = start + Duration::from_millis(50 * done);
        progress.update(done, 100, TERMINAL.width, now, &mut out).unwrap();
    }
    assert!(out.is_empty());
    progress.finish(100, TERMINAL.width, start + Duration::from_secs(5), &mut out).unwrap();
    let expected = line("Uploading", 100, Some(100), Duration::from_secs(5), WIDTH);
    assert_eq!(String::from_utf8(out).unwrap(), format!("{expected}\n"));
}

#[test]
fn a_terminal_is_redrawn_in_place_at_most_ten_times_a_second() {
    let (start, mut out) = (Instant::now(), Vec::new());
    let mut progress = Progress::new("Uploading", &TERMINAL, start);
    for step in 0..1000_u64 {
        let now = start + Duration::from_millis(step);
        progress.update(step, 1000, TERMINAL.width, now, &mut out).unwrap();
    }
    progress.finish(1000, TERMINAL.width, start + Duration::from_secs(1), &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert_eq!(text.matches("Uploading").count(), 11, "{text:?}");
    assert_eq!(text.matches('\n').count(), 1);
    assert_eq!(text.matches("\r\u{1b}[2K\u{1b}[JUploading").count(), 11, "{text:?}");
    let last = text.rsplit('K').next().unwrap();
    assert!(text.ends_with("100.00 % 1s\n"), "{last}");
}

/// Draws the progress at one point of time, and returns what is on the line.
fn drawn(progress: &mut Progress, done: u64, width: u16, now: Instant) -> String {
    let mut out = Vec::new();
    progress.update(done, 100_000_000, Some(width), now, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    let line = text.strip_prefix("\r\u{1b}[2K\u{1b}[J").and_then(|text| text.strip_suffix('\r'));
    line.unwrap_or_else(|| panic!("{text:?}")).to_owned()
}

#[test]
fn the_line_follows_the_width_of_the_terminal() {
    let start = Instant::now();
    let mut progress = Progress::new("Übertragung", &TERMINAL, start);
    for (step, width) in [100, 80, 60, 40, 30, 10, 1, 0, 70].into_iter().enumerate() {
        let now = start + REDRAW * u32::try_from(step).unwrap();
        let line = drawn(&mut progress, 5_000_000, width, now);
        let columns = usize::from(width).saturating_sub(1).max(1);
        assert!(line.chars().count() <= columns, "{width}: {line}");
        assert_eq!(line.contains('['), width > 45, "{width}: {line}");
    }
}

#[test]
fn the_speed_and_the_time_left_appear_beside_the_bar_after_some_seconds() {
    let start = Instant::now();
    let mut progress = Progress::new("Uploading", &TERMINAL, start);
    let mut line = String::new();
    for step in 0..=50_u32 {
        // 1 MB each tenth of a second, after 20 MB that were sent before.
        let done = 20_000_000 + 1_000_000 * u64::from(step);
        line = drawn(&mut progress, done, 100, start + REDRAW * step);
        assert_eq!(line.contains("/s"), step >= 30, "{step}: {line}");
    }
    assert!(line.ends_with("] 70.00 % 5s, 9.54 MB/s, 3s left"), "{line}");
    assert_eq!(line.len(), WIDTH + ", 9.54 MB/s, 3s left".len());
    let narrow = drawn(&mut progress, 70_000_000, 80, start + REDRAW * 51);
    assert!(narrow.len() == 79 && narrow.contains('[') && narrow.ends_with("left"), "{narrow}");
    let narrower = drawn(&mut progress, 70_000_000, 50, start + REDRAW * 52);
    assert!(narrower.len() == 49 && !narrower.contains("/s"), "{narrower}");
}

#[test]
fn the_speed_is_measured_anew_when_a_transfer_starts_again() {
    let start = Instant::now();
    let mut speed = Speed::default();
    speed.sample(0, start);
    speed.sample(8 << 20, start + Duration::from_secs(4));
    assert_eq!(speed.text(2 << 20).as_deref(), Some("2.00 MB/s, 1s left"));
    speed.sample(0, start + Duration::from_secs(5));
    assert_eq!(speed.text(1), None);
    speed.sample(0, start + Duration::from_secs(6));
    assert_eq!(speed.text(1).as_deref(), Some("0 B/s"));
    speed.sample(1 << 20, start + Duration::from_secs(7));
    assert_eq!(speed.text(1 << 20).as_deref(), Some("512.00 KB/s, 2s left"));
}

#[test]
fn the_speed_is_that_of_the_last_seconds() {
    let start = Instant::now();
    let mut speed = Speed::default();
    for second in 0..100_u32 {
        let done = if second < 50 { 0 } else { u64::from(second - 50) << 20 };
        speed.sample(done, start + Duration::from_secs(second.into()));
    }
    assert_eq!(speed.text(0).as_deref(), Some("1.00 MB/s, 0s left"));
    assert!(speed.samples.len() < 30);
}

#[test]
fn an_abandoned_line_is_ended_if_it_was_drawn() {
    let (start, mut out) = (Instant::now(), Vec::new());
    Progress::new("Uploading", &TERMINAL, start).abandon(&mut out).unwrap();
    assert!(out.is_empty());
    let mut progress = Progress::new("Uploading", &TERMINAL, start);
    progress.update(1, 2, TERMINAL.width, start, &mut out).unwrap();
    progress.abandon(&mut out).unwrap();
    assert!(out.ends_with(b"50.00 % 0s\r\n"));
}

proptest! {
    #[test]
    fn a_line_with_a_bar_has_exactly_the_given_width(
        done: u64, total: Option<u64>, seconds in 0..100_000_u64, width in 0..200_usize,
    ) {
        let line = line("Uploading", done, total, Duration::from_secs(seconds), width);
        if line.contains('[') {
            prop_assert_eq!(line.len(), width);
        }
    }

    #[test]
    fn the_final_line_has_equal_sides(total: u64) {
        let line = upload_line(total, total, WIDTH);
        let size = size(total);
        let start = format!("Uploading: {size} / {size} [=");
        prop_assert!(line.starts_with(&start) && line.ends_with("=] 100.00 % 0s"), "{}", line);
        prop_assert_eq!(line.len(), WIDTH);
    }
}
