use proptest::prelude::*;
use regex::bytes::Regex;

use super::Rules;

fn excludes(file: &str, path: &str) -> bool {
    Rules::parse(file.as_bytes()).unwrap().excludes(path.as_bytes())
}

#[test]
fn single_patterns_match_as_in_docker() {
    let cases = [
        ("**", "file", true),
        ("**/", "file", true),
        ("**", "dir/file", true),
        ("**/**", "dir/file", true),
        ("dir/**", "dir/file", true),
        ("dir/**", "dir", false),
        ("dir/**", "dir/dir2/file", true),
        ("**/dir", "dir", true),
        ("**/dir", "dir/file", true),
        ("**/dir", "xdir", false),
        ("**/dir2/*", "dir/dir2/file", true),
        ("**/dir2/**", "dir/dir2/dir3/file", true),
        ("**file", "file", true),
        ("**file", "dir/dir/file", true),
        ("**file", "dir/profile", true),
        ("**fil?", "dir/profile", false),
        ("**/file*", "dir/dir/file.txt", true),
        ("**/file*txt", "dir/dir/file.txt", true),
        ("**/file*.txt*", "dir/dir/file.txt", true),
        ("**/**/*.txt", "dir/dir/file.txt", true),
        ("**/**/*.txt2", "dir/dir/file.txt", false),
        ("**/**/*.txt", "file.txt", true),
        ("a**/*.txt", "a/file.txt", true),
        ("a**/*.txt", "a/dir/dir/file.txt", true),
        ("a/*.txt", "a/dir/file.txt", false),
        ("a/*.txt", "a/file.txt", true),
        ("a/*.txt**", "a/file.txt", true),
        ("a/*/c.txt", "a/b/c.txt", true),
        ("a/*/c.txt", "a/b/d/c.txt", false),
        ("a/**/c", "a/c", true),
        ("a/**/c", "a/b/b/c/d", true),
        ("a/**/c", "ac", false),
        ("a[b-d]e", "ae", false),
        ("a[b-d]e", "ace", true),
        ("a[b-d]e", "aae", false),
        ("a[^b-d]e", "aze", true),
        ("a[^b-d]e", "ace", false),
        ("[*?]x", "*x", true),
        ("[*?]x", "ax", false),
        ("[\\]]x", "]x", true),
        (".*", ".foo", true),
        (".*", "foo", false),
        ("abc.def", "abcZdef", false),
        ("abc?def", "abcZdef", true),
        ("abc?def", "abc/def", false),
        ("a?c", "aöc", true),
        ("a\\*b", "a*b", true),
        ("a\\*b", "axb", false),
        ("a\\\\", "a\\", true),
        ("\\#x", "#x", true),
        ("a(b)c/def", "a(b)c/def", true),
        ("a.|)$(}+{bc", "a.|)$(}+{bc", true),
        ("dist/*.whl", "dist/proxy.py-2.4.0rc3+g08acad9-none-any.whl", true),
        ("*.log", "a.log", true),
        ("*.log", "sub/a.log", false),
        ("/build", "build/x", true),
        ("build/", "build/x", true),
        ("./build", "build", true),
        ("a/../build//x", "build/x", true),
        ("../x", "x", false),
        (".", "x", false),
        ("/", "x", false),
        ("  spaced\t\r", "spaced", true),
        ("# comment", "# comment", false),
        ("  # no comment", "# no comment", true),
    ];
    for (pattern, path, wanted) in cases {
        assert_eq!(excludes(pattern, path), wanted, "{pattern} on {path}");
    }
}

#[test]
fn the_last_rule_that_covers_a_path_decides() {
    assert!(!excludes("**\n!util/docker/web", "util/docker/web/foo"));
    assert!(excludes("**\n!util/docker/web\nutil/docker/web/foo", "util/docker/web/foo"));
    assert!(!excludes("docs\n!docs/README.md", "docs/README.md"));
    assert!(excludes("!docs/README.md\ndocs", "docs/README.md"));
    assert!(excludes("a\n!a/b\na", "a/b"), "a later rule that covers the parent covers the path");
    assert!(!excludes("*\n! src ", "src/main.rs"));
    assert!(excludes("**/node_modules\n!a/b/node_modules/keep", "a/b/node_modules/other"));
    assert!(!excludes("**/node_modules\n!a/b/node_modules/keep", "a/b/node_modules/keep/x"));
    assert!(!excludes("*\n!**/*.go", "deep/in/main.go"));
}

#[test]
fn a_byte_order_mark_is_not_part_of_the_first_pattern() {
    assert!(excludes("\u{feff}secret\n", "secret"));
    assert!(!excludes("\u{feff}# secret\n", "# secret"));
}

#[test]
fn names_that_are_not_utf8_match_byte_by_byte() {
    let rules = Rules::parse(b"a\xff*\nb?c\nd[\xfe]").unwrap();
    assert!(rules.excludes(b"a\xff\xfe"));
    assert!(rules.excludes(b"b\xffc"));
    assert!(rules.excludes(b"d\xfe"));
    assert!(!rules.excludes(b"d\xff"));
}

