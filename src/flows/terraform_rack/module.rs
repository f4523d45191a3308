//! The Terraform module of a rack's version, as `terraform init` has fetched it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use regex_lite::Regex;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Manifest {
    modules: Vec<Module>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Module {
    key: String,
    dir: String,
}

/// Returns the variables that the module declares. `None` if they can't be found out, or are not
/// those of a rack: Terraform then judges them itself.
pub(super) fn declared(dir: &Path) -> Option<BTreeSet<String>> {
    let manifest = fs::read(dir.join(".terraform/modules/modules.json")).ok()?;
    let manifest: Manifest = serde_json::from_slice(&manifest).ok()?;
    let module = manifest.modules.into_iter().find(|module| module.key == "system")?;
    let variable = Regex::new(r#"(?m)^variable\s+"([^"]+)""#).ok()?;
    let mut declared = BTreeSet::new();
    for entry in fs::read_dir(dir.join(module.dir)).ok()? {
        let path = entry.ok()?.path();
        if path.extension().is_some_and(|kind| kind == "tf") {
            let text = fs::read_to_string(path).ok()?;
            let names = variable.captures_iter(&text).filter_map(|found| found.get(1));
            declared.extend(names.map(|name| name.as_str().to_owned()));
        }
    }
    let is_of_a_rack = ["name", "release"].iter().all(|name| declared.contains(*name));
    is_of_a_rack.then_some(declared)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variables_are_those_of_the_module_that_was_fetched() {
        let dir = tempfile::tempdir().unwrap();
        let module = dir.path().join(".terraform/modules/system/terraform/system/aws");
        fs::create_dir_all(&module).unwrap();
        assert_eq!(declared(dir.path()), None);
        fs::write(
            dir.path().join(".terraform/modules/modules.json"),
            r#"{"Modules":[{"Key":"","Source":"","Dir":"."},
                {"Key":"system","Dir":".terraform/modules/system/terraform/system/aws"}]}"#,
        )
        .unwrap();
        fs::write(module.join("other.tf"), "variable \"node_type\" {}\n  variable \"no\" {}\n")
            .unwrap();
        assert_eq!(declared(dir.path()), None, "neither name nor release");
        fs::write(module.join("variables.tf"), "variable \"name\" {\n}\nvariable  \"release\" {}")
            .unwrap();
        let names = ["name", "node_type", "release"].map(str::to_owned);
        assert_eq!(declared(dir.path()), Some(names.into()));
    }
}
