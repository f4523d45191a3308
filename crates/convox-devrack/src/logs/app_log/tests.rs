use super::*;

const SMALL: LogLimits = LogLimits { segment: 2000, segments: 4 };

fn log(dir: &Path, clock: &Clock) -> Arc<AppLog> {
    Arc::new(AppLog::open(dir.to_path_buf(), clock.clone(), SMALL).unwrap())
}

async fn all(log: &Arc<AppLog>, follow: bool) -> Vec<String> {
    let mut reader = log.reader(follow);
    let mut text = String::new();
    while let Some(lines) = reader.next().await.unwrap() {
        text.push_str(&lines);
    }
    text.lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn times_increase_even_if_the_clock_stands_still_or_goes_back() {
    let dir = tempfile::tempdir().unwrap();
    let start: DateTime<Utc> = "2026-02-03T04:05:06Z".parse().unwrap();
    log(dir.path(), &Clock::at(start)).write("service/web/1", "a\nb\n");
    let earlier = start - TimeDelta::seconds(60);
    let again = log(dir.path(), &Clock::at(earlier));
    again.write("service/web/1", "c");
    let lines = all(&again, false).await;
    assert_eq!(
        lines,
        [
            "2026-02-03T04:05:06.000000000Z service/web/1 a",
            "2026-02-03T04:05:06.000000001Z service/web/1 b",
            "2026-02-03T04:05:06.000000002Z service/web/1 c",
        ]
    );
}

#[tokio::test]
async fn old_lines_are_removed_as_new_ones_are_added() {
    let dir = tempfile::tempdir().unwrap();
    let log = log(dir.path(), &Clock::system());
    for number in 0..1000 {
        log.write("s", &number.to_string());
    }
    let lines = all(&log, false).await;
    assert!(lines.last().unwrap().ends_with(" s 999"));
    assert!(lines.len() < 300 && lines.len() > 100, "{}", lines.len());
    assert_eq!(segments(dir.path()).len(), 4);
}

#[tokio::test]
async fn a_follower_sees_each_line_once_across_segments() {
    let dir = tempfile::tempdir().unwrap();
    let limits = LogLimits { segment: 2000, segments: 1000 };
    let log = AppLog::open(dir.path().into(), Clock::system(), limits).map(Arc::new);
    let log = log.unwrap();
    for number in 0..100 {
        log.write("s", &number.to_string());
    }
    let followers: Vec<_> = (0..3)
        .map(|_| {
            let log = log.clone();
            tokio::spawn(async move { all(&log, true).await })
        })
        .collect();
    let writer = log.clone();
    tokio::task::spawn_blocking(move || {
        (100..3000).for_each(|number| writer.write("s", &number.to_string()));
        writer.close();
    })
    .await
    .unwrap();
    for follower in followers {
        let lines = follower.await.unwrap();
        assert_eq!(lines.len(), 3000);
        for (number, line) in lines.iter().enumerate() {
            assert!(line.ends_with(&format!(" s {number}")), "{line}");
        }
        assert!(lines.is_sorted());
    }
}

#[test]
fn a_very_long_line_is_split() {
    let text = "€".repeat(10_000);
    let pieces = lines(&text);
    assert_eq!(pieces.len(), 2);
    assert_eq!(pieces.concat(), text);
    assert_eq!(lines(""), [""]);
    assert_eq!(lines("a\n\nb\n"), ["a", "", "b"]);
}

#[tokio::test]
async fn a_write_that_failed_in_a_line_is_made_up_for_and_glues_nothing_together() {
    let dir = tempfile::tempdir().unwrap();
    let log = log(dir.path(), &Clock::system());
    log.write("s", "first");
    let mut follower = log.reader(true);
    assert!(follower.next().await.unwrap().unwrap().ends_with(" s first\n"));
    // What a full disk leaves: a part of the line in the file, all of it in memory.
    let path = segment_path(dir.path(), 1);
    let mut file = OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(b"2026-02-03T04:05:06.0000").unwrap();
    {
        let mut writer = log.writer();
        writer.add(DateTime::UNIX_EPOCH, "s", "second");
        writer.failed = true;
    }
    assert!(futures_util::FutureExt::now_or_never(follower.next()).is_none());
    log.write("s", "third");
    log.close();
    let mut rest = String::new();
    while let Some(text) = follower.next().await.unwrap() {
        rest.push_str(&text);
    }
    let messages = rest.lines().map(|line| line.split_once(" s ").unwrap().1);
    assert_eq!(messages.collect::<Vec<_>>(), ["second", "third"]);
    let stored = std::fs::read_to_string(path).unwrap();
    assert!(stored.ends_with(&rest) && stored.lines().count() == 3, "{stored}");
}

#[tokio::test]
async fn lines_that_found_no_room_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    let log = log(dir.path(), &Clock::system());
    let path = segment_path(dir.path(), 1);
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    let line = "x".repeat(MAX_LINE);
    (0..20).for_each(|_| log.write("s", &line));
    std::fs::remove_dir(&path).unwrap();
    log.write("s", "last");
    let lines = all(&log, false).await;
    assert_eq!(lines.iter().filter(|line| line.ends_with("xxx")).count(), 16);
    let lost = " system/rack lines lost, as the log could not be written: 5";
    assert!(lines.last().unwrap().ends_with(lost), "{lines:?}");
}

#[test]
fn a_log_keeps_no_file_open() {
    let dir = tempfile::tempdir().unwrap();
    let log = log(dir.path(), &Clock::system());
    log.write("s", "line");
    let open = || std::fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    let ours = open().filter_map(|entry| std::fs::read_link(entry.path()).ok());
    assert_eq!(ours.filter(|path| path.starts_with(dir.path())).count(), 0);
}

#[tokio::test]
async fn a_line_that_a_kill_truncated_is_dropped() {
    let dir = tempfile::tempdir().unwrap();
    log(dir.path(), &Clock::system()).write("s", "whole");
    let path = segment_path(dir.path(), 1);
    let mut file = OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(b"2026-02-03T04:05:06.0000").unwrap();
    let log = log(dir.path(), &Clock::system());
    log.write("s", "next");
    let lines = all(&log, false).await;
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[1].ends_with(" s next"));
}