#[test]
fn what_docker_refuses_is_refused_with_line_and_reason() {
    let error = |file: &str| Rules::parse(file.as_bytes()).unwrap_err().to_string();
    assert_eq!(error("a\n\n!\n"), "line 3: illegal exclusion pattern: \"!\"");
    assert_eq!(error("! \t"), "line 1: illegal exclusion pattern: \"!\"");
    assert_eq!(error("a\n["), "line 2: syntax error in pattern \"[\": a [ has no matching ]");
    for pattern in ["a[]", "[]a]", "[^]", "[-a]", "[a-]", "[b-a]", "a\\", "[a", "[a\\", "![x"] {
        assert!(error(pattern).contains("syntax error in pattern"), "{pattern}");
    }
}

#[test]
fn an_excluded_directory_is_entered_only_if_an_exception_may_match_in_it() {
    let enters = |file: &str, directory: &str| {
        let rules = Rules::parse(file.as_bytes()).unwrap();
        let verdict = rules.judge(&rules.root(), directory.as_bytes());
        let scope = rules.enter(&rules.root(), format!("{directory}/").as_bytes(), verdict);
        assert!(verdict.excludes());
        rules.may_readmit(&scope)
    };
    assert!(!enters("vendor", "vendor"));
    assert!(!enters("vendor\n!src/keep", "vendor"));
    assert!(!enters("!vendor/keep\nvendor", "vendor"));
    assert!(!enters("*\n!*.md", "vendor"));
    assert!(enters("vendor\n!vendor/keep", "vendor"));
    assert!(enters("*\n!v*/keep", "vendor"));
    assert!(!enters("*\n!v*/keep", "other"));
    assert!(enters("*\n!**/*.go", "vendor"));
    assert!(enters("*\n!ven[a-z]or/x?", "vendor"));
    assert!(!enters("*\n!vendors/**", "vendor"));
}

#[test]
fn many_stars_do_not_take_exponential_time() {
    let pattern = "*a".repeat(60) + "b";
    let path = "a".repeat(4000);
    assert!(!excludes(&pattern, &path));
    assert!(!excludes(&format!("**/{}", "**/a*/".repeat(30) + "b"), &"a/".repeat(500)));
}

/// A naive implementation of the documented rules with regular expressions.
struct Naive(Vec<(bool, Regex)>);

impl Naive {
    fn parse(lines: &[String]) -> Self {
        let rules = lines.iter().map(|line| match line.strip_prefix('!') {
            Some(pattern) => (true, Self::regex(pattern)),
            None => (false, Self::regex(line)),
        });
        Self(rules.collect())
    }

    fn regex(pattern: &str) -> Regex {
        let text = pattern
            .replace('.', "\\.")
            .replace("**/", "\u{1}")
            .replace("**", "\u{2}")
            .replace('*', "[^/]*")
            .replace('?', "[^/]")
            .replace('\u{1}', "(.*/)?")
            .replace('\u{2}', ".*");
        Regex::new(&format!("^(?s:{text})$")).unwrap()
    }

    fn excludes(&self, path: &str) -> bool {
        let slashes = path.match_indices('/').map(|(at, _)| at);
        let covers: Vec<&str> = slashes.chain([path.len()]).map(|at| &path[..at]).collect();
        let covered = |rule: &Regex| covers.iter().any(|part| rule.is_match(part.as_bytes()));
        self.0.iter().rev().find(|(_, rule)| covered(rule)).is_some_and(|(except, _)| !except)
    }
}

fn part() -> impl Strategy<Value = String> {
    let pieces = ["a", "b", "ab", ".", "*", "?", "[ab]", "[^a]", "[^b-z]"];
    let piece = proptest::sample::select(pieces.to_vec());
    proptest::collection::vec(piece, 1..4)
        .prop_map(|pieces| pieces.concat().replace("**", "*"))
        .prop_filter("cleaning would change it", |part| part != "." && part != "..")
}

fn pattern() -> impl Strategy<Value = String> {
    let part = prop_oneof![3 => part(), 1 => Just("**".to_owned())];
    (any::<bool>(), proptest::collection::vec(part, 1..5))
        .prop_map(|(exception, parts)| "!".repeat(exception.into()) + &parts.join("/"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn rules_agree_with_a_naive_implementation_of_the_documentation(
        lines in proptest::collection::vec(pattern(), 1..8),
        paths in proptest::collection::vec("[ab.]{1,3}(/[ab.]{1,3}){0,4}", 1..8),
    ) {
        let rules = Rules::parse(lines.join("\n").as_bytes()).unwrap();
        let naive = Naive::parse(&lines);
        for path in paths {
            prop_assert_eq!(rules.excludes(path.as_bytes()), naive.excludes(&path), "{} {:?}", path, lines);
        }
    }

    #[test]
    fn no_bytes_make_the_rules_panic(file: Vec<u8>, path: Vec<u8>) {
        if let Ok(rules) = Rules::parse(&file) {
            rules.excludes(&path);
        }
    }
}
