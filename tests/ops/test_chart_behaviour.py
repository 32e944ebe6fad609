"""What the objects say, for the things that an operator would find out about at night."""

import ipaddress
import re

import pytest
import yaml

from tests.ops.chart import Chart, Object, environment, of_kind, pod_specs, the
from tests.ops.conftest import ROOT

SPLIT = ROOT / "helm" / "ci" / "split-values.yaml"
SIDECAR = ROOT / "helm" / "ci" / "sidecar-values.yaml"
EXISTING = ROOT / "helm" / "ci" / "existing-values.yaml"
SCALING: dict[str, object] = {"autoscaling.prometheusUrl": "http://prometheus:9090", "all.autoscaling.enabled": True}


def main_container(workload: Object) -> Object:
    found: Object = workload["spec"]["template"]["spec"]["containers"][0]
    return found


def settings_of(objects: list[Object]) -> Object:
    (data,) = [found["data"] for found in of_kind(objects, "ConfigMap") if "postback.yaml" in found["data"]]
    parsed: Object = yaml.safe_load(data["postback.yaml"])
    return parsed


def test_one_workload_does_both_stages_by_default(chart: Chart) -> None:
    (workload,) = of_kind(chart.render(), "Deployment")

    assert main_container(workload)["args"] == ["run", "--role", "all"]


def test_in_mode_split_each_stage_has_a_workload_and_replicas_of_its_own(chart: Chart) -> None:
    workloads = of_kind(chart.render(put={"mode": "split", "ingest.replicas": 1, "dispatch.replicas": 5}), "Deployment")

    assert {found["metadata"]["name"]: found["spec"]["replicas"] for found in workloads} == {
        "pb-postback-consumer-ingest": 1,
        "pb-postback-consumer-dispatch": 5,
    }
    assert [main_container(found)["args"][-1] for found in workloads] == ["ingest", "dispatch"]


def test_selectors_of_two_workloads_do_not_overlap_and_match_their_own_pods(chart: Chart) -> None:
    workloads = of_kind(chart.render(put={"mode": "split"}), "Deployment")

    selectors = [found["spec"]["selector"]["matchLabels"] for found in workloads]
    assert selectors[0] != selectors[1]
    for found, selector in zip(workloads, selectors, strict=True):
        assert selector.items() <= found["spec"]["template"]["metadata"]["labels"].items()


def test_pods_of_hooks_are_behind_no_selector_but_the_network_policys(chart: Chart) -> None:
    objects = chart.render(put={"topicsJob.enabled": True})
    hooks = [the(objects, "Job")["spec"]["template"]["metadata"]["labels"], the(objects, "Pod")["metadata"]["labels"]]

    for labels in hooks:
        assert not the(objects, "Service")["spec"]["selector"].items() <= labels.items()
        policy = the(objects, "NetworkPolicy")["spec"]["podSelector"]
        assert policy["matchLabels"].items() <= labels.items()
        assert labels["app.kubernetes.io/name"] in policy["matchExpressions"][0]["values"]


def test_changed_settings_roll_the_pods_and_changed_profiles_do_not(chart: Chart) -> None:
    profile = {"type": "postback", "postback_url": "https://example.com", "fields": [], "routing": []}

    def annotations(put: dict[str, object]) -> object:
        return the(chart.render(put=put), "Deployment")["spec"]["template"]["metadata"]["annotations"]

    assert annotations({}) != annotations({"settings.tick_minutes": 5})
    assert annotations({}) == annotations({"profiles.values": {"a": profile}})


def test_settings_profiles_and_secrets_are_mounted_as_folders_so_that_changes_arrive(chart: Chart) -> None:
    mounts = [
        mount
        for pod in pod_specs(chart.render(SPLIT)).values()
        for c in pod["containers"]
        for mount in c["volumeMounts"]
    ]

    assert mounts
    assert [mount for mount in mounts if "subPath" in mount] == []


def test_only_tmp_and_a_sidecars_folder_can_be_written_to(chart: Chart) -> None:
    pod = the(chart.render(SIDECAR), "Deployment")["spec"]["template"]["spec"]

    writable = {mount["name"] for mount in pod["containers"][0]["volumeMounts"] if not mount.get("readOnly")}
    assert writable == {"tmp", "extra"}
    assert {volume["name"] for volume in pod["volumes"] if "emptyDir" in volume} == {"tmp", "profiles", "extra"}


