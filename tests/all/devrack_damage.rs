//! What the development rack makes of damaged files, and of what apps leave in their directories.

use std::fs;
use std::path::PathBuf;

use crate::devrack::{data, on_dev, status};
use crate::support::{Story, until};

#[test]
fn a_damaged_database_is_never_deleted_and_what_can_be_read_is_recovered() {
    let story = on_dev();
    story.run("convox deploy --create --wait --description 'the first deploy'").code(0);
    story.run("convox env set COLOR=teal").code(0);
    story.run("convox rack stop").ok();
    let path = data(&story).join("rack.redb");
    let mut damaged = fs::read(&path).unwrap();
    let text = b"the first deploy";
    // In old pages, too, which are no longer used.
    let places = 0..damaged.len() - text.len();
    for at in places.filter(|at| damaged[*at..].starts_with(text)).collect::<Vec<_>>() {
        damaged[at] = b'T';
    }
    fs::write(&path, &damaged).unwrap();
    let ran = story.run("convox rack start --detach");
    ran.code(1).stderr_contains("rack.redb is damaged: ");
    let advice = "HINT: keep what can be read, and the damaged file, with: convox rack start --detach --recover\n";
    ran.stderr_contains(advice);
    story.run("convox rack prune").code(1).stderr_contains(advice);
    story.run("convox rack start").code(1).stderr_contains(advice);
    assert_eq!(fs::read(&path).unwrap(), damaged);

    let ran = story.run("convox rack start --detach --recover");
    ran.code(0).stderr_contains("what was saved: apps 1, builds 1, releases 2; the damaged file");
    story.run("convox apps wait").ok();
    assert_eq!(story.get("web"), "Hello World!\n");
    assert_eq!(story.run("convox env get COLOR").ok().out, "teal\n");
    assert_eq!(fs::read(kept(&story)).unwrap(), damaged);
    story.run("convox rack stop").ok();
    let ran = story.run("convox rack start --detach --recover");
    ran.code(0).stderr_contains("NOTICE: the database is not damaged");
}

/// The file that a recovery has kept.
fn kept(story: &Story) -> PathBuf {
    let mut files = fs::read_dir(data(story)).unwrap().map(|entry| entry.unwrap().path());
    files.find(|path| path.to_string_lossy().contains("redb.damaged-")).expect("a damaged file")
}

#[test]
fn a_database_of_which_nothing_can_be_read_is_said_to_be_lost() {
    let story = on_dev();
    story.run("convox apps create web").code(0);
    story.run("convox rack stop").ok();
    let path = data(&story).join("rack.redb");
    let damaged = vec![0xa5; fs::read(&path).unwrap().len()];
    fs::write(&path, &damaged).unwrap();
    let ran = story.run("convox rack start --detach --recover");
    ran.code(0).stderr_contains(
        "WARNING: the database was damaged, and nothing in it can be read; it is replaced by an \
         empty one, and the damaged file is kept as /story/home/",
    );
    assert_eq!(fs::read(kept(&story)).unwrap(), damaged);
    story.run("convox apps").ok();
}

/// A program that nests directories as deep as its argument says, and stays.
const NEST: &str = "import os, sys, time
here = os.open('.', os.O_RDONLY)
for _ in range(int(sys.argv[1])):
    os.mkdir('d', dir_fd=here)
    below = os.open('d', os.O_RDONLY, dir_fd=here)
    os.close(here)
    here = below
print('nested', flush=True)
time.sleep(1000 if len(sys.argv) < 3 else 0)
";

#[test]
fn directories_that_an_app_nests_to_any_depth_are_removed_with_it() {
    let story = on_dev();
    story.write("nest.py", NEST);
    story.write("convox.yml", "services:\n  job:\n    command: python3 nest.py 30000\n");
    story.run("convox deploy --create --wait").code(0);
    until("the directories", || {
        story.run("convox logs --no-follow").out.contains("nested").then_some(())
    });
    let app = data(&story).join("apps/convox-guide");
    story.run("convox apps delete convox-guide").code(0);
    until("the end of its files", || (!app.exists()).then_some(()));
    assert_eq!(status(&story)["status"], "running");
    story.run("convox rack stop").code(0);
}

#[test]
fn a_source_that_is_nested_too_deep_to_be_copied_is_an_error_of_its_promote() {
    let story = on_dev();
    story.write("nest.py", NEST);
    story.write(
        "convox.yml",
        "services:\n  job:\n    command: sleep 1000\n    x-dev:\n      \
         build: python3 nest.py 3000 --end\n",
    );
    let ran = story.run("convox deploy --create --wait");
    ran.code(1).stderr_contains("File name too long");
    assert_eq!(status(&story)["status"], "running");
    story.run("convox apps delete convox-guide").code(0);
}
