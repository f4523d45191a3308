use std::fs;

use convox_devrack::manifest::Manifest;
use convox_wire::Environment;

use super::*;

/// The manifest for a directory with these files.
fn manifest(files: &[(&str, &str)]) -> String {
    starter(files).manifest()
}

fn starter(files: &[(&str, &str)]) -> Starter {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(dir.path().join(name), text).unwrap();
    }
    let starter = Starter::detect(dir.path()).unwrap();
    let runs = starter.services.iter().all(|one| {
        one.command.is_some() || one.dev.as_ref().is_some_and(|dev| dev.command.is_some())
    });
    let parsed = Manifest::parse(&starter.manifest(), &Environment::default());
    assert_eq!(parsed.is_ok(), runs, "{parsed:?} of {}", starter.manifest());
    if let Ok(parsed) = parsed {
        assert_eq!(parsed.warnings, Vec::<String>::new());
    }
    starter
}

#[test]
fn a_procfile_gives_the_services_and_their_commands() {
    let procfile = "# comment\nweb: bundle exec puma -p ${PORT:-3000}\nworker: bin/worker --all\n\
                    release: rake db:migrate\nclock_job: A=1 clockwork 'x: y.rb' -p ${PORT}0\n";
    let starter = starter(&[("Procfile", procfile), ("Dockerfile", "FROM x\nEXPOSE 80/tcp 443\n")]);
    assert_eq!(
        starter.services.iter().map(|one| (one.name.as_str(), one.port)).collect::<Vec<_>>(),
        [("web", Some(80)), ("worker", None), ("clock-job", None)]
    );
    let commands: Vec<&str> =
        starter.services.iter().filter_map(|one| one.command.as_deref()).collect();
    assert_eq!(commands[1], "bin/worker --all");
    assert_eq!(
        shell_words::split(commands[2]).unwrap(),
        ["sh", "-c", "A=1 clockwork 'x: y.rb' -p $PORT''0"]
    );
    assert!(starter.notices.iter().any(|notice| notice.ends_with("rake db:migrate")));
    assert_eq!(starter.sources, ["Procfile", "Dockerfile"]);
}

#[test]
fn a_node_app_is_started_by_its_package_manager() {
    let package = r#"{"scripts": {"start": "node web.js"}}"#;
    assert_eq!(
        manifest(&[("package.json", package), ("package-lock.json", "{}")]),
        "services:\n  web:\n    build: .\n    command: npm start\n    port: 3000\n    x-dev:\n      \
         build: npm ci\n      cache: [node_modules]\n"
    );
    assert!(
        manifest(&[("package.json", package), ("yarn.lock", "")]).contains("command: yarn start")
    );
    let main = manifest(&[("package.json", r#"{"main": "a b.js"}"#), ("a b.js", "")]);
    assert!(main.contains("command: 'node ''a b.js'''"), "{main}");
    let broken = starter(&[("package.json", "{"), ("index.js", "")]);
    assert!(broken.notices[0].starts_with("package.json can't be read: "), "{:?}", broken.notices);
    assert_eq!(broken.services[0].command.as_deref(), Some("node index.js"));
}

#[test]
fn a_python_app_is_started_with_its_server_and_finds_its_packages() {
    let flask = manifest(&[("requirements.txt", "Flask==3.0\n# x\n"), ("app.py", "")]);
    assert_eq!(
        flask,
        "services:\n  web:\n    build: .\n    \
         command: 'sh -c ''python3 -m flask --app app run --host 0.0.0.0 --port $PORT'''\n    \
         port: 5000\n    x-dev:\n      \
         build: python3 -m pip install -r requirements.txt --target .packages --upgrade\n      \
         cache: [.packages]\n      command: 'sh -c ''PYTHONPATH=.packages exec python3 -m flask \
         --app app run --host 0.0.0.0 --port $PORT'''\n"
    );
    for (requirements, file, part) in [
        ("gunicorn", "main.py", "gunicorn --bind 0.0.0.0:$PORT main:app"),
        ("fastapi>=0.1", "main.py", "uvicorn main:app"),
        ("django", "manage.py", "manage.py runserver 0.0.0.0:$PORT"),
    ] {
        let text = manifest(&[("requirements.txt", requirements), (file, "")]);
        assert!(text.contains(part), "{text}");
    }
    let plain = manifest(&[("requirements.txt", "\n"), ("web.py", "")]);
    assert!(plain.contains("command: python3 web.py") && !plain.contains("x-dev"), "{plain}");
    let both = manifest(&[("requirements.txt", "x"), ("Procfile", "web: python3 serve.py")]);
    assert!(both.contains("\n    command: python3 serve.py\n"), "{both}");
}

#[test]
fn a_dockerfile_gives_the_command_and_the_port() {
    let cmd =
        "FROM a\nEXPOSE 1\nFROM b\nexpose 8080\nCMD [\"python3\", \"web.py\", \\\n  \"a b\"]\n";
    assert_eq!(
        manifest(&[("Dockerfile", cmd)]),
        "services:\n  web:\n    build: .\n    command: 'python3 web.py ''a b'''\n    port: 8080\n"
    );
    let shell = manifest(&[("Dockerfile", "FROM a\nCMD exec web --port $PORT")]);
    assert!(shell.contains("command: 'sh -c ''exec web --port $PORT'''"), "{shell}");
    let entry = manifest(&[("Dockerfile", "FROM a\nENTRYPOINT [\"web\"]\nCMD [\"-v\"]")]);
    assert!(entry.contains("    port: 3000\n    x-dev:\n      command: web -v\n"), "{entry}");
}

#[test]
fn an_unknown_directory_gets_a_service_to_complete() {
    let starter = starter(&[("README", "")]);
    assert_eq!(starter.manifest(), "services:\n  web:\n    build: .\n    port: 3000\n");
    assert_eq!(starter.notices.len(), 2);
}

#[test]
fn words_that_yaml_takes_for_something_else_are_quoted() {
    for (command, expected) in [
        ("true", "'true'"),
        ("1e3", "'1e3'"),
        ("bin/web: x", "'bin/web: x'"),
        ("web # no comment", "'web # no comment'"),
        ("echo 'a'", "'echo ''a'''"),
        ("*star", "'sh -c ''*star'''"),
    ] {
        let text = manifest(&[("Procfile", &format!("web: {command}"))]);
        assert!(text.contains(&format!("command: {expected}\n")), "{text}");
    }
}
