//! Racks that Terraform manages on this machine. `terraform` is a script that logs its arguments.

use std::fs;
use std::path::PathBuf;

use rustix::process::Signal;
use serde_json::json;

use crate::support::{MockServer, Output, Response, Story};

const MAIN: &str = "module \"system\" {\n\tsource = \"old\"\n}\n";

const VARS: &str = r#"{
  "name": "north",
  "node_type": "t3.small",
  "region": "us-east-1",
  "release": "3.24.7"
}"#;

/// A rack that answers requests for its system.
fn rack() -> MockServer {
    MockServer::new(|ask| match ask.line.as_str() {
        "GET /system" => Response::json(
            r#"{"name":"north","provider":"aws","status":"running","version":"3.24.7"}"#,
        ),
        _ => Response::refusal(404, "no such route"),
    })
}

/// A story with the Terraform rack `north`, and a `terraform` that does `script` for `$1`.
fn story(api: &MockServer, script: &str) -> Story {
    let mut story = Story::alone("web");
    fs::create_dir_all(file(&story, "")).unwrap();
    fs::write(file(&story, "main.tf"), MAIN).unwrap();
    fs::write(file(&story, "vars.json"), VARS).unwrap();
    fs::write(story.settings("current"), r#"{"name":"north","type":"terraform"}"#).unwrap();
    let outputs = json!({"api": {"value": api.url()}, "provider": {"value": "aws"}});
    fs::write(story.path("outputs"), outputs.to_string()).unwrap();
    let log = story.path("calls");
    let outputs = story.path("outputs");
    let (log, outputs) = (log.display(), outputs.display());
    story.program(
        "terraform",
        &format!(
            "echo \"$*\" >> '{log}'\ncase $1 in\n{script}\noutput) cat '{outputs}' ;;\n*) echo \"$1 \
             is done\" ;;\nesac"
        ),
    );
    story
}

fn file(story: &Story, name: &str) -> PathBuf {
    story.settings("racks/north").join(name)
}

fn read(story: &Story, name: &str) -> String {
    fs::read_to_string(file(story, name)).unwrap()
}

fn calls(story: &Story) -> String {
    fs::read_to_string(story.path("calls")).unwrap_or_default()
}

fn assert_unchanged(story: &Story) {
    assert_eq!((read(story, "main.tf").as_str(), read(story, "vars.json").as_str()), (MAIN, VARS));
    let left: Vec<_> = fs::read_dir(file(story, "")).unwrap().map(|one| one.unwrap()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

/// A change of a parameter that fails before Terraform applies anything.
fn refused(story: &Story) -> Output {
    let ran = story.run("convox rack params set node_type=t3.large");
    ran.code(1);
    assert_unchanged(story);
    assert!(!calls(story).contains("apply"), "{}", calls(story));
    ran
}

#[test]
fn parameters_of_a_terraform_rack_are_read_from_its_file() {
    let story = story(&rack(), "");
    story.run("convox rack params").prints(snapbox::str!["node_type  t3.small"]);
    assert_eq!(calls(&story), "", "terraform is not needed for that");
    let ran = story.run("convox rack params --json -r nor");
    assert_eq!(ran.json(), json!({"node_type": "t3.small"}));
}

#[test]
fn parameters_are_set_by_terraform_whose_output_is_shown() {
    let story = story(&rack(), "");
    story
        .run("convox rack params set node_type=t3.large tags=")
        .prints(snapbox::str![[r#"
Updating parameters... init is done
apply is done
OK
"#]])
        .err(snapbox::str![]);
    snapbox::assert_data_eq!(
        calls(&story),
        snapbox::str![[r#"
output -json
init -force-copy -no-color -upgrade
apply -auto-approve -no-color

"#]]
    );
    snapbox::assert_data_eq!(
        read(&story, "vars.json"),
        snapbox::str![[r#"
{
  "name": "north",
  "node_type": "t3.large",
  "region": "us-east-1",
  "release": "3.24.7",
  "tags": ""
}
"#]]
    );
    snapbox::assert_data_eq!(
        read(&story, "main.tf"),
        snapbox::str![[r#"

		module "system" {
			source = "github.com/convox/convox//terraform/system/aws?ref=3.24.7"
			name = "north"
			node_type = "t3.large"
			rack_name = "north"
			region = "us-east-1"
			release = "3.24.7"
			tags = ""
		}

		output "api" {
			value     = module.system.api
			sensitive = true
		}

		output "provider" {
			value = "aws"
		}

		output "release" {
			value = "3.24.7"
		}
"#]]
    );
    use std::os::unix::fs::PermissionsExt;
    for name in ["vars.json", "main.tf"] {
        let mode = fs::metadata(file(&story, name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[test]
fn with_json_the_output_of_terraform_is_on_stderr() {
    let story = story(&rack(), "");
    let ran = story.run("convox rack params set node_type=t3.large --json");
    ran.code(0).out(snapbox::str![[r#"{"parameters":{"node_type":"t3.large"}}"#]]).err(
        snapbox::str![[r#"
init is done
apply is done
"#]],
    );
}

#[test]
fn values_are_escaped_in_the_configuration() {
    let mut story = story(&rack(), "");
    story.set("CONVOX_TERRAFORM_SOURCE", "/modules/%s");
    let value = r#"a" } ${file("/etc/passwd")} \"#;
    story.run(&format!("convox rack params set 'user_data={value}'")).ok();
    let expected = "\t\t\tuser_data = \"a\\\" } $${file(\\\"/etc/passwd\\\")} \\\\\"\n";
    let main = read(&story, "main.tf");
    assert!(main.contains(expected), "{main}");
    assert!(main.contains("source = \"/modules/aws\"\n"), "{main}");
    let vars: serde_json::Value = serde_json::from_str(&read(&story, "vars.json")).unwrap();
    assert_eq!(vars["user_data"], value);
    let before = (read(&story, "main.tf"), read(&story, "vars.json"));
    story.run("convox rack params set 'a b = c=d' --force").fails(snapbox::str![[r#"
ERROR: 'a b ' can't be the name of a parameter on a rack that Terraform manages; rack north is unchanged
HINT: use letters, digits, underscores and dashes, beginning with a letter
"#]]);
    assert_eq!(before, (read(&story, "main.tf"), read(&story, "vars.json")));
}

#[test]
fn a_rack_is_unchanged_if_terraform_fails_before_it_applies() {
    let story = story(&rack(), "init) echo 'Error: no module' >&2; exit 1 ;;");
    refused(&story).err(snapbox::str![[r#"
Error: no module
ERROR: terraform init failed (exit status: 1); rack north is unchanged
"#]]);
}

#[test]
fn files_are_put_back_if_terraform_does_not_apply_them() {
    let story = story(&rack(), "apply) echo \"\x1b[31mError\x1b[0m: quota\" >&2; exit 3 ;;");
    let ran = story.run("convox rack params set node_type=t3.large");
    ran.code(1).out(snapbox::str!["Updating parameters... init is done"]).err(snapbox::str![[r#"
[31mError[0m: quota
ERROR: terraform apply failed (exit status: 3); main.tf and vars.json are as before, but Terraform may have changed a part of rack north
HINT: see what is left to change with terraform plan in /story/home/.config/convox/racks/north
"#]]);
    assert_unchanged(&story);
}

#[test]
fn a_terraform_that_is_missing_is_named() {
    let mut story = story(&rack(), "");
    story.set("PATH", story.path("none"));
    refused(&story).err(snapbox::str![[r#"
ERROR: terraform is not installed, or not in PATH
HINT: install it as in https://developer.hashicorp.com/terraform/install
"#]]);
    story.run("convox rack params").ok();
}

#[test]
fn a_terraform_that_can_not_tell_the_address_is_named_with_the_directory() {
    for script in
        ["output) echo 'no state' >&2; exit 1 ;;", "output) echo '\x1b[33mWarning\x1b[0m' ;;"]
    {
        let rack = rack();
        let story = story(&rack, script);
        let ran = story.run("convox apps");
        ran.code(1).stderr_contains("ERROR: terraform output").stderr_contains("racks/north");
        ran.stderr_contains("HINT: run it there to see what it prints\n");
        let ran = story.run("convox racks");
        ran.code(0).stderr_contains("WARNING: rack north: terraform output");
        ran.stderr_contains("HINT: run it there to see what it prints\n");
    }
}

#[test]
fn a_password_that_the_rack_refuses_is_looked_for_in_the_outputs() {
    let refusing = MockServer::new(|_| Response::refusal(401, "invalid authentication"));
    story(&refusing, "").run("convox apps").fails(snapbox::str![[r#"
ERROR: invalid authentication
HINT: check the output api of terraform in /story/home/.config/convox/racks/north
"#]]);
}

#[test]
fn a_rack_without_a_state_is_not_changed() {
    let story = story(&rack(), "");
    fs::write(story.path("outputs"), "{}").unwrap();
    refused(&story).err(snapbox::str![[r#"
ERROR: rack north is not installed: Terraform has no state of it in /story/home/.config/convox/racks/north
HINT: if its installation was interrupted, run terraform apply in /story/home/.config/convox/racks/north
"#]]);
    story.run("convox rack update 3.24.8").fails(snapbox::str![[r#"
ERROR: rack north has no address yet
HINT: check whether its installation is finished: convox racks
"#]]);
    assert_unchanged(&story);
}

#[test]
fn a_rack_whose_state_is_locked_is_not_changed() {
    let story = story(&rack(), "");
    let lock = r#"{"ID":"1-2-3","Operation":"OperationTypeApply","Who":"ann@mac","Created":"2026-05-01T10:00:00Z"}"#;
    let path = file(&story, ".terraform.tfstate.lock.info");
    fs::write(&path, lock).unwrap();
    let ran = story.run("convox rack params set node_type=t3.large");
    ran.code(1).err(snapbox::str![[r#"
ERROR: rack north is being changed: its state is locked by ann@mac since TIME
HINT: wait until that run of Terraform has ended, and try again
HINT: if no Terraform is running, run terraform force-unlock 1-2-3 in /story/home/.config/convox/racks/north
"#]]);
    assert!(!calls(&story).contains("init"));
    fs::remove_file(path).unwrap();
    assert_unchanged(&story);
}

#[test]
fn a_rack_without_its_file_of_variables_is_named_with_it() {
    let story = story(&rack(), "");
    fs::remove_file(file(&story, "vars.json")).unwrap();
    story.run("convox rack params").fails(snapbox::str![[r#"
ERROR: /story/home/.config/convox/racks/north/vars.json does not exist
HINT: write the variables of /story/home/.config/convox/racks/north/main.tf to it, as JSON
"#]]);
    story.run("convox rack params set node_type=t3.large").code(1);
    assert!(!file(&story, "vars.json").exists());
    fs::write(file(&story, "vars.json"), r#"{"name":"north"}"#).unwrap();
    story.run("convox rack params set node_type=t3.large").fails(snapbox::str![[r#"
ERROR: could not determine current release; rack north is unchanged
HINT: add it to /story/home/.config/convox/racks/north/vars.json as "release"
"#]]);
    assert_eq!(read(&story, "vars.json"), r#"{"name":"north"}"#);
    assert_eq!(read(&story, "main.tf"), MAIN);
}

#[test]
fn parameters_that_a_version_does_not_have_are_left_out_but_not_lost() {
    let story = story(&rack(), "");
    let module = file(&story, ".terraform/modules/system");
    fs::create_dir_all(&module).unwrap();
    let manifest = r#"{"Modules":[{"Key":"system","Dir":".terraform/modules/system"}]}"#;
    fs::write(file(&story, ".terraform/modules/modules.json"), manifest).unwrap();
    let variables = ["name", "release", "rack_name", "region", "tags"];
    let variables = variables.map(|name| format!("variable \"{name}\" {{\n}}\n")).concat();
    fs::write(module.join("variables.tf"), variables).unwrap();
    let ran = story.run("convox rack params set tags=a=b");
    ran.code(0).err(snapbox::str!["NOTICE: leaving out parameters not supported by version 3.24.7: node_type (vars.json keeps them)"]);
    assert!(!read(&story, "main.tf").contains("node_type"));
    assert!(read(&story, "vars.json").contains("node_type"));
    let ran = story.run("convox rack params set idle_timeout=60");
    ran.code(1).err(snapbox::str![
        "ERROR: parameter idle_timeout is not supported by version 3.24.7; rack north is unchanged"
    ]);
    assert!(!read(&story, "vars.json").contains("idle_timeout"));
}

#[test]
fn ctrl_c_is_passed_to_terraform_once_and_its_end_is_waited_for() {
    for (signal, name, code) in
        [(Signal::INT, "INT", 130), (Signal::TERM, "TERM", 143), (Signal::HUP, "TERM", 129)]
    {
        let rack = rack();
        let story = story(
            &rack,
            "apply) n=0; trap 'echo got HUP; exit 1' HUP\n\
             trap 'echo got INT; n=1' INT; trap 'echo got TERM; n=1' TERM\n\
             echo applying\nwhile [ $n = 0 ]; do sleep 0.05; done\n\
             echo stopping; sleep 0.2; echo stopped; exit 1 ;;",
        );
        let running = story.start("convox rack params set node_type=t3.large");
        running.shows("applying").signal(signal);
        let ran = running.end();
        ran.code(code).stdout_contains(&format!("applying\ngot {name}\nstopping\nstopped\n"));
        assert_eq!(ran.out.matches("got").count(), 1, "{ran}");
        ran.stderr_contains(
            "; main.tf and vars.json are as before, but Terraform may have changed",
        );
        assert_unchanged(&story);
    }
}

#[test]
fn an_interrupt_before_terraform_applies_leaves_the_rack_as_it_was() {
    let script = "init) trap 'exit 0' INT; echo initializing; while :; do sleep 0.05; done ;;";
    let story = story(&rack(), script);
    let running = story.start("convox rack params set node_type=t3.large");
    running.shows("initializing").interrupt();
    running.end().code(130).stderr_contains("ERROR: interrupted; rack north is unchanged\n");
    assert_unchanged(&story);
    assert!(!calls(&story).contains("apply"));
}

#[test]
fn a_change_that_terraform_completes_after_an_interrupt_is_kept() {
    let script =
        "apply) trap 'n=1' INT; n=0; echo applying; while [ $n = 0 ]; do sleep 0.05; done ;;";
    let story = story(&rack(), script);
    let running = story.start("convox rack params set node_type=t3.large");
    running.shows("applying").interrupt();
    running.end().code(0);
    assert!(read(&story, "vars.json").contains("t3.large"));
}

#[test]
fn two_changes_of_a_rack_do_not_overlap() {
    let script = "apply) echo applying; while [ ! -e go ]; do sleep 0.05; done ;;";
    let story = story(&rack(), script);
    let running = story.start("convox rack params set node_type=t3.large");
    running.shows("applying");
    story.run("convox rack params set node_type=t3.small").code(1).err(snapbox::str![[r#"
ERROR: the rack is being changed by another run of convox
HINT: wait until it has ended, and try again
"#]]);
    fs::write(file(&story, "go"), "").unwrap();
    running.end().code(0);
    assert!(read(&story, "vars.json").contains("t3.large"));
}

#[test]
fn a_rack_is_updated_to_a_version() {
    let story = story(&rack(), "");
    story.run("convox rack update 3.24.9").prints(snapbox::str![[r#"
Updating to 3.24.9... init is done
apply is done
OK
"#]]);
    assert!(read(&story, "main.tf").contains("?ref=3.24.9\""));
    assert!(read(&story, "vars.json").contains("\"release\": \"3.24.9\""));
    story.run("convox rack update 3.27.1").fails(snapbox::str!["ERROR: you can't skip a minor update, please update to the latest 3.25.XX and so on before updating to 3.27.1"]);
    story.run("convox rack update 3.22.0").fails(snapbox::str![
        "ERROR: Downgrade from minor version is not supported for v3 rack. Contact the support."
    ]);
    let ran = story.run("convox rack update 3.27.1 --force --json");
    ran.code(0).out(snapbox::str![[r#"{"version":"3.27.1","from":"3.24.9"}"#]]);
}

#[test]
fn without_a_version_the_newest_patch_is_taken() {
    let published = MockServer::new(|ask| {
        let release = |tag: &str| json!({"tag_name": tag, "draft": false, "prerelease": false});
        let mut releases = vec![release("3.25.1"); 100];
        if ask.line.ends_with("page=2") {
            releases = vec![release("3.24.10"), release("3.24.9")];
        }
        match ask.line.split('?').next() {
            Some("GET /repos/convox/convox/releases") => {
                Response::json(&json!(releases).to_string())
            }
            _ => Response::refusal(404, "no such route"),
        }
    });
    let mut story = story(&rack(), "");
    story.set("CONVOX_RELEASES_URL", format!("http://{}", published.host()));
    story.run("convox rack update").prints(snapbox::str![[r#"
Updating to 3.24.10... init is done
apply is done
OK
"#]]);
    assert!(published.requests().iter().all(|ask| ask.header("authorization").is_none()));
    fs::write(file(&story, "vars.json"), r#"{"release":"3.20.1"}"#).unwrap();
    story.run("convox rack update").fails(snapbox::str![[r#"
ERROR: No published revisions found for this version: 3.20.1
HINT: choose the version with: convox rack update VERSION
"#]]);
    story.set("CONVOX_RELEASES_URL", "http://127.0.0.1:1");
    story.set("CONVOX_RETRY", "0");
    story
        .run("convox rack update")
        .code(1)
        .stderr_contains("HINT: choose the version with: convox");
}

#[test]
fn an_older_version_needs_the_older_router() {
    let story = story(&rack(), "");
    let vars = VARS.replace("node_type\": \"t3.small", "router_type\": \"contour");
    fs::write(file(&story, "vars.json"), vars).unwrap();
    story.run("convox rack update 3.24.6").fails(snapbox::str![[r#"
ERROR: cannot downgrade to 3.24.6 while router_type=contour is set.
HINT: set it first with: convox rack params set 'router_type=nginx'
"#]]);
}
