//! The book is complete, and its links lead somewhere.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;

use super::{pages, read, root};

const SUMMARY: &str = "docs/src/SUMMARY.md";

static LINK: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\[[^\]]*\]\(([^)\s]+)\)").unwrap());

/// Where the relative links of a page lead: paths from the root, and anchors.
fn links(page: &str) -> Vec<(String, Option<String>)> {
    let directory = Path::new(page).parent().unwrap();
    let text = without_code(&read(page));
    let targets = LINK.captures_iter(&text).map(|found| found[1].to_owned());
    let relative =
        targets.filter(|target| !target.contains("://") && !target.starts_with("mailto:"));
    let resolve = |target: String| {
        let (path, anchor) = match target.split_once('#') {
            Some((path, anchor)) => (path.to_owned(), Some(anchor.to_owned())),
            None => (target, None),
        };
        let path = if path.is_empty() { PathBuf::from(page) } else { directory.join(path) };
        (clean(&path), anchor)
    };
    relative.map(resolve).collect()
}

/// Resolves `..` in a path.
fn clean(path: &Path) -> String {
    let mut clean = PathBuf::new();
    for part in path.components() {
        if part == Component::ParentDir {
            assert!(clean.pop(), "{path:?} leaves the repository");
        } else {
            clean.push(part);
        }
    }
    clean.to_string_lossy().into_owned()
}

/// A page without its blocks of code.
fn without_code(text: &str) -> String {
    let parts = text.split("\n```").step_by(2);
    parts.collect::<Vec<_>>().join("\n")
}

/// The anchors of a page's headings, as mdBook and GitHub name them.
fn anchors(page: &str) -> BTreeSet<String> {
    let text = without_code(&read(page));
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let anchor = |heading: &str| {
        let heading = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = |one: &char| one.is_alphanumeric() || matches!(one, ' ' | '-' | '_');
        heading.chars().filter(kept).map(|one| if one == ' ' { '-' } else { one }).collect()
    };
    headings.map(anchor).collect()
}

#[test]
fn every_page_of_the_book_is_listed_and_every_listed_page_exists() {
    let listed: Vec<String> = links(SUMMARY).into_iter().map(|(path, _)| path).collect();
    let unique: BTreeSet<String> = listed.iter().cloned().collect();
    assert_eq!(unique.len(), listed.len(), "a page is listed twice");
    let existing = pages().into_iter().filter(|page| page != SUMMARY).collect();
    assert_eq!(unique, existing);
}

#[test]
fn every_page_begins_with_a_title() {
    for page in pages() {
        let text = read(&page);
        assert!(text.starts_with("# "), "{page}");
        assert_eq!(without_code(&text).matches("\n# ").count(), usize::from(page == SUMMARY) * 3);
    }
}

#[test]
fn every_relative_link_leads_to_a_file_and_a_heading_that_exist() {
    let others = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"];
    for page in pages().into_iter().chain(others.map(str::to_owned)) {
        for (path, anchor) in links(&page) {
            assert!(root().join(&path).exists(), "{page} links to {path}");
            if let Some(anchor) = anchor {
                assert!(anchors(&path).contains(&anchor), "{page} links to {path}#{anchor}");
            }
        }
    }
}

#[test]
fn links_of_the_book_stay_inside_it() {
    for page in pages() {
        for (path, _) in links(&page) {
            assert!(path.starts_with("docs/src/"), "{page} links to {path}");
        }
    }
}