def test_no_pod_gets_variables_of_services_or_a_token(chart: Chart) -> None:
    pods = pod_specs(chart.render(SPLIT))

    assert len(pods) == 4
    assert {(pod["enableServiceLinks"], pod["automountServiceAccountToken"]) for pod in pods.values()} == {
        (False, False)
    }


def test_profiles_come_as_they_were_written_and_are_named_after_their_key(chart: Chart) -> None:
    given = yaml.safe_load(SPLIT.read_text())["profiles"]["values"]
    data = the(chart.render(SPLIT, hooks=False), "ConfigMap", ends="-profiles")["data"]

    assert {name: yaml.safe_load(text) for name, text in data.items()} == {
        f"{key}.yaml": profile | {"name": key} for key, profile in given.items()
    }


def test_profiles_of_an_existing_config_map_are_mounted_and_none_is_made(chart: Chart) -> None:
    objects = chart.render(EXISTING)

    volumes = the(objects, "Deployment")["spec"]["template"]["spec"]["volumes"]
    assert {"name": "profiles", "configMap": {"name": "crm-profiles"}} in volumes
    assert [found for found in of_kind(objects, "ConfigMap") if found["metadata"]["name"].endswith("profiles")] == []


def test_a_sidecar_fills_the_folder_that_the_service_reads_and_outlives_it(chart: Chart) -> None:
    objects = chart.render(SIDECAR)
    (sidecar,) = the(objects, "Deployment")["spec"]["template"]["spec"]["initContainers"]

    assert sidecar["restartPolicy"] == "Always"
    assert {"name": "profiles", "mountPath": "/profiles"} in sidecar["volumeMounts"]
    assert settings_of(objects)["profiles"] == "/profiles/current/profiles"


def test_large_numbers_reach_the_settings_as_whole_numbers(chart: Chart) -> None:
    objects = chart.render(
        put={"settings.http": {"max_in_flight": 10000000}, "settings.kafka.client": {"a.b": 10000000}}
    )

    assert settings_of(objects)["http"]["max_in_flight"] == 10000000
    assert settings_of(objects)["kafka"]["client"] == {"a.b": 10000000}


def test_kafkas_and_the_registrys_secrets_are_read_from_mounted_files(chart: Chart) -> None:
    objects = chart.render(SPLIT, hooks=False)
    pod = the(objects, "StatefulSet", ends="dispatch")["spec"]["template"]["spec"]
    settings = settings_of(objects)

    assert settings["kafka"]["client"] == {
        "client.id": "postback",
        "group.instance.id": "${env:POD_NAME}",
        "message.max.bytes": 10000000,
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.password": "${file:/kafka-sasl/password}",
        "sasl.username": "${file:/kafka-sasl/username}",
        "security.protocol": "SASL_SSL",
        "ssl.ca.location": "/kafka-tls/ca.crt",
        "ssl.certificate.location": "/kafka-tls/tls.crt",
        "ssl.key.location": "/kafka-tls/tls.key",
    }
    assert settings["schemas"]["registry_password"] == "${file:/registry/password}"
    secrets = {volume["name"]: volume["secret"]["secretName"] for volume in pod["volumes"] if "secret" in volume}
    mounts = {mount["mountPath"]: secrets.get(mount["name"]) for mount in pod["containers"][0]["volumeMounts"]}
    assert [mounts["/kafka-sasl"], mounts["/kafka-tls"], mounts["/registry"]] == [
        "postback-kafka",
        "postback-kafka-tls",
        "postback-registry",
    ]


def test_what_the_operator_says_of_the_kafka_client_wins(chart: Chart) -> None:
    put: dict[str, object] = {"settings.kafka.client": {"security.protocol": "PLAINTEXT"}, "kafka.tls.enabled": True}

    assert settings_of(chart.render(put=put, hooks=False))["kafka"]["client"] == {"security.protocol": "PLAINTEXT"}


def test_every_variable_that_the_settings_ask_for_is_there(chart: Chart) -> None:
    objects = chart.render(SPLIT)
    asked = set(re.findall(r"\$\{env:(\w+)\}", yaml.safe_dump(of_kind(objects, "ConfigMap"))))

    assert asked == {"POD_NAME", "CALL_CENTER_TOKEN"}
    for pod in pod_specs(objects).values():
        assert all(asked <= set(environment(container)) for container in pod["containers"])


