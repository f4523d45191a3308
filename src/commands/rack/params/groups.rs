//! The groups of parameters.

use crate::error::CommandError;
use crate::flows::rack_parameter_names::has;

/// A group of parameters, of v3 racks (`snake_case`) and v2 racks (`PascalCase`).
pub(super) struct Group {
    pub(super) name: &'static str,
    about: &'static str,
    members: &'static str,
}

impl Group {
    /// Returns whether a parameter belongs to the group.
    pub(super) fn has(&self, parameter: &str) -> bool {
        has(self.members, parameter)
    }
}

/// The shortest prefix that is suggested.
const SHORTEST: usize = 3;

/// Finds a group by its name or the beginning of it, in any case.
pub(super) fn find(text: &str) -> Result<&'static Group, CommandError> {
    let wanted = text.trim().to_lowercase();
    if let Some(group) = GROUPS.iter().find(|group| group.name == wanted) {
        return Ok(group);
    }
    let begin = |groups: &'static [Group]| -> Vec<&'static Group> {
        groups.iter().filter(|group| group.name.starts_with(&wanted)).collect()
    };
    let found = if wanted.is_empty() { Vec::new() } else { begin(GROUPS) };
    // The beginnings of groups of v3 racks mean the same as in 3.x clients.
    let found = if found.is_empty() && !wanted.is_empty() { begin(V2_GROUPS) } else { found };
    match found.as_slice() {
        [group] => Ok(group),
        [] => Err(with_list(format!("group '{text}' not found"))),
        several => {
            let names: Vec<&str> = several.iter().map(|group| group.name).collect();
            let prefixes = several.iter().map(|group| format!("'{}'", shortest_prefix(group.name)));
            Err(with_list(format!(
                "group '{text}' matches multiple groups: {} (use {})",
                names.join(", "),
                alternatives(&prefixes.collect::<Vec<String>>())
            )))
        }
    }
}

/// The shortest beginning of a name that no other group has.
fn shortest_prefix(name: &str) -> &str {
    let is_unique =
        |prefix: &str| GROUPS.iter().filter(|group| group.name.starts_with(prefix)).count() == 1;
    let lengths = SHORTEST..name.len();
    lengths.map(|length| &name[..length]).find(|prefix| is_unique(prefix)).unwrap_or(name)
}

/// `a or b`, `a, b, or c`.
fn alternatives(words: &[String]) -> String {
    match words {
        [one, other] => format!("{one} or {other}"),
        [all @ .., last] if !all.is_empty() => format!("{}, or {last}", all.join(", ")),
        words => words.concat(),
    }
}

fn with_list(problem: String) -> CommandError {
    let list = |heading: &str, groups: &[Group]| {
        let rows = groups.iter().map(|Group { name, about, .. }| format!("  {name:<11}  {about}"));
        [heading.to_owned()].into_iter().chain(rows).collect::<Vec<_>>()
    };
    CommandError::new(problem)
        .with_details(list("  available groups:", GROUPS))
        .with_details(list("  on v2 racks also:", V2_GROUPS))
}

