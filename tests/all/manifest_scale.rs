//! The `scale` of convox.yml on the development rack.

use snapbox::str;

use crate::support::Story;

#[test]
fn a_service_starts_with_the_scale_of_the_manifest_until_it_is_scaled() {
    let story = Story::new("web");
    story.edit(
        "convox.yml",
        "command: python3 web.py",
        "command: python3 web.py\n    scale: {count: 2-4}",
    );
    let deploy = story.deploy();
    assert!(!deploy.out.contains("WARNING"), "{}", deploy.out);
    story.run("convox scale").prints(str![[r#"
SERVICE  DESIRED  RUNNING  CPU  MEMORY  GPU  MIN  MAX  STATUS
web      2        2        0    0       -    -    -
"#]]);
    // The manifest counts as long as nobody has said otherwise.
    story.edit("convox.yml", "count: 2-4", "count: 3");
    story.deploy();
    story.run("convox scale").prints(str![[r#"
SERVICE  DESIRED  RUNNING  CPU  MEMORY  GPU  MIN  MAX  STATUS
web      3        3        0    0       -    -    -
"#]]);
    story.run("convox scale web --count 1").ok();
    story.deploy();
    story.run("convox scale").prints(str![[r#"
SERVICE  DESIRED  RUNNING  CPU  MEMORY  GPU  MIN  MAX  STATUS
web      1        1        0    0       -    -    -
"#]]);
}
