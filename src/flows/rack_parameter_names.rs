//! The names of parameters, by provider and by property. Each list is separated by blanks.

/// The parameters of racks on `aws`.
pub(crate) const AWS: &str = "\
    access_log_retention_in_days additional_build_groups_config \
    additional_karpenter_nodepools_config additional_node_groups_config api_feature_gates \
    availability_zones aws_ebs_csi_driver_version build_disable_convox_resolver \
    build_node_enabled build_node_min_count build_node_type buildkit_host_path_cache_enable \
    cert_duration cidr contour_cpu_request contour_internal_tls contour_memory_request \
    convox_domain_tls_cert_disable convox_rack_domain coredns_version cost_tracking_enable \
    custom_provided_bucket dcgm_scrape_interval deploy_extra_nlb disable_convox_resolver \
    disable_image_manifest_cache disable_public_access docker_hub_password docker_hub_username \
    ebs_volume_encryption_enabled ecr_additional_policy_arn ecr_docker_hub_cache ecr_full_access \
    ecr_scan_on_push_enable efs_csi_driver_enable efs_csi_driver_version eks_access_entries \
    eks_api_server_private_access_cidrs eks_api_server_public_access_cidrs eks_log_types \
    enable_private_access envoy_cpu_request envoy_memory_request fluentd_disable fluentd_memory \
    gpu_metrics_max_concurrent gpu_metrics_max_pods gpu_observability_chart_version \
    gpu_observability_enable gpu_tag_enable grafana_dashboard_var_app \
    grafana_dashboard_var_namespace grafana_dashboard_var_rack grafana_dashboard_var_service \
    grafana_url high_availability idle_timeout image imds_http_hop_limit imds_http_tokens \
    imds_tags_enable internal_router internet_gateway_id k8s_version karpenter_arch \
    karpenter_auth_mode karpenter_build_capacity_types karpenter_build_consolidate_after \
    karpenter_build_cpu_limit karpenter_build_instance_families karpenter_build_instance_sizes \
    karpenter_build_memory_limit_gb karpenter_build_node_labels karpenter_capacity_types \
    karpenter_config karpenter_consolidate_after karpenter_consolidation_enabled \
    karpenter_cpu_limit karpenter_disruption_budget_nodes karpenter_enabled \
    karpenter_instance_families karpenter_instance_sizes karpenter_memory_limit_gb \
    karpenter_node_disk karpenter_node_expiry karpenter_node_labels karpenter_node_taints \
    karpenter_node_volume_type keda_enable key_pair_name kube_proxy_version \
    kubelet_registry_burst kubelet_registry_pull_qps max_on_demand_count min_on_demand_count \
    name nginx_additional_config nginx_image nlb_security_group node_capacity_type node_disk \
    node_max_unavailable_percentage node_type nvidia_device_plugin_enable \
    nvidia_device_time_slicing_replicas pdb_default_min_available_percentage \
    pod_identity_agent_enable pod_identity_agent_version private private_eks_host \
    private_eks_pass private_eks_user private_subnets_ids prometheus_gpu_metrics_chart_version \
    prometheus_gpu_metrics_retention prometheus_url proxy_protocol public_subnets_ids rack_name \
    region release release_watcher_gc_interval releases_to_retain_after_active \
    releases_to_retain_task_run_interval_hour router_type schedule_rack_scale_down \
    schedule_rack_scale_up settings ssl_ciphers ssl_protocols sync_tf_now syslog tags telemetry \
    terraform_update_timeout user_data user_data_url vpa_enable vpc_cni_version vpc_id \
    webhook_signing_key whitelist";

/// The parameters of racks on `azure`.
pub(crate) const AZURE: &str = "\
    additional_build_groups_config additional_node_groups_config azure_files_enable \
    cert_duration docker_hub_password docker_hub_username fluentd_memory high_availability \
    idle_timeout image k8s_version max_on_demand_count min_on_demand_count name \
    nginx_additional_config nginx_image node_disk node_type nvidia_device_plugin_enable \
    nvidia_device_time_slicing_replicas pdb_default_min_available_percentage rack_name region \
    release settings ssl_ciphers ssl_protocols sync_tf_now syslog tags telemetry \
    terraform_update_timeout webhook_signing_key whitelist";

/// The parameters of racks on `gcp`.
pub(crate) const GCP: &str = "\
    buildkit_enabled cert_duration docker_hub_password docker_hub_username fluentd_memory image \
    k8s_version name nginx_additional_config node_disk node_type preemptible rack_name region \
    release settings sync_tf_now syslog telemetry terraform_update_timeout webhook_signing_key \
    whitelist";

