//! `additional_karpenter_nodepools_config`.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::super::values::{
    ARCHITECTURES, CAPACITY_TYPES, POOL_LABEL, all_of, ensure, is_digits, pairs, taints,
};
use super::{encode, label_of_the_rack, no_others, parse};

/// The names of pools that racks have by themselves.
const RESERVED: [&str; 4] = ["workload", "build", "default", "system"];

/// The longest name, as Kubernetes allows it for a label.
const LONGEST: usize = 63;

/// A pool of nodes that Karpenter manages.
#[derive(Debug, Deserialize, Serialize)]
struct NodePool {
    #[serde(default)]
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance_families: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance_sizes: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    capacity_types: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    arch: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu_limit: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_limit_gb: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    consolidation_policy: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    consolidate_after: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    node_expiry: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disruption_budget_nodes: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disk: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    volume_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    labels: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    taints: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dedicated: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    weight: Option<i64>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

/// Checks pools, and returns them sorted by name.
pub(super) fn check(name: &str, document: &[u8], force: bool) -> Result<Vec<u8>, String> {
    let mut pools: Vec<NodePool> = parse(name, document)?;
    let mut names = BTreeSet::new();
    for pool in &pools {
        pool.check_name()?;
        let checked = pool.check_nodes().and_then(|()| pool.check_life());
        let checked = checked.and_then(|()| pool.check_marks());
        checked
            .and_then(|()| no_others(&pool.others, force))
            .map_err(|problem| format!("karpenter nodepool '{}': {problem}", pool.name))?;
        ensure(names.insert(pool.name.clone()), || {
            format!("karpenter nodepool '{}': another one has the same name", pool.name)
        })?;
    }
    pools.sort_by(|one, other| one.name.cmp(&other.name));
    encode(name, &pools)
}

impl NodePool {
    fn check_name(&self) -> Result<(), String> {
        let name = &self.name;
        ensure(!name.is_empty(), || "karpenter nodepool '': the name is missing".to_owned())?;
        let is_inner =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let is_name = name.starts_with(|first: char| first.is_ascii_lowercase())
            && name.bytes().all(is_inner)
            && name.len() <= LONGEST;
        ensure(is_name, || {
            format!(
                "karpenter nodepool '{name}': the name must begin with a lowercase letter and have \
                 only lowercase letters, digits and dashes, at most {LONGEST}"
            )
        })?;
        ensure(!RESERVED.contains(&name.as_str()), || {
            format!("karpenter nodepool '{name}': the name is reserved")
        })
    }

    /// What its nodes are.
    fn check_nodes(&self) -> Result<(), String> {
        check_field(&self.capacity_types, |list| {
            all_of(list, &CAPACITY_TYPES, |one| {
                format!("'{one}' in capacity_types is neither on-demand nor spot")
            })
        })?;
        check_field(&self.arch, |list| {
            all_of(list, &ARCHITECTURES, |one| {
                format!("'{one}' in arch is neither amd64 nor arm64")
            })
        })?;
        for (name, limit) in
            [("cpu_limit", self.cpu_limit), ("memory_limit_gb", self.memory_limit_gb)]
        {
            ensure(limit.is_none_or(|limit| limit > 0), || format!("{name} is less than 1"))?;
        }
        check_field(&self.volume_type, |kind| {
            ensure(matches!(kind, "gp2" | "gp3" | "io1" | "io2"), || {
                "expected gp2, gp3, io1 or io2 as volume_type".to_owned()
            })
        })?;
        ensure(self.disk.is_none_or(|disk| disk >= 0), || "disk is less than 0".to_owned())?;
        ensure(self.weight.is_none_or(|weight| (0..=100).contains(&weight)), || {
            "weight is not from 0 to 100".to_owned()
        })
    }

    /// How long they live.
    fn check_life(&self) -> Result<(), String> {
        check_field(&self.consolidation_policy, |policy| {
            ensure(matches!(policy, "WhenEmpty" | "WhenEmptyOrUnderutilized"), || {
                "expected WhenEmpty or WhenEmptyOrUnderutilized as consolidation_policy".to_owned()
            })
        })?;
        check_field(&self.consolidate_after, |time| {
            ensure(is_digits(time, &["s", "m", "h"]), || {
                "expected a time such as 30s, 5m or 1h as consolidate_after".to_owned()
            })
        })?;
        check_field(&self.node_expiry, |time| {
            ensure(time == "Never" || is_digits(time, &["h"]), || {
                "expected a time such as 720h, or Never, as node_expiry".to_owned()
            })
        })?;
        check_field(&self.disruption_budget_nodes, |nodes| {
            ensure(is_digits(nodes, &["%", ""]), || {
                "expected a number or a percentage as disruption_budget_nodes".to_owned()
            })
        })
    }

