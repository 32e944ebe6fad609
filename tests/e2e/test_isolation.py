"""No receiver delays another, whatever it does, and none gets the process to reach where it must not."""

import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import trustme

from tests.e2e.crm import Crm
from tests.e2e.service import Service
from tests.receiver import Answer, Fault, Receiver, always

pytestmark = pytest.mark.broker

BAD = {
    "hangs": Answer(fault=Fault.HANG),
    "drips": Answer(fault=Fault.DRIP, body=b"a" * 1000),
    "late": Answer(after_seconds=30),
    "resets": Answer(fault=Fault.RESET),
    "drops": Answer(fault=Fault.DROP),
    "redirects": Answer(status=301, headers=(("Location", "http://127.0.0.1:1/"),)),
    "endless-headers": Answer(fault=Fault.ENDLESS_HEADERS),
    "not-http": Answer(fault=Fault.NOT_HTTP),
    "fails": Answer(status=500),
}


@pytest.fixture
def bad_receivers() -> Iterator[dict[str, Receiver]]:
    """One receiver, on a port of its own, for each way to misbehave; and one with a certificate nobody trusts."""
    untrusted = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(untrusted)
    with ExitStack() as stack:
        running = {name: stack.enter_context(Receiver()) for name in BAD}
        for name, answer in BAD.items():
            running[name].otherwise(always(answer))
        running["untrusted"] = stack.enter_context(Receiver(tls=untrusted))
        yield running


def test_bad_receivers_do_not_delay_the_good_ones(
    service: Service, crm: Crm, receiver: Receiver, bad_receivers: dict[str, Receiver]
) -> None:
    for name, bad in bad_receivers.items():
        service.profile(name, bad.url("/x"))
    for n in range(10):
        service.profile(f"good-{n}", receiver.url(f"/good-{n}"))
    service.set("http", timeout_seconds=5)
    instance = service.start()

    events = [crm.order() for _ in range(300)]
    for part in range(3):
        crm.send_orders(events[part * 100 : (part + 1) * 100])
        instance.wait_runs("2s", 2, period_seconds=2)
    receiver.wait_for(3_000, timeout_seconds=60)

    assert len({(a.path, a.parameters["event"]) for a in receiver.arrived()}) == len(receiver.arrived()) == 3_000
    for name in bad_receivers:
        instance.wait_metric("postback_delivery_failures_total", 1, profile=name)
        assert instance.metric("postback_deliveries_total", profile=name, outcome="delivered") == 0
    late = instance.metric("postback_lateness_seconds_count", profile="good-0")
    assert late == 300
    assert instance.metric("postback_delivery_failures_total", profile="redirects", reason="redirect") > 0
    assert instance.metric("postback_delivery_failures_total", profile="untrusted", reason="tls") > 0
    assert instance.metric("postback_delivery_failures_total", profile="hangs", reason="timeout") > 0
    assert instance.most_memory_megabytes() < 300
    assert instance.status_of("/healthz") == 200


def test_paths_and_orders_that_always_fail_stop_no_others_at_their_host(
    service: Service, crm: Crm, receiver: Receiver
) -> None:
    for name in ("down", "hangs", "good"):
        service.profile(name, receiver.url(f"/{name}"))
    service.set("http", timeout_seconds=2)
    events = [crm.order() for _ in range(60)]
    poison = {event["eventId"] for event in events[:30]}
    receiver.on("/down", always(Answer(status=500)))
    receiver.on("/hangs", always(Answer(fault=Fault.HANG)))
    receiver.on("/good", lambda arrived: Answer(status=500 if arrived.parameters["event"] in poison else 200))
    instance = service.start()
    crm.send_orders(events)
    receiver.wait_for_all({event["eventId"] for event in events} - poison, "/good")

    for _ in range(3):
        instance.wait_runs("2s", 1, period_seconds=2)
        crm.send_orders(later := [crm.order() for _ in range(10)])
        receiver.wait_for_all({event["eventId"] for event in later}, "/good", timeout_seconds=30)

    assert instance.metric("postback_deliveries_total", profile="good", outcome="delivered") == 60
    assert instance.metric("postback_deliveries_total", profile="down", outcome="delivered") == 0


def test_a_receiver_of_a_private_authority_is_believed_with_that_profiles_ca_file_only(
    service: Service, crm: Crm, tmp_path: Path
) -> None:
    authority, certificates = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(certificates)
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    with Receiver(tls=certificates) as inner:
        service.profile("knows-it", inner.url("/a"), ca_file=str(tmp_path / "authority.pem"))
        service.profile("does-not", inner.url("/b"))
        instance = service.start()

        crm.send_orders([crm.order()])
        inner.wait_for(1, "/a")
        instance.wait_metric("postback_delivery_failures_total", 1, profile="does-not", reason="tls")

        assert inner.arrived("/b") == []


def test_a_body_without_end_costs_neither_memory_nor_time(service: Service, crm: Crm, receiver: Receiver) -> None:
    receiver.on("/endless", always(Answer(fault=Fault.ENDLESS_BODY)))
    service.profile("endless", receiver.url("/endless"))
    with Receiver() as other:
        service.profile("other", other.url("/other"))
        instance = service.start()
        crm.send_orders([crm.order() for _ in range(5)])
        other.wait_for(5)
        receiver.wait_for(5, "/endless", that=lambda a: a.nth == 1)

        crm.send_orders([crm.order()])
        other.wait_for(6)

    assert instance.most_memory_megabytes() < 300


def test_private_addresses_are_refused_before_a_socket_is_opened(
    service: Service, crm: Crm, receiver: Receiver
) -> None:
    service.set("http", allow_networks=[])
    port = receiver.port
    hosts = ("127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "169.254.169.254", "10.0.0.1")
    for n, host in enumerate(hosts):
        service.profile(f"inner-{n}", f"http://{host}:{port}/inner")
    instance = service.start()

    crm.send_orders([crm.order()])
    for n, _ in enumerate(hosts):
        instance.wait_metric("postback_delivery_failures_total", 1, profile=f"inner-{n}", reason="refused_address")

    assert receiver.arrived() == []
    assert receiver.most_connections == 0
