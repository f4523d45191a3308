use super::*;

fn read(text: &str) -> Manifest {
    Manifest::parse(text, &Environment::default()).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn refusal(text: &str) -> String {
    Manifest::parse(text, &Environment::default()).expect_err(text).to_string()
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
fn a_whole_manifest_is_read() {
    let manifest = read(
        "environment:\n  - STAGE=dev\n  - SECRET\nservices:\n  web:\n    build: .\n    \
         command: python3 web.py --title 'Hello World'\n    port: 3000\n    environment:\n      \
         - STAGE=web\n      - GREETING=a=b\n  worker:\n    build: {path: worker, manifest: Dockerfile.dev}\n    \
         command: bin/work -v\n    environment: [DEPTH=1.10, KEY]\n",
    );
    assert_eq!(manifest.warnings, Vec::<String>::new());
    let [web, worker] = manifest.services.as_slice() else { panic!("two services expected") };
    assert_eq!(web.name.as_str(), "web");
    assert_eq!(web.command, words(&["python3", "web.py", "--title", "Hello World"]));
    assert_eq!((web.port, web.line, worker.port), (Some(3000), 5, None));
    assert_eq!(worker.command, words(&["bin/work", "-v"]));
    assert_eq!(
        worker.environment,
        [
            EnvironmentEntry::Default("DEPTH".into(), "1.10".into()),
            EnvironmentEntry::Required("KEY".into())
        ]
    );
}

/// The variables of the first service, as `KEY=value`.
fn variables(manifest: &Manifest, release: &str) -> Vec<String> {
    let variables = manifest.variables(&manifest.services[0], &Environment::parse(release));
    variables.iter().map(|(key, value)| format!("{key}={value}")).collect()
}

#[test]
fn the_release_wins_over_the_service_and_the_service_over_all_services() {
    let manifest = read(
        "environment: [A=top, B=top, C=top, D]\nservices:\n  web: {command: x, environment: [B=own, C=own, D=own]}\n",
    );
    assert_eq!(variables(&manifest, "C=release"), ["A=top", "B=own", "C=release", "D=own"]);
}

#[test]
fn a_service_gets_what_it_or_the_top_declares_and_nothing_else() {
    let manifest = read(
        "environment: [A]\nservices:\n  web: {command: x, environment: [B]}\n  job: {command: y, environment: [C=0]}\n",
    );
    assert_eq!(variables(&manifest, "A=1\nB=2\nC=3\nD=4"), ["A=1", "B=2"]);
    assert_eq!(manifest.undeclared(&Environment::parse("A=1\nB=2\nC=3\nE=\nD=4")), ["D", "E"]);
    let open = read("services:\n  web: {command: x, environment: ['*', Z=0]}\n");
    assert_eq!(variables(&open, "A=1\nD=4"), ["A=1", "D=4", "Z=0"]);
    assert!(open.undeclared(&Environment::parse("A=1\nD=4")).is_empty());
}

#[test]
fn lists_in_an_environment_are_flattened_once() {
    let manifest = read(
        "x-common: &common\n  - A=1\n  - B\nservices:\n  web:\n    command: x\n    environment: [*common, C=2, [D=3]]\n",
    );
    assert_eq!(variables(&manifest, "B=b"), ["A=1", "B=b", "C=2", "D=3"]);
    assert_eq!(manifest.missing(&Environment::default()), ["B"]);
}

#[test]
fn references_are_replaced_in_the_whole_text() {
    let text = "services:\n  ${NAME}:\n    command: bin/${NAME} ${NONE} -p $PORT\n    ${EXTRA}\n";
    let environment = Environment::parse("NAME=web\nEXTRA=port: 80");
    let manifest = Manifest::parse(text, &environment).unwrap();
    assert_eq!(manifest.services[0].command, words(&["bin/web", "-p", "$PORT"]));
    assert_eq!(manifest.services[0].port, Some(80));
    let error = Manifest::parse(text, &Environment::default()).unwrap_err();
    assert_eq!(error.line, Some(2), "{error}");
}

#[test]
fn required_variables_that_the_release_lacks_are_named() {
    let manifest = read(
        "environment: [SHARED, GIVEN]\nservices:\n  web: {command: x, environment: [OWN, '*']}\n  \
         job: {command: y, environment: [SHARED=here]}\n",
    );
    assert_eq!(manifest.missing(&Environment::parse("GIVEN=")), ["OWN", "SHARED"]);
    assert!(manifest.missing(&Environment::parse("GIVEN=\nOWN=1\nSHARED=2")).is_empty());
}

#[test]
fn many_variables_are_read_in_linear_time() {
    let entries: String = (0..30_000).map(|n| format!("  - A{n}=1\n")).collect();
    let before = std::time::Instant::now();
    let manifest = read(&format!("environment:\n{entries}services: {{web: {{command: x}}}}\n"));
    let release: String = (0..30_000).map(|n| format!("A{n}=2\n")).collect();
    assert_eq!(variables(&manifest, &release).len(), 30_000);
    assert!(manifest.undeclared(&Environment::parse(&release)).is_empty());
    assert!(before.elapsed().as_secs() < 20, "a debug build on a busy machine");
}

#[test]
fn ports_come_in_every_form_that_racks_take() {
    for port in [
        "3000",
        "'3000'",
        "http:3000",
        "https:3000",
        "{port: 3000, scheme: http}",
        "{port: https:3000}",
    ] {
        let manifest = read(&format!("services:\n  web:\n    command: x\n    port: {port}\n"));
        assert_eq!(manifest.services[0].port, Some(3000), "{port}");
    }
}

#[test]
fn a_bad_port_is_refused_with_its_line() {
    for port in
        ["0", "65536", "-1", "web", "3000.5", "'http:'", ":3000", "'+80'", "80:3000:tcp", "HT TP:1"]
    {
        let error = refusal(&format!("services:\n  web:\n    command: x\n    port: {port}\n"));
        assert!(error.starts_with("line 4: services.web.port: "), "{port}: {error}");
        assert!(error.contains("is not a port"), "{port}: {error}");
    }
    let error = refusal("services:\n  web:\n    command: x\n    port: [1]\n");
    assert_eq!(error, "line 4: services.web.port: a port expected, not a list");
    let error = refusal("services:\n  web:\n    command: x\n    port:\n      scheme: http\n");
    assert!(error.contains("services.web.port: its own `port` is missing"), "{error}");
}

#[test]
fn x_dev_wins_over_the_command_and_gives_the_build_step() {
    let manifest = read(
        "services:\n  web:\n    command: bin/real\n    x-dev:\n      command: bin/dev -p\n      build: make a && make b\n  \
         job:\n    x-dev: {command: [sh, -c, 'echo $PORT'], build: [make, all]}\n",
    );
    assert_eq!(manifest.services[0].command, words(&["bin/dev", "-p"]));
    assert_eq!(manifest.services[0].build, Some(words(&["sh", "-c", "make a && make b"])));
    assert_eq!(manifest.services[1].command, words(&["sh", "-c", "echo $PORT"]));
    assert_eq!(manifest.services[1].build, Some(words(&["make", "all"])));
    assert!(manifest.warnings.is_empty(), "{:?}", manifest.warnings);
}

#[test]
fn a_service_without_a_command_is_refused() {
    for body in [
        "{}",
        "",
        "{build: .}",
        "{command: ''}",
        "{x-dev: {command: []}}",
        "{x-dev: {build: make}}",
    ] {
        let error = refusal(&format!("\nservices:\n  web: {body}\n"));
        assert!(error.starts_with("line 3: services.web: has no command"), "{body}: {error}");
    }
}

#[test]
fn an_image_is_refused_even_beside_a_command() {
    let error = refusal("services:\n  db:\n    command: x\n    image: redis:7\n");
    assert!(
        error.starts_with("line 4: services.db.image: the development rack runs local programs"),
        "{error}"
    );
}

#[test]
fn a_manifest_without_services_is_refused() {
    for text in ["", "# nothing\n", "---\n", "environment: [A=1]\n"] {
        assert!(refusal(text).starts_with("services: missing"), "{text:?}");
    }
    for text in ["\nservices: {}\n", "\nservices:\n"] {
        assert!(refusal(text).starts_with("line 2: services: missing"), "{text:?}");
    }
    assert_eq!(refusal("services: [web]\n"), "line 1: services: a map expected, not a list");
    assert_eq!(refusal("- a\n"), "line 1: a map with `services` expected, not a list");
    assert_eq!(refusal("hello\n"), "line 1: a map with `services` expected, not a single value");
}

#[test]
fn an_old_compose_file_is_recognized() {
    let error = refusal("web:\n  build: .\n  ports: ['80:3000']\n");
    assert!(error.starts_with("line 1: web: services belong under `services:`"), "{error}");
    assert!(error.contains("convox.yml"), "{error}");
}

#[test]
fn names_of_services_are_checked() {
    for name in ["Web", "'1web'", "we_b", "a/b", "web-", "'..'", "'we b'", "''"] {
        let error = refusal(&format!("services:\n  {name}: {{command: x}}\n"));
        assert!(error.starts_with("line 2: services."), "{name}: {error}");
        assert!(error.contains("not a service name"), "{name}: {error}");
    }
}

#[test]
fn values_of_a_wrong_type_are_refused_with_their_line() {
    let cases = [
        ("services:\n  web: x\n", "line 2: services.web: a map expected, not a single value"),
        (
            "services:\n  web:\n    command: {a: b}\n",
            "line 3: services.web.command: a string expected, not a map",
        ),
        (
            "services:\n  web:\n    command: [a, b]\n",
            "line 3: services.web.command: a string expected, not a list",
        ),
        (
            "services:\n  web:\n    x-dev: {command: [a, [b]]}\n",
            "line 3: services.web.x-dev.command: a word expected, not a list",
        ),
        (
            "services:\n  web:\n    command: say 'hi\n",
            "line 3: services.web.command: a quote is not closed",
        ),
        (
            "services:\n  web:\n    build: [a]\n",
            "line 3: services.web.build: a path or a map expected, not a list",
        ),
        (
            "services:\n  web:\n    environment: A=1\n",
            "line 3: services.web.environment: a list of KEY",
        ),
        (
            "services:\n  web:\n    environment: [[[A]]]\n",
            "line 3: services.web.environment: KEY or KEY=value",
        ),
        (
            "services:\n  web:\n    environment: {A: 1}\n",
            "line 3: services.web.environment: a list of KEY and KEY=value expected, not a map",
        ),
        (
            "environment:\n  - '=1'\nservices: {}\n",
            "line 2: environment: the name of a variable is empty",
        ),
        (
            "environment:\n  - 'A B=1'\nservices: {}\n",
            "line 2: environment: \"A B\" is not the name",
        ),
        ("services:\n  web:\n    x-dev: make\n", "line 3: services.web.x-dev: a map expected"),
    ];
    for (text, expected) in cases {
        let error = refusal(text);
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn ignored_keys_are_warnings_with_their_line() {
    let manifest = read(
        "labels:\n  team: red\nservices:\n  web:\n    command: x\n    scale: {cpu: 256}\n    colour: red\n    \
         x-mine: 1\nx-other: 2\nsevrices: 3\n",
    );
    assert_eq!(
        manifest.warnings,
        [
            "line 1: labels: the development rack does not do this: ignored",
            "line 6: services.web.scale.cpu: the development rack does not do this: ignored",
            "line 7: services.web.colour: unknown key: ignored",
            "line 10: sevrices: unknown key: ignored",
        ]
    );
}

#[test]
fn the_scale_of_a_service_is_a_count_a_range_or_a_map() {
    for (scale, count) in [
        ("2", Some(2)),
        ("0", Some(0)),
        ("1-3", Some(1)),
        ("{count: 2}", Some(2)),
        ("{count: 2-5}", Some(2)),
        ("{}", None),
        ("", None),
    ] {
        let manifest = read(&format!("services:\n  web:\n    command: x\n    scale: {scale}\n"));
        assert_eq!((manifest.services[0].count, &*manifest.warnings), (count, &[][..]), "{scale}");
    }
    for (scale, expected) in [
        ("two", "line 4: services.web.scale: \"two\" is not a number of processes"),
        ("{count: -1}", "line 4: services.web.scale.count: \"-1\" is not a number"),
        ("{count: [1]}", "line 4: services.web.scale.count: a word expected, not a list"),
        ("101", "line 4: services.web.scale: the development rack runs at most 100 processes"),
    ] {
        let error = refusal(&format!("services:\n  web:\n    command: x\n    scale: {scale}\n"));
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn services_get_the_resources_that_they_list() {
    let manifest = read(
        "resources:\n  main-db: {type: postgres}\n  cache: {type: elasticache-redis, options: {class: small}}\n  \
         queue: {type: rabbitmq}\nservices:\n  web:\n    command: x\n    resources: [main-db, 'cache:SESSIONS']\n",
    );
    let engines: Vec<_> = manifest.resources.iter().map(ResourceSpec::engine).collect();
    assert_eq!(engines, [Some(Engine::Postgres), Some(Engine::Redis), None]);
    let variables = manifest.services[0].resources.iter().map(|link| link.variable.as_str());
    assert_eq!(variables.collect::<Vec<_>>(), ["MAIN_DB_URL", "SESSIONS"]);
    assert_eq!(
        manifest.warnings,
        [
            "line 3: resources.cache.options: the development rack does not do this: ignored",
            "line 4: resources.queue: the development rack does not run rabbitmq: ignored",
        ]
    );
}

#[test]
fn a_resource_that_can_not_be_is_refused() {
    let services = "services: {web: {command: x, resources: [db]}}\n";
    for (resources, expected) in [
        ("", "line 1: services.web.resources: no resource \"db\" under `resources:`"),
        ("resources: {db: {}}\n", "line 1: resources.db: its `type` is missing"),
        ("resources: {D_B: {type: redis}}\n", "line 1: resources.D_B: not a resource name"),
        ("resources: {db: {type: [a]}}\n", "line 1: resources.db.type: a word expected"),
        ("resources: [db]\n", "line 1: resources: a map expected"),
    ] {
        let error = refusal(&format!("{resources}{services}"));
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn a_command_that_relies_on_a_shell_is_a_warning() {
    for command in ["bin/web -p $PORT", "a && b", "\"a $B\" c", "a > log"] {
        let text = format!("services:\n  web:\n    command: '{command}'\n");
        assert_eq!(read(&text).warnings.len(), 1, "{command}");
    }
    for command in ["a 'x && y'", "a \"b; c\"", "sh -c \"echo $PORT\"", "a b"] {
        let text = format!("services:\n  web:\n    command: {command:?}\n");
        assert!(read(&text).warnings.is_empty(), "{command}");
    }
}

#[test]
fn broken_yaml_is_refused_with_its_line() {
    let error = refusal("services:\n  web:\n\tcommand: x\n");
    assert!(error.starts_with("line 3: "), "{error}");
}

#[test]
fn the_last_of_equal_services_wins_with_a_warning() {
    let manifest = read("services:\n  web: {command: x}\n  web: {command: y}\n");
    assert_eq!(manifest.services.len(), 1);
    assert_eq!(manifest.services[0].command, words(&["y"]));
    assert_eq!(manifest.warnings, ["line 3: services.web: set twice; this overrides line 2"]);
}

#[test]
fn keys_that_only_real_racks_support_are_known() {
    let manifest = read(
        "budget: {monthlyCapUsd: 5}\nservices:\n  web:\n    command: x\n    securityContext: {}\n    \
         imagePullSecrets: [a]\n    disableHostUsers: true\n",
    );
    assert_eq!(manifest.warnings.len(), 4);
    assert!(manifest.warnings.iter().all(|warning| warning.ends_with("does not do this: ignored")));
}

#[test]
fn merged_settings_count() {
    let manifest = read(
        "x-base: &base\n  command: bin/run\n  environment: [A=1]\nservices:\n  web:\n    <<: *base\n    port: 80\n  \
         job:\n    <<: *base\n    command: bin/job\n",
    );
    assert_eq!(manifest.services[0].command, words(&["bin/run"]));
    assert_eq!(manifest.services[0].port, Some(80));
    assert_eq!(manifest.services[1].command, words(&["bin/job"]));
    assert_eq!(manifest.services[1].environment.len(), 1);
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "(services:\n)?([ a-z:\\-\\[\\]{}'\"&*<!|>#\n\t0-9]{0,120})") {
        // It must return.
        let _ = Manifest::parse(&text, &Environment::default());
    }
}
