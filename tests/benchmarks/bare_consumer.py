"""
The baseline, as a process: consume, decode, render twelve fields, send, commit; no promise is kept.

``python -m tests.benchmarks.bare_consumer`` with the options below prints seconds and CPU seconds as JSON. It is the
shortest loop that does the job: fastavro, `json.dumps` or `urlencode`, libcurl, offsets committed once a second.
"""

import argparse
import io
import json
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

import fastavro
from confluent_kafka import Consumer, KafkaException, TopicPartition

from consumer.core.request import Request, endpoint_of
from tests.benchmarks import bare_loop
from tests.benchmarks.order_events import PARSED, PARTITIONS, TEXTS

_FRAMING_BYTES = 10
_BATCH = 500
_FIELDS = ("orderId", *TEXTS[:11])


def renderer(style: str, url: str) -> Callable[[dict[str, Any]], Request]:
    """What makes the request of an event: style is json, form or get."""
    endpoint = endpoint_of(url)
    media_type = "application/json" if style == "json" else "application/x-www-form-urlencoded"
    fixed = ("User-Agent: bare-loop", "Accept: */*")
    typed = (f"Content-Type: {media_type}", *fixed)

    def render(event: dict[str, Any]) -> Request:
        fields = {name: event[name] for name in _FIELDS}
        key = f"Idempotency-Key: {event['eventId']}"
        if style == "json":
            return Request("POST", url, (*typed, key), json.dumps(fields).encode(), None, endpoint)
        text = urlencode(fields)
        if style == "form":
            return Request("POST", url, (*typed, key), text.encode(), None, endpoint)
        return Request("GET", f"{url}?{text}", (*fixed, key), None, None, endpoint)

    return render


def requests(consumer: Consumer, count: int, render: Callable[[dict[str, Any]], Request]) -> Iterator[Request]:
    """A request for each of the first *count* records."""
    commit_at = time.monotonic() + 1
    taken = 0
    while taken < count:
        for message in consumer.consume(min(_BATCH, count - taken), 1.0):
            value = message.value()
            if message.error() is not None or value is None:
                continue
            taken += 1
            content = io.BytesIO(value[_FRAMING_BYTES:])
            event: Any = fastavro.schemaless_reader(content, PARSED, None)
            yield render(event)
        if time.monotonic() > commit_at:
            consumer.commit(asynchronous=True)
            commit_at += 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--bootstrap-servers", "--topic", "--group", "--url", "--style"):
        parser.add_argument(name, required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--in-flight", type=int, required=True)
    given = parser.parse_args()
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    consumer = Consumer(
        {"bootstrap.servers": given.bootstrap_servers, "group.id": given.group, "enable.auto.commit": False}
    )
    consumer.assign([TopicPartition(given.topic, partition, 0) for partition in range(PARTITIONS)])
    waiting = requests(consumer, given.count, renderer(given.style, given.url))
    delivered = bare_loop.send_all(waiting, in_flight=given.in_flight)
    with suppress(KafkaException):  # nothing is left to commit when the last batch was committed already
        consumer.commit(asynchronous=False)
    consumer.close()
    seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF)
    cpu_seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    memory = after.ru_maxrss / 1024
    found = {"delivered": delivered, "seconds": seconds, "cpu_seconds": cpu_seconds, "megabytes": memory}
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