    /// How pods find them.
    fn check_marks(&self) -> Result<(), String> {
        if let Some(labels) = self.labels.as_deref().filter(|labels| !labels.is_empty()) {
            check_labels(labels)?;
        }
        match self.taints.as_deref().filter(|taints| !taints.is_empty()) {
            Some(list) => taints(list).map_err(|problem| problem.in_document()),
            None => Ok(()),
        }
    }
}

fn check_labels(labels: &str) -> Result<(), String> {
    ensure(!labels.contains('"'), || {
        "label keys and values must not contain double quotes".to_owned()
    })?;
    let form = || format!("expected labels such as 'key=value,key=value' (got '{labels}')");
    for (key, value) in pairs(labels).ok_or_else(form)? {
        ensure(!key.trim().is_empty() && !value.is_empty(), form)?;
        ensure(key.trim() != POOL_LABEL, label_of_the_rack)?;
    }
    Ok(())
}

/// Checks a field, if it is there.
fn check_field(
    field: &Option<String>,
    check: impl Fn(&str) -> Result<(), String>,
) -> Result<(), String> {
    field.as_deref().map_or(Ok(()), check)
}

#[cfg(test)]
mod tests {
    use super::super::NODE_POOLS;
    use super::super::tests::set;

    #[test]
    fn names_are_checked() {
        for (pools, expected) in [
            (r#"{}"#, "karpenter nodepool '': the name is missing"),
            (r#"{"name":"A"}"#, "karpenter nodepool 'A': the name must begin with a lowercase"),
            (r#"{"name":"build"}"#, "karpenter nodepool 'build': the name is reserved"),
            (
                r#"{"name":"a"},{"name":"a"}"#,
                "karpenter nodepool 'a': another one has the same name",
            ),
        ] {
            let found = set(NODE_POOLS, &format!("[{pools}]"), &[]).unwrap_err();
            assert!(found.starts_with(expected), "{found}");
        }
        let long = "a".repeat(64);
        assert!(set(NODE_POOLS, &format!(r#"[{{"name":"{long}"}}]"#), &[]).is_err());
        assert!(set(NODE_POOLS, &format!(r#"[{{"name":"{}"}}]"#, &long[1..]), &[]).is_ok());
    }

    #[test]
    fn pools_are_checked() {
        for (field, expected) in [
            (r#""capacity_types":"on-demand,x""#, "'x' in capacity_types is neither on-demand"),
            (r#""arch":"mips""#, "'mips' in arch is neither amd64 nor arm64"),
            (r#""cpu_limit":0"#, "cpu_limit is less than 1"),
            (r#""memory_limit_gb":-1"#, "memory_limit_gb is less than 1"),
            (r#""consolidation_policy":"Never""#, "expected WhenEmpty or"),
            (r#""consolidate_after":"1d""#, "expected a time such as 30s"),
            (r#""node_expiry":"30m""#, "expected a time such as 720h, or Never, as node_expiry"),
            (r#""disruption_budget_nodes":"a""#, "expected a number or"),
            (r#""disk":-1"#, "disk is less than 0"),
            (r#""volume_type":"st1""#, "expected gp2, gp3, io1 or io2 as volume_type"),
            (r#""labels":"a""#, "expected labels such as 'key=value"),
            (r#""labels":"a=\"b\"""#, "label keys and values must not contain double quotes"),
            (r#""labels":"convox.io/nodepool=b""#, "the label 'convox.io/nodepool' is set"),
            (r#""taints":"a=\"b\":NoSchedule""#, "taint keys and values must not contain double"),
            (r#""taints":"a""#, "invalid taint 'a', use format key=value:Effect or key:Effect"),
            (r#""taints":"a:Never""#, "invalid taint effect 'Never' (must be NoSchedule"),
            (r#""weight":101"#, "weight is not from 0 to 100"),
            (r#""wieght":1"#, "unknown field 'wieght' (use --force to set it)"),
        ] {
            let found = set(NODE_POOLS, &format!(r#"[{{"name":"a",{field}}}]"#), &[]).unwrap_err();
            let expected = format!("karpenter nodepool 'a': {expected}");
            assert!(found.starts_with(&expected), "{found}");
        }
    }

    #[test]
    fn good_pools_are_stored_sorted_by_name() {
        let pools = r#"[{"name":"b","weight":100,"disk":0},{"name":"a-1","arch":"amd64, arm64",
            "capacity_types":"spot","cpu_limit":1,"consolidation_policy":"WhenEmpty",
            "consolidate_after":"30s","node_expiry":"Never","disruption_budget_nodes":"10%",
            "labels":"a=b","taints":"a:NoExecute","dedicated":true}]"#;
        let expected = r#"[{"name":"a-1","capacity_types":"spot","arch":"amd64, arm64","cpu_limit":1,"consolidation_policy":"WhenEmpty","consolidate_after":"30s","node_expiry":"Never","disruption_budget_nodes":"10%","labels":"a=b","taints":"a:NoExecute","dedicated":true},{"name":"b","disk":0,"weight":100}]"#;
        assert_eq!(set(NODE_POOLS, pools, &[]).as_deref(), Ok(expected));
    }
}