const GROUPS: &[Group] = &[
    Group {
        name: "build",
        about: "build node config, buildkit, additional build groups",
        members: "\
            BuildCpu BuildImage BuildInstance BuildInstancePolicy BuildMemory BuildMethod \
            BuildVolumeSize FargateBuildCpu FargateBuildMemory PrivateBuild \
            PruneOlderImagesCronRunFreq PruneOlderImagesInHour additional_build_groups_config \
            build_disable_convox_resolver build_node_enabled build_node_min_count \
            build_node_type buildkit_enabled buildkit_host_path_cache_enable \
            karpenter_build_capacity_types karpenter_build_consolidate_after \
            karpenter_build_cpu_limit karpenter_build_instance_families \
            karpenter_build_instance_sizes karpenter_build_memory_limit_gb \
            karpenter_build_node_labels",
    },
    Group {
        name: "cost",
        about: "cost tracking and allocation tags",
        members: "\
            cost_tracking_enable karpenter_capacity_types karpenter_consolidate_after \
            karpenter_consolidation_enabled node_capacity_type tags",
    },
    Group {
        name: "domain",
        about: "rack domain and TLS toggle",
        members: "\
            convox_domain_tls_cert_disable convox_rack_domain domain",
    },
    Group {
        name: "gpu",
        about: "GPU/NVIDIA device plugin, DCGM exporter, observability, Prometheus metrics",
        members: "\
            additional_karpenter_nodepools_config additional_node_groups_config \
            dcgm_scrape_interval gpu_metrics_max_concurrent gpu_metrics_max_pods \
            gpu_observability_chart_version gpu_observability_enable gpu_tag_enable \
            nvidia_device_plugin_enable nvidia_device_time_slicing_replicas \
            prometheus_gpu_metrics_chart_version prometheus_gpu_metrics_retention prometheus_url",
    },
    Group {
        name: "ingress",
        about: "router type (NGINX/Contour), idle timeout, TLS cert duration, Envoy resources",
        members: "\
            cert_duration contour_cpu_request contour_internal_tls contour_memory_request \
            envoy_cpu_request envoy_memory_request idle_timeout internal_router \
            nginx_additional_config nginx_image proxy_protocol router_type ssl_ciphers \
            ssl_protocols",
    },
    Group {
        name: "karpenter",
        about: "Karpenter autoscaling configuration",
        members: "\
            additional_karpenter_nodepools_config karpenter_arch karpenter_auth_mode \
            karpenter_build_capacity_types karpenter_build_consolidate_after \
            karpenter_build_cpu_limit karpenter_build_instance_families \
            karpenter_build_instance_sizes karpenter_build_memory_limit_gb \
            karpenter_build_node_labels karpenter_capacity_types karpenter_config \
            karpenter_consolidate_after karpenter_consolidation_enabled karpenter_cpu_limit \
            karpenter_disruption_budget_nodes karpenter_enabled karpenter_instance_families \
            karpenter_instance_sizes karpenter_memory_limit_gb karpenter_node_disk \
            karpenter_node_expiry karpenter_node_labels karpenter_node_taints \
            karpenter_node_volume_type keda_enable",
    },
    Group {
        name: "logging",
        about: "syslog, telemetry, fluentd, EKS audit logs, Grafana, Prometheus",
        members: "\
            LogBucket LogDriver LogRetention SyslogDestination SyslogFormat \
            access_log_retention_in_days cost_tracking_enable eks_log_types fluentd_disable \
            fluentd_memory grafana_dashboard_var_app grafana_dashboard_var_namespace \
            grafana_dashboard_var_rack grafana_dashboard_var_service grafana_url prometheus_url \
            syslog telemetry",
    },
    Group {
        name: "network",
        about: "VPC, subnets, CIDR, routing, NLB, DNS resolver",
        members: "\
            AvailabilityZones ExistingVpc HttpProxy Internal InternalOnly InternetGateway \
            MaxAvailabilityZones PlaceLambdaInVpc Private Subnet0CIDR Subnet1CIDR Subnet2CIDR \
            SubnetPrivate0CIDR SubnetPrivate1CIDR SubnetPrivate2CIDR VPCCIDR availability_zones \
            cidr deploy_extra_nlb disable_convox_resolver disable_public_access \
            eks_api_server_private_access_cidrs eks_api_server_public_access_cidrs \
            enable_private_access internal_router internet_gateway_id nlb_security_group \
            private_eks_host private_subnets_ids proxy_protocol public_subnets_ids router_type \
            vpc_id whitelist",
    },
    Group {
        name: "nlb",
        about: "NLB config: listeners, cross-zone, allow-CIDR, preserve-client-IP, deletion protection (v2 racks)",
        members: "\
            NLB NLBAllowCIDR NLBCrossZone NLBDeletionProtection NLBInternal NLBInternalAllowCIDR \
            NLBInternalCrossZone NLBInternalDeletionProtection NLBInternalPreserveClientIP \
            NLBPreserveClientIP",
    },
    Group {
        name: "nodes",
        about: "default node-group config, user-data, GPU, kubelet tuning",
        members: "\
            Ami CpuCredits DefaultAmi DefaultAmiArm InstanceBootCommand InstancePolicy \
            InstanceRunCommand InstanceType SwapSize Tenancy VolumeSize \
            additional_node_groups_config dcgm_scrape_interval gpu_metrics_max_concurrent \
            gpu_metrics_max_pods gpu_observability_chart_version gpu_observability_enable \
            gpu_tag_enable grafana_dashboard_var_app grafana_dashboard_var_namespace \
            grafana_dashboard_var_rack grafana_dashboard_var_service grafana_url \
            karpenter_node_labels karpenter_node_taints key_pair_name kubelet_registry_burst \
            kubelet_registry_pull_qps node_capacity_type node_disk \
            node_max_unavailable_percentage node_type nvidia_device_plugin_enable \
            nvidia_device_time_slicing_replicas os preemptible \
            prometheus_gpu_metrics_chart_version prometheus_gpu_metrics_retention prometheus_url \
            user_data user_data_url",
    },
    Group {
        name: "registry",
        about: "Docker Hub, ECR, image caching, storage buckets",
        members: "\
            custom_provided_bucket disable_image_manifest_cache docker_hub_password \
            docker_hub_username ecr_additional_policy_arn ecr_docker_hub_cache ecr_full_access \
            ecr_scan_on_push_enable",
    },
    Group {
        name: "retention",
        about: "release retention policy",
        members: "\
            access_log_retention_in_days release_watcher_gc_interval \
            releases_to_retain_after_active releases_to_retain_task_run_interval_hour",
    },
    Group {
        name: "scaling",
        about: "capacity counts, HA, HPA/VPA/KEDA, schedules, PDB, disruption budgets",
        members: "\
            Autoscale AutoscaleExtra HighAvailability InstanceCount InstanceUpdateBatchSize \
            NoHAAutoscaleExtra NoHaInstanceCount OnDemandMinCount ScheduleRackScaleDown \
            ScheduleRackScaleUp SpotFleetAllocationStrategy SpotFleetAllowedInstanceTypes \
            SpotFleetExcludedInstanceTypes SpotFleetMaxPrice SpotFleetMinMemoryMiB \
            SpotFleetMinOnDemandCount SpotFleetMinVcpuCount SpotFleetTargetType SpotInstanceBid \
            build_node_min_count high_availability karpenter_disruption_budget_nodes \
            karpenter_enabled keda_enable max_on_demand_count min_on_demand_count \
            node_max_unavailable_percentage pdb_default_min_available_percentage \
            schedule_rack_scale_down schedule_rack_scale_up terraform_update_timeout vpa_enable",
    },
    Group {
        name: "security",
        about: "access controls, whitelist, IAM, encryption, private EKS, IMDS, TLS, credentials",
        members: "\
            BuildInstancePolicy BuildInstanceSecurityGroup EnableContainerReadonlyRootFilesystem \
            EnableSharedEFSVolumeEncryption EncryptEbs Encryption HttpProxy \
            IMDSHttpPutResponseHopLimit IMDSHttpTokens InstancePolicy InstanceSecurityGroup \
            InstancesIpToIncludInWhiteListing Key Password PrivateApiSecurityGroup \
            RouterInternalSecurityGroup RouterSecurityGroup SslPolicy WhiteList access_id \
            disable_public_access docker_hub_password ebs_volume_encryption_enabled \
            ecr_additional_policy_arn ecr_full_access ecr_scan_on_push_enable eks_access_entries \
            eks_api_server_private_access_cidrs eks_api_server_public_access_cidrs eks_log_types \
            enable_private_access high_availability imds_http_hop_limit imds_http_tokens \
            imds_tags_enable key_pair_name nlb_security_group pod_identity_agent_enable \
            private_eks_host private_eks_pass private_eks_user secret_key ssl_ciphers \
            ssl_protocols tags token webhook_signing_key whitelist",
    },
    Group {
        name: "storage",
        about: "CSI drivers, EBS/EFS/Azure Files, registry disk",
        members: "\
            DynamoDbTableDeletionProtectionEnabled DynamoDbTablePointInTimeRecoveryEnabled \
            EnableS3Versioning EnableSharedEFSVolumeEncryption EncryptEbs \
            aws_ebs_csi_driver_version azure_files_enable ebs_volume_encryption_enabled \
            efs_csi_driver_enable efs_csi_driver_version karpenter_node_disk \
            karpenter_node_volume_type node_disk registry_disk",
    },
    Group {
        name: "versions",
        about: "K8s and managed component versions",
        members: "\
            aws_ebs_csi_driver_version coredns_version efs_csi_driver_version \
            gpu_observability_chart_version k8s_version kube_proxy_version nginx_image \
            pod_identity_agent_version prometheus_gpu_metrics_chart_version vpc_cni_version",
    },
];

