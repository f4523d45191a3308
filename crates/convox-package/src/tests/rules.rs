//! Which files are left out, and which are always sent.

use super::*;

#[test]
fn the_ignore_file_decides_what_is_sent() {
    let dir = SourceDir::new();
    dir.write(".dockerignore", "**/node_modules\n*.log\n!keep.log\n# no\ndocs/**/*.md\n");
    for name in [
        "a.log",
        "keep.log",
        "sub/a.log",
        "docs/a.md",
        "docs/deep/b.md",
        "docs/c.txt",
        "node_modules/x/y",
        "web/node_modules/z",
        "web/.dockerignore",
    ] {
        dir.write(name, "");
    }
    let wanted = [
        ".dockerignore",
        "convox.yml",
        "docs/",
        "docs/c.txt",
        "docs/deep/",
        "keep.log",
        "sub/",
        "sub/a.log",
        "web/",
        "web/.dockerignore",
    ];
    assert_eq!(dir.names(), wanted);
}

#[test]
fn exceptions_include_files_in_excluded_directories() {
    let dir = SourceDir::new();
    dir.write(".dockerignore", "*\n!**/*.go\n!a/b\na/b/out\nvendor\n");
    for name in ["x/y/main.go", "x/y/main.c", "a/b/c", "a/b/out/d", "a/e", "vendor/v.go"] {
        dir.write(name, "");
    }
    let wanted = [".dockerignore", "a/b/", "a/b/c", "convox.yml", "x/y/main.go"];
    assert_eq!(dir.names(), wanted);
}

#[test]
fn excluded_directories_are_not_opened() {
    let dir = SourceDir::new();
    dir.write(".dockerignore", "secret\n!public/**\n");
    dir.write("secret/file", "");
    fs::set_permissions(dir.at("secret"), Permissions::from_mode(0o0)).unwrap();
    assert_eq!(dir.names(), [".dockerignore", "convox.yml"]);
    fs::set_permissions(dir.at("secret"), Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn files_that_the_build_needs_are_always_sent() {
    let dir = SourceDir::new();
    let manifest = "services: {api: {build: svc/api}, job: {build: {path: jobs, manifest: D}}}";
    dir.write("convox.yml", manifest);
    dir.write(".dockerignore", "**\n");
    for name in ["Dockerfile", "svc/api/Dockerfile", "svc/api/main", "svc/Dockerfile", "jobs/D"] {
        dir.write(name, "");
    }
    let sent = [".dockerignore", "Dockerfile", "convox.yml", "jobs/D", "svc/api/Dockerfile"];
    assert_eq!(dir.names(), sent);
    let wanted = sent.map(|name| format!("{name} is sent although .dockerignore excludes it"));
    assert_eq!(dir.warnings(), wanted);
}

#[test]
fn files_that_the_build_needs_are_sent_with_the_links_to_them() {
    let dir = SourceDir::new();
    fs::remove_file(dir.at("convox.yml")).unwrap();
    dir.write("real.yml", "services: {web: {build: ./svc}, out: {build: ./out}}");
    dir.write("realsvc/Dockerfile", "");
    dir.write("docker/base", "");
    for (name, target) in [
        ("convox.yml", "real.yml"),
        ("svc", "realsvc"),
        ("Dockerfile", "docker/base"),
        ("out", "../elsewhere"),
    ] {
        symlink(target, dir.at(name)).unwrap();
    }
    dir.write(".dockerignore", "*\n!svc\n");
    let sent = [
        ".dockerignore",
        "Dockerfile",
        "convox.yml",
        "docker/base",
        "real.yml",
        "realsvc/Dockerfile",
        "svc",
    ];
    assert_eq!(dir.names(), sent);
    let left_out = sent.iter().filter(|name| **name != "svc");
    let wanted: Vec<_> =
        left_out.map(|name| format!("{name} is sent although .dockerignore excludes it")).collect();
    assert_eq!(dir.warnings(), wanted);
}

#[test]
fn dockerfiles_are_found_in_manifests_that_only_racks_accept() {
    let dir = SourceDir::new();
    dir.write(".dockerignore", "svc\n");
    dir.write("svc/Dockerfile", "");
    for odd in ["web: {}", "~: x", "x: .inf", "y: {build: ..}\n---\na: ["] {
        dir.write("convox.yml", format!("services:\n  web: {{}}\n  web: {{build: svc}}\n{odd}\n"));
        assert_eq!(dir.warnings(), ["svc/Dockerfile is sent although .dockerignore excludes it"]);
    }
}

#[test]
fn an_invalid_manifest_gets_a_warning_if_there_are_ignore_rules() {
    let dir = SourceDir::new();
    dir.write("convox.yml", "services: [");
    assert_eq!(dir.warnings(), [""; 0]);
    dir.write(".dockerignore", "# nothing\n");
    assert_eq!(dir.warnings(), [""; 0]);
    dir.write(".dockerignore", "svc\n");
    let wanted = "convox.yml is not valid YAML: a Dockerfile that it names is not sent if .dockerignore excludes it";
    assert_eq!(dir.warnings(), [wanted]);
}

#[test]
fn a_dotenv_gets_a_warning_only_if_it_is_sent() {
    let dir = SourceDir::new();
    dir.write(".env", "PASSWORD=x");
    dir.write("sub/.env", "PASSWORD=x");
    dir.write(".env.example", "");
    let text = "is in the archive: list it in .dockerignore if it holds secrets";
    assert_eq!(dir.warnings(), [format!(".env {text}"), format!("sub/.env {text}")]);
    dir.write(".dockerignore", ".env\n");
    assert_eq!(dir.warnings(), [format!("sub/.env {text}")]);
    dir.write(".dockerignore", "**/.env\n");
    assert_eq!(dir.warnings(), [""; 0]);
}
