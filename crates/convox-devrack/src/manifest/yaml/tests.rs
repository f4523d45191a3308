use super::*;

fn root(text: &str) -> Result<Node, ManifestError> {
    parse(text).map(|document| document.root)
}

fn scalar(text: &str) -> Value {
    Value::Scalar(text.to_owned())
}

fn find<'a>(node: &'a Node, key: &str) -> &'a Value {
    &map(node).iter().find(|entry| entry.key == key).unwrap().node.value
}

fn map(node: &Node) -> &[Entry] {
    match &node.value {
        Value::Map(entries) => entries,
        other => panic!("a map expected: {other:?}"),
    }
}

#[test]
fn every_key_and_value_has_its_line() {
    let root = root("a: 1\n\n# note\nb:\n  c: x\n  d:\n    - y\n    - z\n").unwrap();
    let entries = map(&root);
    assert_eq!((entries[0].line, entries[1].line), (1, 4));
    let inner = map(&entries[1].node);
    assert_eq!((inner[0].line, inner[1].line), (5, 6));
    let Value::List(items) = &inner[1].node.value else { panic!("a list expected") };
    assert_eq!((items[0].line, items[1].line), (7, 8));
}

#[test]
fn scalars_keep_their_spelling() {
    let root =
        root("a: 1.10\nb: yes\nc: 007\nd: true\ne: ~\nf: '3'\ng: 0x1F # hex\nh: [1.50, 2]\ni:\n")
            .unwrap();
    let values: Vec<Value> = map(&root).iter().map(|e| e.node.value.clone()).collect();
    assert_eq!(values[0], scalar("1.10"));
    assert_eq!(values[1], scalar("yes"));
    assert_eq!(values[2], scalar("007"));
    assert_eq!(values[3], scalar("true"));
    assert_eq!(values[4], Value::Null);
    assert_eq!(values[5], scalar("3"));
    assert_eq!(values[6], scalar("0x1F"));
    let Value::List(items) = &values[7] else { panic!("a list expected") };
    assert_eq!(items[0].value, scalar("1.50"));
    assert_eq!(values[8], Value::Null);
}

#[test]
fn merge_keys_are_expanded_quoted_or_not_and_own_values_win() {
    for key in ["<<", "\"<<\"", "'<<'"] {
        let text = format!("base: &b\n  x: 1.0\n  y: 2\nit:\n  y: 3\n  {key}: *b\n");
        let root = root(&text).unwrap();
        let it = &map(&root)[1].node;
        assert_eq!((find(it, "x"), find(it, "y")), (&scalar("1.0"), &scalar("3")), "{key}");
        assert_eq!(map(it).len(), 2);
    }
}

#[test]
fn of_several_merged_maps_the_first_wins() {
    let root = root("a: &a {x: 1}\nb: &b {x: 2, y: 2}\nit:\n  <<: [*a, *b]\n").unwrap();
    let it = &map(&root)[2].node;
    assert_eq!((find(it, "x"), find(it, "y")), (&scalar("1"), &scalar("2")));
    for value in ["1", "[a]", "[[{x: 1}]]"] {
        let error = parse(&format!("a: 1\nit:\n  <<: {value}\n")).unwrap_err();
        assert_eq!(error.line, Some(3), "{error}");
        assert!(error.reason.starts_with("it.<<: a map or a list of maps expected, not "));
    }
}

#[test]
fn the_last_of_equal_keys_wins_with_a_warning() {
    let document = parse("a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\na: &x {y: 1, y: 2}\ne: *x\n").unwrap();
    assert_eq!(find(&document.root, "a"), find(&document.root, "e"));
    assert_eq!(find(&map(&document.root)[0].node, "c"), &scalar("3"));
    assert_eq!(
        document.warnings,
        [
            "line 5: b.c: set twice; this overrides line 3",
            "line 6: a: set twice; this overrides line 1",
            "line 6: a.y: set twice; this overrides line 6",
        ]
    );
}

#[test]
fn the_first_of_several_documents_counts() {
    for text in [
        "a: 1\n---\na: 2\n",
        "# one\n---\na: 1\n--- # two\n\tb: [\n",
        "%YAML 1.2\n---\na: 1\n...\nb: 2\n",
        "\n...\na: 1\n---\n",
        "a: |-\n  1\n---\nb: 2",
        "a: 1\r---\rb: 2",
    ] {
        let root = root(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(map(&root).len(), 1, "{text}");
        assert_eq!(find(&root, "a"), &scalar("1"), "{text}");
    }
    assert_eq!(root("---\n---\na: 1\n").unwrap().value, Value::Null);
    assert_eq!(find(&root("a: --- x\nb: '---'\n").unwrap(), "b"), &scalar("---"));
}

#[test]
fn a_broken_line_is_an_error_with_its_line() {
    let error = parse("a: 1\nb: [1,\nc: 2\n").unwrap_err();
    assert!(error.line.is_some_and(|line| line >= 2), "{error:?}");
    let error = parse("a:\n\tb: 1\n").unwrap_err();
    assert_eq!(error.line, Some(2), "{error:?}");
    assert!(!error.reason.contains("line"), "{error:?}");
}

#[test]
fn nesting_that_is_too_deep_is_refused() {
    let maps: String = (0..3000).map(|n| format!("{}a:\n", " ".repeat(n))).collect();
    let lists = "[".repeat(100_000);
    let mut aliases = String::from("a0: &a0 [x]\n");
    for n in 1..500 {
        aliases.push_str(&format!("a{n}: &a{n} [*a{}]\n", n - 1));
    }
    let mut merges = String::from("a0: &a0 {k: {x: 1}}\n");
    for n in 1..500 {
        merges.push_str(&format!("a{n}: &a{n}\n  <<: *a{}\n", n - 1));
    }
    for text in [maps, lists, aliases, merges] {
        assert!(parse(&text).is_err(), "{}", &text[..40]);
    }
    let fine: String = (0..MAX_DEPTH - 1).map(|n| format!("{}a:\n", " ".repeat(n))).collect();
    assert!(parse(&fine).is_ok());
}

#[test]
fn infinite_numbers_keep_their_spelling() {
    let root = root("a: .inf\nb: 1e400\n").unwrap();
    assert_eq!(map(&root)[0].node.value, Value::Scalar(".inf".into()));
    assert_eq!(map(&root)[1].node.value, Value::Scalar("1e400".into()));
}

#[test]
fn an_anchor_may_have_any_number_of_aliases() {
    let mut text = String::from("base: &base {x: 1}\n");
    (0..5000).for_each(|n| text.push_str(&format!("a{n}: *base\n")));
    assert_eq!(map(&root(&text).unwrap()).len(), 5001);
}

#[test]
fn bombs_of_aliases_and_merges_are_refused_quickly() {
    let mut lists = String::from("a: &a [x,x,x,x,x,x,x,x,x,x]\n");
    let mut merges = String::from("a: &a {k: {x: 1}}\n");
    for (from, to) in ('a'..'j').zip('b'..='j') {
        let items = vec![format!("*{from}"); 10].join(",");
        lists.push_str(&format!("{to}: &{to} [{items}]\n"));
        merges.push_str(&format!("{to}: &{to} {{<<: [{items}], k: [{items}]}}\n"));
    }
    let mut wide = format!("a: &a [{}]\n", "x,".repeat(10_000));
    (0..10_000).for_each(|n| wide.push_str(&format!("b{n}: *a\n")));
    for text in [lists, merges, wide] {
        let before = std::time::Instant::now();
        assert!(parse(&text).is_err());
        assert!(before.elapsed().as_secs() < 10, "a debug build on a busy machine");
    }
}
