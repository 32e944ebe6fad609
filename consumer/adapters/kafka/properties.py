"""librdkafka's properties for each client of the program. What the settings' `kafka.client` says goes over ours."""

import os
import socket
import sys
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, Final

Properties = dict[str, Any]

_CONSUMER_ONLY: Final = (
    "group.",
    "session.",
    "heartbeat.",
    "max.poll",
    "partition.assignment",
    "fetch.",
    "max.partition.fetch",
    "queued.",
    "isolation.",
    "check.crcs",
)
_PRODUCER_ONLY: Final = (
    "compression.",
    "linger.",
    "batch.",
    "acks",
    "request.required",
    "transaction",
    "queue.buffering",
    "partitioner",
    "sticky.",
    "delivery.timeout",
    "message.timeout",
    "message.send",
)

_LARGEST_MESSAGE: Final = 1_000_000_000
"""librdkafka's own bound; what really fits is for the brokers to say."""

_TRANSACTION_TIMEOUT_MS: Final = 10_000
_BATCH_BYTES: Final = 1_000_000  # as librdkafka has it
"""How long the records of a process that died in a transaction can hold up those who read behind them."""


def common(bootstrap_servers: str, client: Mapping[str, Any]) -> Properties:
    """For clients that only ask: admin."""
    shared = {name: value for name, value in client.items() if not name.startswith((*_CONSUMER_ONLY, *_PRODUCER_ONLY))}
    return {
        "bootstrap.servers": bootstrap_servers,
        "log_level": 2,  # raw lines on stderr: what matters is reported to us, too, and logged as everything is
        "socket.keepalive.enable": True,
        "reconnect.backoff.max.ms": 2_000,
        "message.max.bytes": _LARGEST_MESSAGE,
        "receive.message.max.bytes": _LARGEST_MESSAGE + 1024,
    } | shared


def consumer(bootstrap_servers: str, client: Mapping[str, Any], *, group: str) -> Properties:
    """For both groups: offsets are committed by transactions only."""
    own = {name: value for name, value in client.items() if name.startswith(_CONSUMER_ONLY)}
    # All topics' partitions of one number go to one owner: what concerns an order is in one place.
    by_broker = own.get("group.protocol") == "consumer"
    assignor = {"group.remote.assignor": "range"} if by_broker else {"partition.assignment.strategy": "range"}
    return (
        common(bootstrap_servers, client)
        | assignor
        | {
            "group.id": group,
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
            # One fetch a broker is under way at a time: a long one would keep a run's first records waiting.
            "fetch.wait.max.ms": 50,
            "fetch.queue.backoff.ms": 10,
            # What waits in Kafka is not to wait in memory. Both count what all partitions have: with 500 there was one
            # that had them, and kept the others from being fetched.
            "queued.min.messages": 2_000,
            "queued.max.messages.kbytes": 2_048,
            # Of each partition in one answer, which stays whole until the last of its records is taken. A record that
            # is larger comes all the same.
            "fetch.message.max.bytes": 65_536,
        }
        | own
    )


def producer(
    bootstrap_servers: str, client: Mapping[str, Any], *, transactional_id: str, largest_batch: int = _BATCH_BYTES
) -> Properties:
    """
    For the transactions of one stage.

    Args:
        largest_batch: Bytes that each topic takes at once.
    """
    own = {name: value for name, value in client.items() if name.startswith(_PRODUCER_ONLY)}
    return (
        common(bootstrap_servers, client)
        | {
            "transactional.id": transactional_id,
            "transaction.timeout.ms": _TRANSACTION_TIMEOUT_MS,
            "queue.buffering.max.kbytes": 131_072,
            # A batch of small records that is larger than what a topic takes is refused as often as it is tried. With
            # 64 KB for all, ingest took a third more CPU.
            "batch.size": min(_BATCH_BYTES, largest_batch),
        }
        | own
    )


class InstanceSlot:
    """
    A name for this process that its successor on the same host gets again.

    A transactional id that stays the same lets the successor end what this process left open when it was killed, at
    once instead of after the transaction's timeout. The slot is a name in Linux's abstract socket namespace: the
    kernel gives it free when the process is gone, and no file is needed.
    """

    def __init__(self, group: str) -> None:
        host = socket.gethostname()
        self._lock, number = _take_slot(f"{group}@{host}")
        self.name = f"{group}-{host}-{number}"

    def close(self) -> None:
        """Another process may have the name."""
        if self._lock is not None:
            self._lock.close()


def _take_slot(name: str) -> tuple[socket.socket | None, str]:
    if not sys.platform.startswith("linux"):
        return None, f"pid{os.getpid()}"
    digest = blake2b(name.encode(), digest_size=16).hexdigest()
    lock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    for number in range(1000):
        try:
            lock.bind(f"\0postback/{digest}/{number}")
        except OSError:
            continue
        return lock, str(number)
    lock.close()
    return None, f"pid{os.getpid()}"
