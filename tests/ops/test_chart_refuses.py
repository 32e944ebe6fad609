"""Values that cannot work are refused before anything is installed, in words that say what to do."""

import pytest

from tests.ops.chart import Chart, ChartRefused


def fields(*rows: dict[str, object], **routing: object) -> dict[str, object]:
    """A profile with these rows."""
    profile = {"postback_url": "https://example.com", "fields": rows, "routing": [{"customer_type": "All"} | routing]}
    return {"profiles.values": {"a": profile}}


@pytest.mark.parametrize(
    ("put", "says"),
    [
        ({"staticMembershp": True}, "additional properties 'staticMembershp' not allowed"),
        ({"settings.kafka.group": "a"}, "additional properties 'group' not allowed"),
        ({"settings.profiles": "/elsewhere"}, "additional properties 'profiles' not allowed"),
        ({"all.replicas": "two"}, "got string, want integer"),
        ({"all.autoscaling.minReplicas": 0}, "/all/autoscaling/minReplicas"),
        ({"mode": "both"}, "value must be one of 'all', 'split'"),
        ({"monitoring.interval": "30 seconds"}, "/monitoring/interval"),
        ({"secretEnv": [{"name": "POSTBACK_GROUP", "secret": "s", "key": "k"}]}, "/secretEnv/0/name"),
        ({"profiles.values": {"a": {"postback_url": "https://example.com"}}}, "missing properties"),
        (fields({"export_name": "a", "static": 256}), "/fields/0/static': got number, want string"),
        (fields({"export_name": True, "field": "a"}), "/fields/0/export_name': got boolean, want string"),
        (fields({"export_name": "a", "field": 1.5}), "/fields/0/field': got number, want string"),
        (fields(product=[9007199254740992]), "/routing/0/product/0': maximum"),
        (fields(campaign=1.5), "/routing/0/campaign': got number, want"),
        ({"settings.kafka.bootstrap_servers": ""}, "--set settings.kafka.bootstrap_servers=kafka.kafka:9092"),
        ({"settings.sources": []}, "--set settings.sources[0].topic=orders"),
        ({"terminationGracePeriodSeconds": 34}, "give at least 35"),
        ({"settings.shutdown_seconds": 120}, "give at least 130"),
        ({"settings.web.address": "127.0.0.1:9108"}, "give 0.0.0.0 or [::] and a port from 1 to 65535"),
        ({"settings.web.address": "localhost:9108"}, "settings.web.address is localhost:9108"),
        ({"settings.web.address": ":0"}, "settings.web.address is :0"),
        ({"settings.web.address": "0.0.0.0:99999"}, "settings.web.address is 0.0.0.0:99999"),
        ({"podDisruptionBudget.maxUnavailable": 0}, "/podDisruptionBudget/maxUnavailable"),
        ({"podDisruptionBudget.maxUnavailable": "0%"}, "/podDisruptionBudget/maxUnavailable"),
        ({"secretFiles": ["a", "b", "a"]}, "/secretFiles': items at 0 and 2 are equal"),
        ({"fullnameOverride": "Postback"}, "/fullnameOverride"),
        ({"fullnameOverride": "post_back"}, "/fullnameOverride"),
        ({"nameOverride": "Postback"}, "/nameOverride"),
        ({"monitoring.rules.alerts.nothingReady": None}, "Upgrade with --reset-then-reuse-values"),
        ({"all.replicas": 13}, "all.replicas is 13, but settings.kafka.partitions is 12"),
        ({"mode": "split", "dispatch.replicas": 13}, "dispatch.replicas is 13"),
        ({"all.autoscaling.enabled": True}, "needs autoscaling.prometheusUrl"),
        (
            {"all.autoscaling": {"enabled": True, "maxReplicas": 20}, "autoscaling.prometheusUrl": "http://p:9090"},
            "all.autoscaling.maxReplicas is 20, but settings.kafka.partitions is 12",
        ),
        ({"profiles.from": "configMap"}, "name it in profiles.existingConfigMap"),
        ({"profiles.from": "sidecar"}, "at least its image"),
        (
            {"profiles.from": "sidecar", "profiles.sidecar.image": "a", "topicsJob.enabled": True},
            "would miss their window topics",
        ),
        ({"kafka.sasl.mechanism": "PLAIN"}, "needs kafka.sasl.existingSecret"),
        ({"settings.retry": {"give_up_after_hours": 12}}, "can never raise that alert"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_value_that_cannot_work_is_refused_with_what_to_do(chart: Chart, put: dict[str, object], says: str) -> None:
    with pytest.raises(ChartRefused) as refused:
        chart.render(put=put)

    assert says in str(refused.value)


def test_a_grace_period_just_above_the_shutdown_is_taken(chart: Chart) -> None:
    assert chart.render(put={"terminationGracePeriodSeconds": 35})


@pytest.mark.parametrize("address", ["0.0.0.0:80", "[::]:9108", ":65535"])
def test_an_address_that_probes_reach_is_taken(chart: Chart, address: str) -> None:
    assert chart.render(put={"settings.web.address": address})


@pytest.mark.parametrize("value", ["settings.kafka.client", "monitoring.rules.runbooks"])
def test_a_value_that_an_older_chart_did_not_have_or_that_is_taken_away_is_not_missed(chart: Chart, value: str) -> None:
    assert chart.render(put={value: None, "staticMembership": True})


def test_a_cluster_that_is_too_old_is_named(chart: Chart) -> None:
    with pytest.raises(ChartRefused, match=r"chart requires kubeVersion: >=1\.29"):
        chart.render(kubernetes="1.28.0")
