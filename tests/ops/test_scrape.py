"""A real Prometheus scrapes as the operator tells it to: every label of a metric is still there."""

import re
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry

from consumer.adapters.web import WebServer
from consumer.metrics import Metrics
from tests.ops.chart import Chart, Object, the
from tests.ops.prometheus import Prometheus
from tests.waiting import wait_for

BY_THE_OPERATOR = {"namespace": "shop", "job": "shop/pb", "container": "postback", "pod": "pb-0", "endpoint": "metrics"}
"""Labels that the operator gives each target, before the relabelings of the monitor."""


@pytest.fixture
def page() -> Iterator[WebServer]:
    """The metrics of a process that lets one endpoint alone."""
    metrics = Metrics(CollectorRegistry())
    metrics.endpoint_held.labels("https://r.example:443").set(1)
    server = WebServer("127.0.0.1", 0, registry=metrics.registry, healthy=lambda: None, ready=lambda: None)
    yield server
    server.close()


@pytest.mark.parametrize(
    ("kind", "endpoints"), [("PodMonitor", "podMetricsEndpoints"), ("ServiceMonitor", "endpoints")]
)
def test_a_held_endpoint_keeps_its_name(
    kind: str, endpoints: str, chart: Chart, prometheus: Prometheus, page: WebServer
) -> None:
    (endpoint,) = the(chart.render(put={"monitoring.kind": kind}), kind)["spec"][endpoints]
    relabelings = [as_prometheus_writes(each) for each in endpoint["relabelings"]]
    targets = [{"targets": [f"127.0.0.1:{page.port}"], "labels": BY_THE_OPERATOR}]

    prometheus.start(scrape={"job_name": "any", "static_configs": targets, "relabel_configs": relabelings})
    wait_for(lambda: prometheus.query("postback_endpoint_held"), timeout_seconds=30, what="a scrape")

    (held,) = [found["metric"] for found in prometheus.query("postback_endpoint_held")]
    assert (held["endpoint"], held["job"]) == ("https://r.example:443", "pb-postback-consumer")
    assert prometheus.query('{__name__=~"postback_.+",exported_endpoint!=""}') == []


def as_prometheus_writes(relabeling: Object) -> Object:
    """The operator's words in Prometheus's own spelling."""
    return {re.sub("[A-Z]", lambda upper: f"_{upper[0].lower()}", word): value for word, value in relabeling.items()}