/// Groups that only v2 racks have.
const V2_GROUPS: &[Group] = &[
    Group {
        name: "api",
        about: "Rack API web process config, router, ingress toggles",
        members: "\
            ApiCount ApiCpu ApiMonitorMemory ApiRouter ApiWebMemory DisableALBPort80 \
            InternalRouterSuffix LoadBalancerIdleTimeout PrivateApi RouterMitigationMode",
    },
    Group {
        name: "instances",
        about: "AMI, instance type, boot/run commands, IAM policy, volumes, tenancy",
        members: "\
            Ami CpuCredits DefaultAmi DefaultAmiArm InstanceBootCommand InstancePolicy \
            InstanceRunCommand InstanceType SwapSize Tenancy VolumeSize",
    },
    Group {
        name: "meta",
        about: "Version, development mode, telemetry, client ID, ECS tuning",
        members: "\
            ClientId Development EcsContainerStopTimeout EcsPollInterval ImagePullBehavior \
            MaintainTimerState Telemetry Version",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_found_by_its_name_or_a_unique_beginning() {
        assert_eq!(find("NLB ").unwrap().name, "nlb");
        assert_eq!(find("karp").unwrap().name, "karpenter");
        assert!(find("META").unwrap().has("EcsPollInterval"));
        assert_eq!((find("in").unwrap().name, find("ins").unwrap().name), ("ingress", "instances"));
        for (text, expected) in [
            (
                "n",
                "group 'n' matches multiple groups: network, nlb, nodes (use 'net', 'nlb', or 'nod')",
            ),
            ("re", "group 're' matches multiple groups: registry, retention (use 'reg' or 'ret')"),
            ("zzz", "group 'zzz' not found"),
            ("", "group '' not found"),
        ] {
            let error = find(text).err().unwrap();
            assert!(error.message().starts_with(expected), "{}", error.message());
        }
    }
}
