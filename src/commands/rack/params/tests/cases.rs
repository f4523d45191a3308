//! A right value, a wrong one and its message for each step of the table.

/// A step, what a rack has, values that are right, values that are wrong, and the message.
pub(super) type Case = (u8, &'static str, &'static str, &'static str, &'static str);

/// Steps with what a rack has, values that are right, values that are wrong, and the message.
pub(super) const CASES: &[Case] = &[
    (1, "", "idle_timeout=1", "cidr=1", "param 'cidr' can only be set during rack installation"),
    (1, "", "idle_timeout=1", "token=1", "param 'token' can only be set during rack installation"),
    (
        3,
        "",
        "idle_timeout=1",
        "monitoring_metrics_provisioned=true",
        "param 'monitoring_metrics_provisioned' was removed in 3.24.6; monitoring is now \
         Convox-Console-driven (Convox Console → Rack Settings → Dashboard Settings → Enable Metrics \
         Agent)",
    ),
    (
        4,
        "",
        "idle_timeout=1",
        "k8s_version=1.33",
        "param 'k8s_version' is managed internally — to update it use 'convox rack update'. Use \
         --force to override",
    ),
    (
        5,
        "",
        "node_type=x",
        "node_tipe=x",
        "unknown parameter 'node_tipe' for aws provider\n       Did you mean 'node_type'?",
    ),
    (5, "", "node_type=x", "no_such_thing=x", "unknown parameter 'no_such_thing' for aws provider"),
    (
        6,
        "",
        "tags=",
        "idle_timeout=",
        "param 'idle_timeout' requires an explicit value (omit to keep current)",
    ),
    (
        7,
        "",
        "schedule_rack_scale_down=1 schedule_rack_scale_up=2",
        "schedule_rack_scale_down=1",
        "to schedule your rack to turn on/off you need both schedule_rack_scale_down and \
         schedule_rack_scale_up parameters",
    ),
    (8, "", "tags=a=1,b=", "tags=a=1,b", "invalid value for tags param"),
    (
        9,
        "",
        "terraform_update_timeout=2h30m",
        "terraform_update_timeout=2",
        "invalid value for terraform_update_timeout: must be a valid duration (e.g., '2h', '90m', \
         '2h30m'): not a duration: a number and a unit is expected, for example 90s, 20m or 1h30m",
    ),
    (
        9,
        "",
        "terraform_update_timeout=1s",
        "terraform_update_timeout=-5m",
        "invalid value for terraform_update_timeout: must be a positive duration",
    ),
    (
        10,
        "",
        "imds_http_tokens=required",
        "imds_http_tokens=x",
        "param 'imds_http_tokens' must be 'optional' or 'required'",
    ),
    (
        11,
        "",
        "node_capacity_type=Mixed",
        "node_capacity_type=x",
        "param 'node_capacity_type' must be 'on_demand', 'spot', or 'mixed'",
    ),
    (
        12,
        "",
        "fluentd_memory=1.5Gi contour_cpu_request=100m envoy_cpu_request=2",
        "envoy_memory_request=1GiB",
        "param 'envoy_memory_request' must be a Kubernetes resource quantity (e.g., '100m', '256Mi', \
         '1Gi')",
    ),
    (
        13,
        "",
        "router_type=Contour",
        "router_type=x",
        "param 'router_type' must be 'nginx' or 'contour'",
    ),
    (
        15,
        "",
        "access_log_retention_in_days=7",
        "access_log_retention_in_days=7.5",
        "param 'access_log_retention_in_days' must be an integer",
    ),
    (
        17,
        "",
        "eks_access_entries=true karpenter_auth_mode=false",
        "karpenter_enabled=1",
        "param 'karpenter_enabled' must be 'true' or 'false'",
    ),
    (
        18,
        "karpenter_auth_mode=true",
        "karpenter_auth_mode=true eks_access_entries=false",
        "karpenter_auth_mode=false",
        "karpenter_auth_mode cannot be disabled once enabled (AWS EKS access config migration is \
         one-way)",
    ),
    (
        18,
        "eks_access_entries=true",
        "eks_access_entries=true",
        "eks_access_entries=false",
        "eks_access_entries cannot be disabled once enabled (AWS EKS access config migration is \
         one-way)",
    ),
    (
        19,
        "",
        "karpenter_enabled=true karpenter_auth_mode=true",
        "karpenter_enabled=true",
        "karpenter_enabled=true requires karpenter_auth_mode=true.",
    ),
    (
        20,
        "karpenter_auth_mode=true node_capacity_type=spot",
        "karpenter_enabled=true node_capacity_type=ON_DEMAND",
        "karpenter_enabled=true",
        "karpenter_enabled=true requires node_capacity_type=ON_DEMAND to prevent a node\n  \
         scheduling deadlock during node group replacement.",
    ),
    (
        21,
        "karpenter_enabled=true",
        "node_capacity_type=on_demand",
        "node_capacity_type=spot",
        "node_capacity_type cannot be set to spot while Karpenter is enabled.",
    ),
    (
        22,
        "karpenter_auth_mode=true high_availability=false",
        "karpenter_enabled=true idle_timeout=60",
        "karpenter_enabled=true key_pair_name=x imds_http_tokens=required",
        "cannot change launch template settings in the same call as karpenter_enabled=true on a rack \
         without high availability:\n  imds_http_tokens\n  key_pair_name",
    ),
    (
        23,
        "",
        "gpu_observability_enable=true nvidia_device_plugin_enable=true",
        "gpu_observability_enable=true",
        "gpu_observability_enable=true requires nvidia_device_plugin_enable=true.",
    ),
    (
        24,
        "docker_hub_username=me",
        "ecr_docker_hub_cache=true docker_hub_password=x",
        "ecr_docker_hub_cache=true",
        "ecr_docker_hub_cache=true requires docker_hub_username and docker_hub_password.",
    ),
    (
        25,
        "",
        "karpenter_node_volume_type=io2",
        "karpenter_node_volume_type=st1",
        "param 'karpenter_node_volume_type' must be gp2, gp3, io1, or io2",
    ),
    (
        26,
        "",
        "karpenter_arch=amd64,arm64",
        "karpenter_arch=amd64,mips",
        "invalid karpenter architecture: mips (must be amd64 or arm64)",
    ),
    (
        27,
        "",
        "telemetry=T",
        "telemetry=yes",
        "param 'telemetry' must be 'true' or 'false' (got \"yes\")",
    ),
    (
        28,
        "",
        "karpenter_capacity_types=spot,on-demand",
        "karpenter_capacity_types=x",
        "invalid karpenter capacity type: x (must be on-demand or spot)",
    ),
    (
        28,
        "",
        "karpenter_build_capacity_types=spot",
        "karpenter_build_capacity_types=x",
        "invalid karpenter build capacity type: x (must be on-demand or spot)",
    ),
    (
        29,
        "",
        "karpenter_cpu_limit=1 karpenter_build_cpu_limit=2 karpenter_memory_limit_gb=3",
        "karpenter_build_memory_limit_gb=0",
        "karpenter_build_memory_limit_gb must be a positive integer",
    ),
    (
        30,
        "",
        "karpenter_consolidate_after=30s",
        "karpenter_build_consolidate_after=1h30m",
        "karpenter_build_consolidate_after must be a duration like 30s, 5m, or 1h",
    ),
    (
        31,
        "",
        "karpenter_node_expiry=Never",
        "karpenter_node_expiry=30m",
        "karpenter_node_expiry must be a duration like 720h or Never",
    ),
    (
        32,
        "",
        "karpenter_disruption_budget_nodes=10%",
        "karpenter_disruption_budget_nodes=%",
        "karpenter_disruption_budget_nodes must be a number or percentage (e.g. 10%)",
    ),
    (
        33,
        "",
        "karpenter_node_taints=a=b:NoSchedule,c:NoExecute",
        "karpenter_node_taints=a=\"b\":NoSchedule",
        "karpenter_node_taints: taint keys and values must not contain double quotes",
    ),
    (
        33,
        "",
        "karpenter_node_taints=a:PreferNoSchedule",
        "karpenter_node_taints=a",
        "invalid karpenter_node_taints entry 'a', use format key=value:Effect or key:Effect",
    ),
    (
        33,
        "",
        "karpenter_node_taints=",
        "karpenter_node_taints=a:Never",
        "invalid karpenter_node_taints effect 'Never' (must be NoSchedule, PreferNoSchedule, or \
         NoExecute)",
    ),
    (
        34,
        "",
        "karpenter_node_labels=a=b,convox-build=x",
        "karpenter_node_labels=a=b,convox.io/nodepool=x",
        "karpenter_node_labels: 'convox.io/nodepool' is a Convox-reserved label key and cannot be \
         overridden",
    ),
    (
        34,
        "",
        "karpenter_build_node_labels=a=b",
        "karpenter_build_node_labels=convox-build=x",
        "karpenter_build_node_labels: 'convox-build' is a Convox-reserved label key and cannot be \
         overridden",
    ),
    (
        34,
        "",
        "karpenter_build_node_labels=",
        "karpenter_build_node_labels=a=\"b\"",
        "karpenter_build_node_labels: label keys and values must not contain double quotes",
    ),
    (
        35,
        "",
        "additional_node_groups_config=[{\"type\":\"a\"}]",
        "additional_node_groups_config=x.json",
        "invalid param 'additional_node_groups_config' value, failed to read the file: no such file",
    ),
    (
        36,
        "",
        "prometheus_url=https://8.8.8.8",
        "prometheus_url=https://10.0.0.1",
        "prometheus_url: 10.0.0.1 is not a public address; see \
         docs/configuration/rack-parameters/aws/prometheus_url.md for the in-cluster \
         .svc.cluster.local recipe",
    ),
    (
        37,
        "",
        "dcgm_scrape_interval=15s",
        "dcgm_scrape_interval=14s",
        "dcgm_scrape_interval: must be between 15s and 300s (got 14s)",
    ),
    (
        37,
        "",
        "release_watcher_gc_interval=1h",
        "release_watcher_gc_interval=61m",
        "release_watcher_gc_interval: must be between 60s and 1h (got 61m)",
    ),
    (
        37,
        "",
        "release_watcher_gc_interval=",
        "release_watcher_gc_interval=x",
        "release_watcher_gc_interval: must be a valid duration (e.g. 5m, 1h): not a duration: a \
         number and a unit is expected, for example 90s, 20m or 1h30m",
    ),
    (
        38,
        "",
        "gpu_metrics_max_pods=500",
        "gpu_metrics_max_pods=501",
        "gpu_metrics_max_pods: must be at most 500 (got 501)",
    ),
    (
        38,
        "",
        "gpu_metrics_max_concurrent=50",
        "gpu_metrics_max_concurrent=51",
        "gpu_metrics_max_concurrent: must be at most 50 (got 51)",
    ),
    (
        38,
        "",
        "gpu_metrics_max_pods=1",
        "gpu_metrics_max_pods=0",
        "gpu_metrics_max_pods: must be a positive integer (got \"0\")",
    ),
    (
        39,
        "",
        "grafana_dashboard_var_app=a_1",
        "grafana_dashboard_var_app=a-1",
        "grafana_dashboard_var_app: must contain only letters, digits, and underscore (got \"a-1\")",
    ),
];
