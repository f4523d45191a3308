//! What is left out, and what is sent all the same.

use super::*;

#[test]
fn the_ignore_file_is_obeyed() {
    let folder = Folder::new();
    folder.write(".dockerignore", "**/node_modules\n*.log\n!keep.log\n# no\ndocs/**/*.md\n");
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
        folder.write(name, "");
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
    assert_eq!(folder.names(), wanted);
}

#[test]
fn exceptions_bring_back_files_from_excluded_folders() {
    let folder = Folder::new();
    folder.write(".dockerignore", "*\n!**/*.go\n!a/b\na/b/out\nvendor\n");
    for name in ["x/y/main.go", "x/y/main.c", "a/b/c", "a/b/out/d", "a/e", "vendor/v.go"] {
        folder.write(name, "");
    }
    let wanted = [".dockerignore", "a/b/", "a/b/c", "convox.yml", "x/y/main.go"];
    assert_eq!(folder.names(), wanted);
}

#[test]
fn folders_that_are_left_out_are_not_even_opened() {
    let folder = Folder::new();
    folder.write(".dockerignore", "secret\n!public/**\n");
    folder.write("secret/file", "");
    fs::set_permissions(folder.at("secret"), Permissions::from_mode(0o0)).unwrap();
    assert_eq!(folder.names(), [".dockerignore", "convox.yml"]);
    fs::set_permissions(folder.at("secret"), Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn what_the_build_needs_is_sent_whatever_the_ignore_file_says() {
    let folder = Folder::new();
    let manifest = "services: {api: {build: svc/api}, job: {build: {path: jobs, manifest: D}}}";
    folder.write("convox.yml", manifest);
    folder.write(".dockerignore", "**\n");
    for name in ["Dockerfile", "svc/api/Dockerfile", "svc/api/main", "svc/Dockerfile", "jobs/D"] {
        folder.write(name, "");
    }
    let sent = [".dockerignore", "Dockerfile", "convox.yml", "jobs/D", "svc/api/Dockerfile"];
    assert_eq!(folder.names(), sent);
    let wanted = sent.map(|name| format!("{name} is sent although .dockerignore leaves it out"));
    assert_eq!(folder.warnings(), wanted);
}

#[test]
fn what_the_build_needs_is_sent_with_the_links_that_lead_to_it() {
    let folder = Folder::new();
    fs::remove_file(folder.at("convox.yml")).unwrap();
    folder.write("real.yml", "services: {web: {build: ./svc}, out: {build: ./out}}");
    folder.write("realsvc/Dockerfile", "");
    folder.write("docker/base", "");
    for (name, target) in [
        ("convox.yml", "real.yml"),
        ("svc", "realsvc"),
        ("Dockerfile", "docker/base"),
        ("out", "../elsewhere"),
    ] {
        symlink(target, folder.at(name)).unwrap();
    }
    folder.write(".dockerignore", "*\n!svc\n");
    let sent = [
        ".dockerignore",
        "Dockerfile",
        "convox.yml",
        "docker/base",
        "real.yml",
        "realsvc/Dockerfile",
        "svc",
    ];
    assert_eq!(folder.names(), sent);
    let left_out = sent.iter().filter(|name| **name != "svc");
    let wanted: Vec<_> = left_out
        .map(|name| format!("{name} is sent although .dockerignore leaves it out"))
        .collect();
    assert_eq!(folder.warnings(), wanted);
}

#[test]
fn a_manifest_that_names_its_dockerfiles_oddly_names_them_all_the_same() {
    let folder = Folder::new();
    folder.write(".dockerignore", "svc\n");
    folder.write("svc/Dockerfile", "");
    for odd in ["web: {}", "~: x", "x: .inf", "y: {build: ..}\n---\na: ["] {
        folder
            .write("convox.yml", format!("services:\n  web: {{}}\n  web: {{build: svc}}\n{odd}\n"));
        assert_eq!(
            folder.warnings(),
            ["svc/Dockerfile is sent although .dockerignore leaves it out"]
        );
    }
}

#[test]
fn a_manifest_that_cannot_be_read_is_warned_of_where_something_may_be_left_out() {
    let folder = Folder::new();
    folder.write("convox.yml", "services: [");
    assert_eq!(folder.warnings(), [""; 0]);
    folder.write(".dockerignore", "# nothing\n");
    assert_eq!(folder.warnings(), [""; 0]);
    folder.write(".dockerignore", "svc\n");
    let wanted = "convox.yml cannot be read as YAML: a Dockerfile that it names is not sent where .dockerignore leaves it out";
    assert_eq!(folder.warnings(), [wanted]);
}

#[test]
fn a_dotenv_is_warned_of_only_if_it_is_sent() {
    let folder = Folder::new();
    folder.write(".env", "PASSWORD=x");
    folder.write("sub/.env", "PASSWORD=x");
    folder.write(".env.example", "");
    let text = "is in the archive: list it in .dockerignore if it holds secrets";
    assert_eq!(folder.warnings(), [format!(".env {text}"), format!("sub/.env {text}")]);
    folder.write(".dockerignore", ".env\n");
    assert_eq!(folder.warnings(), [format!("sub/.env {text}")]);
    folder.write(".dockerignore", "**/.env\n");
    assert_eq!(folder.warnings(), [""; 0]);
}
