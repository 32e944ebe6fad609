"""A real Prometheus scrapes the running service: what it shows is clean, complete, and raises and ends an alert."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import yaml

from tests.broker.kafka import KafkaBroker
from tests.broker.topics import Topics
from tests.e2e.conftest import finish
from tests.e2e.crm import Crm
from tests.e2e.instance import Instance
from tests.e2e.service import ALL, IDENTITY, Service
from tests.ops.chart import Chart, the
from tests.ops.conftest import ROOT
from tests.ops.prometheus import Prometheus
from tests.receiver import Receiver
from tests.waiting import wait_for

pytestmark = pytest.mark.broker

BY_PROMETHEUS = {"up"}
"""What the scraping itself gives."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture
def service(tmp_path: Path, broker: KafkaBroker, unique_name: str) -> Iterator[Service]:
    made = Service(tmp_path / "service", broker, unique_name)
    yield made
    finish(made)


@pytest.fixture
def crm(topics: Topics, service: Service) -> Crm:
    return Crm(topics, service.name)


def address_of(instance: Instance) -> str:
    return urlsplit(instance._web).netloc


def scrape(instance: Instance) -> dict[str, Any]:
    return {"job_name": "postback", "static_configs": [{"targets": [address_of(instance)]}]}


def test_an_alert_fires_when_the_receiver_dies_and_ends_when_it_returns(
    service: Service, crm: Crm, receiver: Receiver, chart: Chart, prometheus: Prometheus
) -> None:
    service.profile("call-center", receiver.url("/"))
    instance = service.start()
    put: dict[str, object] = {
        "monitoring.selector": 'job="postback"',
        "monitoring.rules.alerts.endpointFails": {"window": "20s", "for": "2s"},
        "monitoring.rules.alerts.nothingUp.for": "5s",
        "settings.sources[0].topic": service.orders,
    }
    rules = prometheus.data.parent / "rules.yml"
    rules.write_text(yaml.safe_dump(the(chart.render(put=put), "PrometheusRule")["spec"]))
    prometheus.start(scrape=scrape(instance), rules=rules)
    crm.send_orders([crm.order() for _ in range(20)])
    receiver.wait_for(20)
    wait_for(lambda: delivered(prometheus) == 20, timeout_seconds=30, what="20 deliveries seen by Prometheus")
    # The rules are evaluated before the first scrapes come in: until then nothing is up, rightly.
    wait_for(lambda: prometheus.firing() == set(), timeout_seconds=60, what="no alert in a healthy service")

    receiver.close()
    crm.send_orders([crm.order() for _ in range(20)])
    wait_for(lambda: "PostbackEndpointFails" in prometheus.firing(), timeout_seconds=90, what="the alert fires")

    receiver.open()

    def over() -> bool:
        crm.send_orders([crm.order()])
        return prometheus.firing() == set()

    wait_for(over, timeout_seconds=90, what="the alert ends", every_seconds=0.5)
    receiver.wait_for(40)
    assert delivered(prometheus) >= 40

    assert instance.stop() == 0
    wait_for(lambda: prometheus.firing() == {"PostbackNothingUp"}, timeout_seconds=60, what="nothing is up")


def delivered(prometheus: Prometheus) -> float:
    found = prometheus.query('sum(postback_deliveries_total{outcome="delivered"})')
    return float(found[0]["value"][1]) if found else 0


def test_what_the_service_shows_is_clean_and_has_every_metric_that_operators_are_given(
    service: Service, crm: Crm, receiver: Receiver, chart: Chart, promtool: Path
) -> None:
    service.profile("call-center", receiver.url("/"))
    instance = service.start()
    crm.send_orders([crm.order() for _ in range(5)])
    receiver.wait_for(5)
    instance.wait_runs("2s", 1, period_seconds=2)
    page = httpx.get(f"http://{address_of(instance)}/metrics").text

    checked = subprocess.run(
        [str(promtool), "check", "metrics"], input=page, capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stderr) == (0, "")
    shown = {base for name in re.findall(r"^# TYPE (\S+) ", page, re.MULTILINE) for base in (name, f"{name}_total")}
    used = {_base(name) for name in _used(chart)}
    assert len(used) > 15
    assert {name for name in used - shown if name.startswith("postback_")} == set()
    # The dashboard's row "Process": prometheus_client's ProcessCollector in the service's registry.
    assert used - shown - BY_PROMETHEUS == set()


def _used(chart: Chart) -> set[str]:
    """Names of the metrics in rules, dashboard and scaling."""
    put: dict[str, object] = {"all.autoscaling.enabled": True, "autoscaling.prometheusUrl": "http://p:9090"}
    objects = [found for found in chart.render(put=put) if found["kind"] in {"PrometheusRule", "ScaledObject"}]
    text = yaml.safe_dump(objects) + (ROOT / "helm" / "files" / "dashboards" / "postback.json").read_text()
    return set(re.findall(r"\b(?:postback_[a-z_]+|process_[a-z_]+|up)(?=\{)", text))


def _base(metric: str) -> str:
    return re.sub(r"_(bucket|sum|count)$", "", metric)


def test_a_profile_in_a_config_map_changes_without_a_restart(
    service: Service, crm: Crm, receiver: Receiver, tmp_path: Path
) -> None:
    mounted = tmp_path / "mounted"
    as_the_kubelet_does(mounted, "first", profile(receiver.url("/before")))
    service.set_top(profiles=str(mounted))
    instance = service.start()
    crm.send_orders([crm.order()])
    receiver.wait_for(1, "/before")

    as_the_kubelet_does(mounted, "second", profile(receiver.url("/after")))

    def arrived() -> bool:
        crm.send_orders([crm.order()])
        return bool(receiver.arrived("/after"))

    wait_for(arrived, timeout_seconds=30, what="a request to the new address", every_seconds=0.5)
    as_the_kubelet_does(mounted, "third", profile(receiver.url("/after"), paused=True))
    instance.wait_metric("postback_profiles", 1, state="paused", timeout_seconds=15)


def profile(url: str, **more: object) -> str:
    routing = [dict(row) for row in ALL]
    fields = [dict(row) for row in IDENTITY]
    return yaml.safe_dump({"name": "a", "postback_url": url, "fields": fields, "routing": routing, **more})


def as_the_kubelet_does(folder: Path, version: str, text: str) -> None:
    """Put a ConfigMap's new content in place: the files are links through ..data, and only that link is replaced."""
    (folder / f"..{version}").mkdir(parents=True)
    (folder / f"..{version}" / "a.yaml").write_text(text)
    (folder / "..data_tmp").symlink_to(f"..{version}")
    (folder / "..data_tmp").replace(folder / "..data")
    if not (folder / "a.yaml").is_symlink():
        (folder / "a.yaml").symlink_to("..data/a.yaml")


def test_a_static_member_that_restarts_goes_on_with_its_partitions(
    service: Service, crm: Crm, receiver: Receiver
) -> None:
    service.set("kafka", client={**static(service), "group.instance.id": "pb-0"})
    service.profile("a", receiver.url("/"))
    first = service.start()
    crm.send_orders([crm.order() for _ in range(10)])
    receiver.wait_for(10)
    assert first.stop() == 0

    service.start()
    crm.send_orders([crm.order() for _ in range(10)])

    assert len(receiver.wait_for_quiet(4)) == 20


def static(service: Service) -> dict[str, Any]:
    found: dict[str, Any] = service._settings["kafka"]["client"]
    return found