/// The parameters of racks on `do`.
pub(crate) const DIGITAL_OCEAN: &str = "\
    access_id buildkit_enabled cert_duration docker_hub_password docker_hub_username \
    fluentd_memory high_availability image k8s_version name node_type rack_name region \
    registry_disk release secret_key settings sync_tf_now syslog telemetry \
    terraform_update_timeout token webhook_signing_key whitelist";

/// The parameters of racks on `metal`.
pub(crate) const METAL: &str = "\
    docker_hub_password docker_hub_username domain fluentd_memory image name rack_name \
    registry_disk release sync_tf_now syslog webhook_signing_key whitelist";

/// The parameters of racks on `local`.
pub(crate) const LOCAL: &str = "\
    docker_hub_password docker_hub_username image name os rack_name release settings sync_tf_now \
    telemetry webhook_signing_key";

/// Set by updates of the rack; refused without `--force`.
pub(crate) const MANAGED: &str = "\
    aws_ebs_csi_driver_version coredns_version disable_public_access efs_csi_driver_version \
    eks_api_server_public_access_cidrs enable_private_access image k8s_version \
    kube_proxy_version name nginx_image pod_identity_agent_version rack_name release settings \
    vpc_cni_version";

/// Stored as `true` or `false`.
pub(crate) const BOOLEAN: &str = "\
    azure_files_enable build_disable_convox_resolver build_node_enabled \
    buildkit_host_path_cache_enable contour_internal_tls convox_domain_tls_cert_disable \
    cost_tracking_enable deploy_extra_nlb disable_convox_resolver disable_image_manifest_cache \
    disable_public_access ebs_volume_encryption_enabled ecr_docker_hub_cache ecr_full_access \
    ecr_scan_on_push_enable efs_csi_driver_enable enable_private_access fluentd_disable \
    gpu_observability_enable gpu_tag_enable imds_tags_enable internal_router \
    karpenter_consolidation_enabled keda_enable pod_identity_agent_enable telemetry vpa_enable";

/// Masked on terminals.
pub(crate) const SENSITIVE: &str = "\
    HttpProxy Password access_id docker_hub_password private_eks_host private_eks_pass \
    private_eks_user secret_key token webhook_signing_key";

/// May have an empty value.
pub(crate) const CLEARABLE: &str = "\
    additional_build_groups_config additional_karpenter_nodepools_config \
    additional_node_groups_config api_feature_gates build_node_type contour_cpu_request \
    contour_memory_request convox_rack_domain dcgm_scrape_interval docker_hub_password \
    docker_hub_username ecr_additional_policy_arn eks_api_server_private_access_cidrs \
    eks_log_types envoy_cpu_request envoy_memory_request gpu_metrics_max_concurrent \
    gpu_metrics_max_pods gpu_observability_chart_version grafana_dashboard_var_app \
    grafana_dashboard_var_namespace grafana_dashboard_var_rack grafana_dashboard_var_service \
    grafana_url karpenter_build_instance_families karpenter_build_instance_sizes \
    karpenter_build_node_labels karpenter_config karpenter_instance_families \
    karpenter_instance_sizes karpenter_node_labels karpenter_node_taints key_pair_name \
    nginx_additional_config private_eks_host private_eks_pass private_eks_user \
    prometheus_gpu_metrics_chart_version prometheus_gpu_metrics_retention prometheus_url \
    release_watcher_gc_interval schedule_rack_scale_down schedule_rack_scale_up ssl_ciphers \
    ssl_protocols syslog tags user_data user_data_url";

/// Set when a rack is installed, and never after.
pub(crate) const INSTALL_ONLY: &str = "\
    high_availability private cidr vpc_id internet_gateway_id private_subnets_ids \
    public_subnets_ids availability_zones region access_id secret_key token";

/// Returns whether a list has a name.
pub(crate) fn has(list: &str, name: &str) -> bool {
    list.split_whitespace().any(|listed| listed == name)
}

/// The parameters of a provider; `None` for an unknown one.
pub(crate) fn of_provider(provider: &str) -> Option<&'static str> {
    Some(match provider {
        "aws" => AWS,
        "azure" => AZURE,
        "gcp" => GCP,
        "do" => DIGITAL_OCEAN,
        "metal" => METAL,
        "local" => LOCAL,
        _ => return None,
    })
}
