//! `karpenter_config`.

use serde_json::{Map, Value};

use super::super::values::{POOL_LABEL, ensure, is_reserved_tag};
use super::{encode, label_of_the_rack, parse};

/// The largest document, in bytes.
const MOST: usize = 64 * 1024;

type Object = Map<String, Value>;

/// Checks that the document leaves alone what the rack manages.
pub(super) fn check(name: &str, document: &[u8]) -> Result<Vec<u8>, String> {
    ensure(document.len() <= MOST, || {
        format!("{name}: it has {} bytes, and at most 64 KB are allowed", document.len())
    })?;
    let config: Object = parse(name, document)?;
    check_object(&config).map_err(|problem| format!("{name}: {problem}"))?;
    encode(name, &config)
}

fn check_object(config: &Object) -> Result<(), String> {
    let is_unknown = |key: &&String| !matches!(key.as_str(), "nodePool" | "ec2NodeClass");
    if let Some(key) = config.keys().find(is_unknown) {
        return Err(format!("'{key}' is unknown: expected nodePool or ec2NodeClass"));
    }
    if let Some(class) = object(config, "", "ec2NodeClass")? {
        check_class(class)?;
    }
    let Some(pool) = object(config, "", "nodePool")? else { return Ok(()) };
    match object(pool, "nodePool.", "template")? {
        Some(template) => check_template(template),
        None => Ok(()),
    }
}

fn check_class(class: &Object) -> Result<(), String> {
    for field in ["role", "instanceProfile", "subnetSelectorTerms", "securityGroupSelectorTerms"] {
        ensure(!class.contains_key(field), || managed(&format!("ec2NodeClass.{field}")))?;
    }
    let Some(tags) = object(class, "ec2NodeClass.", "tags")? else { return Ok(()) };
    match tags.keys().find(|key| is_reserved_tag(key)) {
        Some(key) => {
            Err(format!("ec2NodeClass.tags can't have the tag '{key}', which the rack sets"))
        }
        None => Ok(()),
    }
}

fn check_template(template: &Object) -> Result<(), String> {
    const AT: &str = "nodePool.template.";
    if let Some(metadata) = object(template, AT, "metadata")?
        && let Some(labels) = object(metadata, "nodePool.template.metadata.", "labels")?
    {
        ensure(!labels.contains_key(POOL_LABEL), label_of_the_rack)?;
    }
    let Some(spec) = object(template, AT, "spec")? else { return Ok(()) };
    ensure(!spec.contains_key("nodeClassRef"), || managed("nodePool.template.spec.nodeClassRef"))?;
    let requirements = "nodePool.template.spec.requirements";
    match spec.get("requirements") {
        None => Ok(()),
        Some(Value::Array(list)) => {
            ensure(!list.is_empty(), || format!("{requirements} has no entries"))
        }
        Some(_) => Err(format!("{requirements} is not an array")),
    }
}

fn managed(field: &str) -> String {
    format!("{field} is set by the rack")
}

/// The object in a field, if it is there.
fn object<'a>(parent: &'a Object, at: &str, field: &str) -> Result<Option<&'a Object>, String> {
    match parent.get(field) {
        None => Ok(None),
        Some(Value::Object(object)) => Ok(Some(object)),
        Some(_) => Err(format!("{at}{field} is not an object")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::CONFIG;
    use super::super::tests::set;

    #[test]
    fn what_the_rack_manages_is_refused() {
        for (config, expected) in [
            (r#"{"x":1}"#, "'x' is unknown: expected nodePool or ec2NodeClass"),
            (r#"{"ec2NodeClass":1}"#, "ec2NodeClass is not an object"),
            (r#"{"ec2NodeClass":{"role":"x"}}"#, "ec2NodeClass.role is set by the rack"),
            (
                r#"{"ec2NodeClass":{"instanceProfile":"x"}}"#,
                "ec2NodeClass.instanceProfile is set by the rack",
            ),
            (
                r#"{"ec2NodeClass":{"subnetSelectorTerms":[]}}"#,
                "ec2NodeClass.subnetSelectorTerms is set by the rack",
            ),
            (
                r#"{"ec2NodeClass":{"securityGroupSelectorTerms":[]}}"#,
                "ec2NodeClass.securityGroupSelectorTerms is set by the rack",
            ),
            (
                r#"{"ec2NodeClass":{"tags":{"Name":"x"}}}"#,
                "ec2NodeClass.tags can't have the tag 'Name'",
            ),
            (r#"{"ec2NodeClass":{"tags":[]}}"#, "ec2NodeClass.tags is not an object"),
            (r#"{"nodePool":[]}"#, "nodePool is not an object"),
            (
                r#"{"nodePool":{"template":{"metadata":{"labels":{"convox.io/nodepool":"x"}}}}}"#,
                "the label 'convox.io/nodepool' is set by the rack",
            ),
            (
                r#"{"nodePool":{"template":{"spec":{"nodeClassRef":{}}}}}"#,
                "nodePool.template.spec.nodeClassRef is set by the rack",
            ),
            (
                r#"{"nodePool":{"template":{"spec":{"requirements":[]}}}}"#,
                "nodePool.template.spec.requirements has no entries",
            ),
            (
                r#"{"nodePool":{"template":{"spec":{"requirements":{}}}}}"#,
                "nodePool.template.spec.requirements is not an array",
            ),
        ] {
            let found = set(CONFIG, config, &[]).unwrap_err();
            assert!(found.starts_with(&format!("karpenter_config: {expected}")), "{found}");
        }
    }

    #[test]
    fn other_content_is_stored_as_it_is() {
        let config = r#"{"ec2NodeClass":{"tags":{"team":"a"}},"nodePool":{"template":{"metadata":{"labels":{"a":"b"}},"spec":{"requirements":[{"key":"x"}]}}}}"#;
        assert_eq!(set(CONFIG, config, &[]).as_deref(), Ok(config));
        let long = format!(r#"{{"nodePool":{{"x":"{}"}}}}"#, "x".repeat(65536));
        let found = set(CONFIG, &long, &[]).unwrap_err();
        assert_eq!(found, "karpenter_config: it has 65557 bytes, and at most 64 KB are allowed");
    }
}
