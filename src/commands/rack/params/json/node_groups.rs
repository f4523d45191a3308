//! `additional_node_groups_config` and `additional_build_groups_config`.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::super::checks::RequestedParams;
use super::super::values::{ensure, is_reserved_tag, pairs};
use super::{decoded, encode, no_others, parse};

/// The smallest disk of a node, in GB.
const LEAST_DISK: i64 = 20;

/// A group of nodes.
#[derive(Debug, Default, Deserialize, Serialize)]
struct NodeGroup {
    id: Option<i64>,
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    disk: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    capacity_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    min_size: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_size: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ami_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dedicated: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<String>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

/// Checks groups, and returns them sorted by id. Those without an id take that of the group at their
/// position in the current value, so that Terraform does not replace it.
pub(super) fn check(
    name: &str,
    document: &[u8],
    call: &RequestedParams<'_>,
) -> Result<Vec<u8>, String> {
    let mut groups: Vec<NodeGroup> = parse(name, document)?;
    let current = call.current.get(name).map(|value| decoded(value)).unwrap_or_default();
    take_ids(&mut groups, &current);
    for group in &groups {
        group.check()?;
        no_others(&group.others, call.force)?;
    }
    check_ids(&groups)?;
    for (group, position) in groups.iter_mut().zip(0..) {
        group.id.get_or_insert(position);
    }
    groups.sort_by_key(|group| group.id);
    encode(name, &groups)
}

/// Checks that all groups are dedicated, so that Karpenter and they have different pods.
pub(super) fn check_dedicated(groups: &[u8]) -> Result<(), String> {
    // What the rack has stored is not judged otherwise.
    let groups: Vec<NodeGroup> = serde_json::from_slice(groups).unwrap_or_default();
    ensure(groups.iter().all(|group| group.dedicated == Some(true)), || {
        "with karpenter_enabled=true, each additional node group needs \"dedicated\": true"
            .to_owned()
    })
}

fn take_ids(groups: &mut [NodeGroup], current: &[u8]) {
    let current: Vec<NodeGroup> = serde_json::from_slice(current).unwrap_or_default();
    for ((group, known), position) in groups.iter_mut().zip(current).zip(0..) {
        // Terraform takes the position for groups that have been stored without an id.
        group.id = group.id.or(known.id).or(Some(position));
    }
}

fn check_ids(groups: &[NodeGroup]) -> Result<(), String> {
    let ids: Vec<_> = groups.iter().filter_map(|group| group.id).collect();
    let mut seen = BTreeSet::new();
    if let Some(id) = ids.iter().find(|id| !seen.insert(**id)) {
        return Err(format!("duplicate node group id is found: {id}"));
    }
    ensure(ids.is_empty() || ids.len() == groups.len(), || {
        "some node groups missing id property".to_owned()
    })
}

impl NodeGroup {
    fn check(&self) -> Result<(), String> {
        ensure(!self.kind.is_empty(), || format!("node type is required: '{}'", self.kind))?;
        if let Some(disk) = self.disk.filter(|disk| *disk < LEAST_DISK) {
            return Err(format!("node disk is less than {LEAST_DISK}: '{disk}'"));
        }
        self.check_size()?;
        if let Some(capacity) = &self.capacity_type {
            let is_known = matches!(capacity.as_str(), "ON_DEMAND" | "SPOT" | "Regular" | "Spot");
            ensure(is_known, || {
                format!(
                    "allowed capacity type: ON_DEMAND, SPOT, Regular, or Spot, found: '{capacity}'"
                )
            })?;
        }
        if let Some(label) = &self.label {
            ensure(is_label(label), || {
                format!(
                    "label value '{label}' invalid, must contain only lowercase alphanumeric and \
                     dashes"
                )
            })?;
        }
        ensure(self.dedicated != Some(true) || self.label.is_some(), || {
            "label is required when dedicated option is set".to_owned()
        })?;
        self.tags.as_deref().map_or(Ok(()), check_tags)
    }