def test_the_chart_makes_no_secret(chart: Chart) -> None:
    assert of_kind(chart.render(SPLIT), "Secret") == []


def test_static_members_are_pods_of_a_stateful_set_named_after_themselves(chart: Chart) -> None:
    objects = chart.render(put={"staticMembership": True})
    workload = the(objects, "StatefulSet")

    assert of_kind(objects, "Deployment") == []
    assert workload["spec"]["serviceName"] == the(objects, "Service")["metadata"]["name"]
    assert settings_of(objects)["kafka"]["client"] == {"group.instance.id": "${env:POD_NAME}"}
    assert environment(main_container(workload))["POD_NAME"]["valueFrom"] == {
        "fieldRef": {"fieldPath": "metadata.name"}
    }


def test_the_topics_job_brings_its_settings_and_profiles_along_and_needs_no_account(chart: Chart) -> None:
    objects = chart.render(SPLIT)
    job = the(objects, "Job")
    pod = job["spec"]["template"]["spec"]

    assert pod["containers"][0]["args"] == ["topics", "create"]
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    brought = {volume["configMap"]["name"] for volume in pod["volumes"] if "configMap" in volume}
    earlier = {found["metadata"]["name"] for found in of_kind(objects, "ConfigMap") if _weight(found) < _weight(job)}
    assert brought == earlier
    assert pod["serviceAccountName"] == "default"


def _weight(found: Object) -> int:
    return int(found["metadata"].get("annotations", {}).get("helm.sh/hook-weight", 100))


def test_a_lone_pod_has_no_disruption_budget_that_would_stop_every_drain(chart: Chart) -> None:
    assert of_kind(chart.render(put={"all.replicas": 1}), "PodDisruptionBudget") == []
    assert len(of_kind(chart.render(), "PodDisruptionBudget")) == 1