    fn check_size(&self) -> Result<(), String> {
        let (least, most) = (self.min_size, self.max_size);
        if let Some(least) = least.filter(|least| *least < 0) {
            return Err(format!("invalid min size: '{least}'"));
        }
        if let Some(most) = most.filter(|most| *most < 0) {
            return Err(format!("invalid max size: '{most}'"));
        }
        match least.zip(most) {
            Some((least, most)) if least > most => {
                Err(format!("invalid min size: '{least}' must be less or equal to max size"))
            }
            _ => Ok(()),
        }
    }
}

fn is_label(text: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    text.starts_with(|first: char| first.is_ascii_lowercase()) && text.bytes().all(is_inner)
}

fn check_tags(tags: &str) -> Result<(), String> {
    let Some(tags) = pairs(tags) else {
        return Err("invalid 'tags', use format: k1=v1,k2=v2".to_owned());
    };
    match tags.iter().find(|(key, _)| is_reserved_tag(key)) {
        Some((key, _)) => Err(format!("reserved tag key '{key}' is not allowed")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::set;
    use super::super::{BUILD_GROUPS, NODE_GROUPS};

    #[test]
    fn groups_are_checked() {
        for (group, expected) in [
            (r#"{"type":""}"#, "node type is required: ''"),
            (r#"{}"#, "node type is required: ''"),
            (r#"{"type":"a","disk":19}"#, "node disk is less than 20: '19'"),
            (r#"{"type":"a","min_size":-1}"#, "invalid min size: '-1'"),
            (r#"{"type":"a","max_size":-2}"#, "invalid max size: '-2'"),
            (
                r#"{"type":"a","min_size":3,"max_size":2}"#,
                "invalid min size: '3' must be less or equal to max size",
            ),
            (
                r#"{"type":"a","capacity_type":"spot"}"#,
                "allowed capacity type: ON_DEMAND, SPOT, Regular, or Spot, found: 'spot'",
            ),
            (
                r#"{"type":"a","label":"A"}"#,
                "label value 'A' invalid, must contain only lowercase alphanumeric and dashes",
            ),
            (r#"{"type":"a","dedicated":true}"#, "label is required when dedicated option is set"),
            (r#"{"type":"a","tags":"a"}"#, "invalid 'tags', use format: k1=v1,k2=v2"),
            (r#"{"type":"a","tags":"a=b,Rack=c"}"#, "reserved tag key 'Rack' is not allowed"),
            (r#"{"type":"a","dsk":20}"#, "unknown field 'dsk' (use --force to set it)"),
            (r#"{"type":"a","id":1},{"type":"b"}"#, "some node groups missing id property"),
            (r#"{"type":"a","id":1},{"type":"b","id":1}"#, "duplicate node group id is found: 1"),
        ] {
            for name in [NODE_GROUPS, BUILD_GROUPS] {
                let found = set(name, &format!("[{group}]"), &[]);
                assert_eq!(found, Err(expected.to_owned()), "{group}");
            }
        }
    }

    #[test]
    fn good_groups_are_stored_sorted_by_id() {
        let groups = r#"[
            {"id":2,"type":"b","disk":20,"capacity_type":"SPOT","min_size":0,"max_size":2},
            {"id":1,"type":"a","label":"a-1","ami_id":"ami","dedicated":true,"tags":"k=v,e="}
        ]"#;
        let expected = r#"[{"id":1,"type":"a","label":"a-1","ami_id":"ami","dedicated":true,"tags":"k=v,e="},{"id":2,"type":"b","disk":20,"capacity_type":"SPOT","min_size":0,"max_size":2}]"#;
        assert_eq!(set(NODE_GROUPS, groups, &[]).as_deref(), Ok(expected));
    }

    #[test]
    fn missing_ids_are_those_of_the_groups_at_the_same_positions() {
        let two = r#"[{"type":"a"},{"type":"b"}]"#;
        for (current, expected) in [
            ("", r#"[{"id":0,"type":"a"},{"id":1,"type":"b"}]"#),
            (
                r#"[{"id":7,"type":"x"},{"id":3,"type":"y"}]"#,
                r#"[{"id":3,"type":"b"},{"id":7,"type":"a"}]"#,
            ),
            (r#"[{"type":"x"},{"type":"y"}]"#, r#"[{"id":0,"type":"a"},{"id":1,"type":"b"}]"#),
        ] {
            assert_eq!(set(NODE_GROUPS, two, &[(NODE_GROUPS, current)]).as_deref(), Ok(expected));
        }
        // One more than there were: its id is not made up.
        let found = set(NODE_GROUPS, two, &[(NODE_GROUPS, r#"[{"id":7,"type":"x"}]"#)]);
        assert_eq!(found, Err("some node groups missing id property".to_owned()));
    }

    #[test]
    fn all_groups_are_dedicated_if_karpenter_is_on() {
        let expected =
            "with karpenter_enabled=true, each additional node group needs \"dedicated\": true";
        let on = [("karpenter_enabled", "true")];
        let shared = r#"[{"type":"a"}]"#;
        assert_eq!(set(NODE_GROUPS, shared, &on), Err(expected.to_owned()));
        assert!(set(NODE_GROUPS, r#"[{"type":"a","label":"a","dedicated":true}]"#, &on).is_ok());
        assert!(set(BUILD_GROUPS, shared, &on).is_ok());
        let stored = [("additional_node_groups_config", shared)];
        assert_eq!(set("karpenter_enabled", "true", &stored), Err(expected.to_owned()));
    }
}