def test_an_upgrade_takes_no_pod_away_before_its_successor_is_in_the_group(chart: Chart) -> None:
    workload = the(chart.render(), "Deployment")

    assert workload["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    assert main_container(workload)["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert main_container(workload)["livenessProbe"]["httpGet"]["path"] == "/healthz"


def test_pods_that_are_recreated_have_no_other_strategy(chart: Chart) -> None:
    workload = the(chart.render(put={"strategy.type": "Recreate"}), "Deployment")

    assert workload["spec"]["strategy"] == {"type": "Recreate"}


def test_an_operators_annotations_are_beside_those_of_the_chart(chart: Chart) -> None:
    given = {"checksum/settings": "mine", "kubectl.kubernetes.io/default-container": "mine", "a": "b"}

    annotations = the(chart.render(put={"podAnnotations": given}), "Deployment")["spec"]["template"]["metadata"][
        "annotations"
    ]

    assert annotations == given | {"checksum/settings": annotations["checksum/settings"]}
    assert len(annotations["checksum/settings"]) == 64


def test_the_port_follows_the_settings(chart: Chart) -> None:
    objects = chart.render(EXISTING)

    assert main_container(the(objects, "Deployment"))["ports"] == [{"name": "metrics", "containerPort": 8080}]
    assert the(objects, "Service")["spec"]["ports"][0]["port"] == 8080


def test_receivers_are_public_addresses_and_those_that_the_settings_allow(chart: Chart) -> None:
    rules = the(chart.render(SIDECAR), "NetworkPolicy")["spec"]["egress"]
    blocks = [peer["ipBlock"] for peer in rules[-1]["to"]]

    def open_to(address: str) -> bool:
        at = ipaddress.ip_address(address)
        return any(_covers(b["cidr"], at) and not any(_covers(e, at) for e in b.get("except", [])) for b in blocks)

    public = ["93.184.215.14", "8.8.8.8", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"]
    allowed = ["10.20.3.4", "fd00:1::5", "192.168.7.9"]
    private = [
        *("10.0.0.1", "172.16.0.1", "192.168.7.10", "127.0.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),
        *("224.0.0.1", "255.255.255.255", "::1", "fd00:1::6", "fe80::1", "::ffff:10.0.0.1", "2002:a00:1::"),
        "64:ff9b::a00:1",
    ]
    assert {address: open_to(address) for address in public + allowed} == dict.fromkeys(public + allowed, True)
    assert {address: open_to(address) for address in private} == dict.fromkeys(private, False)


def _covers(block: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    network = ipaddress.ip_network(block)
    return network.version == address.version and address in network


def test_kafka_and_the_registry_are_reached_on_the_ports_of_their_addresses(chart: Chart) -> None:
    put: dict[str, object] = {
        "settings.kafka.bootstrap_servers": "a:9094, b:9095,c",
        "settings.schemas": {"registry_url": "http://registry:8081/api"},
    }
    rules = the(chart.render(put=put), "NetworkPolicy")["spec"]["egress"]

    assert [[port["port"] for port in rule["ports"]] for rule in rules[:3]] == [[53, 53], [9094, 9095, 9092], [8081]]


def test_scaling_looks_at_what_is_due_and_at_unread_sources_and_not_at_what_waits(chart: Chart) -> None:
    scaled = the(chart.render(put=SCALING), "ScaledObject")["spec"]

    due, lag = (trigger["metadata"] for trigger in scaled["triggers"])
    assert due["query"] == 'sum(postback_due_records{namespace="shop",job="pb-postback-consumer"})'
    assert lag["query"].endswith('topic=~"orders"})')
    assert [due["ignoreNullValues"], lag["ignoreNullValues"]] == ["false", "false"]
    assert scaled["minReplicaCount"] >= 1


def test_every_source_is_scaled_on_also_with_the_prefix_of_the_programs_own_topics(chart: Chart) -> None:
    sources = [{"topic": "crm.orders"}, {"topic": "partials"}]
    put = SCALING | {"settings.kafka.topic_prefix": "crm", "settings.sources": sources}
    lag = the(chart.render(put=put), "ScaledObject")["spec"]["triggers"][1]["metadata"]["query"]

    assert lag.endswith(r'topic=~"crm\\.orders|partials"})')


def test_each_role_scales_on_its_own_work(chart: Chart) -> None:
    scaled = of_kind(chart.render(SPLIT), "ScaledObject")

    queries = {
        s["spec"]["scaleTargetRef"]["name"][-8:]: [t["metadata"]["query"][:20] for t in s["spec"]["triggers"]]
        for s in scaled
    }
    assert queries == {"r-ingest": ["sum(postback_consume"], "dispatch": ["sum(postback_due_rec"]}


def test_replicas_are_left_to_keda_where_it_scales(chart: Chart) -> None:
    objects = chart.render(put=SCALING)
    scaled = the(objects, "ScaledObject")["spec"]

    assert "replicas" not in the(objects, "Deployment")["spec"]
    assert scaled["scaleTargetRef"] == {"kind": "Deployment", "name": the(objects, "Deployment")["metadata"]["name"]}
    assert scaled["fallback"]["replicas"] == 2


def test_scaling_down_waits_for_a_whole_tick(chart: Chart) -> None:
    def seconds(tick: float) -> int:
        scaled = the(chart.render(put=SCALING | {"settings.tick_minutes": tick}), "ScaledObject")["spec"]
        found: int = scaled["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]["scaleDown"][
            "stabilizationWindowSeconds"
        ]
        return found

    assert [seconds(0.5), seconds(15), seconds(20.5), seconds(300)] == [300, 900, 1230, 3600]


@pytest.mark.parametrize("kind", ["PodMonitor", "ServiceMonitor"])
def test_either_monitor_gives_the_job_that_rules_and_scaling_ask_for(chart: Chart, kind: str) -> None:
    objects = chart.render(put={"monitoring.kind": kind})
    spec = the(objects, kind)["spec"]

    (endpoint,) = spec["podMetricsEndpoints" if kind == "PodMonitor" else "endpoints"]
    assert {"action": "replace", "targetLabel": "job", "replacement": "pb-postback-consumer"} in endpoint["relabelings"]
    rules = the(objects, "PrometheusRule")["spec"]["groups"][0]["rules"]
    assert all('job="pb-postback-consumer"' in rule["expr"] for rule in rules)


def test_helm_test_asks_the_broker_and_a_ready_pod(chart: Chart) -> None:
    pod = the(chart.render(), "Pod")

    assert pod["metadata"]["annotations"]["helm.sh/hook"] == "test"
    check, ready = pod["spec"]["containers"]
    assert check["args"] == ["check", "--live"]
    assert "http://pb-postback-consumer.shop:9108/readyz" in ready["args"][0]
