"""A real Kafka cluster of one or three nodes that can be stopped, killed and started again."""

import base64
import uuid
from pathlib import Path
from typing import Self

from confluent_kafka.admin import AdminClient

from tests.broker import jars
from tests.broker.node import Layout, Node, Ports
from tests.broker.tls import SaslSsl, issue
from tests.ports import free_ports
from tests.waiting import wait_for


class KafkaBroker:
    """
    A cluster in a folder, on free loopback ports, which it keeps over restarts, as it keeps its data.

    Use it as a context manager, or call `start()` and `stop()`.
    """

    def __init__(self, folder: Path, *, nodes: int = 1, sasl_ssl: bool = False) -> None:
        """
        Args:
            folder: Empty or absent; data, properties and logs go there.
            nodes: 1, or 3 for a cluster that survives the loss of any one.
            sasl_ssl: Clients must use TLS and a password; see `client_properties`.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self.security: SaslSsl | None = issue(folder) if sasl_ssl else None
        ports = [Ports(client=a, internal=b, controller=c) for a, b, c in _in_threes(free_ports(3 * nodes))]
        layout = Layout(
            libs=jars.fetch(),
            cluster_id=_cluster_id(),
            voters=",".join(f"{n}@127.0.0.1:{port.controller}" for n, port in enumerate(ports, 1)),
            nodes=nodes,
            security=self.security,
        )
        self.nodes = [Node(folder / f"node-{n}", n, port, layout) for n, port in enumerate(ports, 1)]
        self._formatted = False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()  # nobody asks for the data any more

    @property
    def bootstrap_servers(self) -> str:
        return ",".join(f"127.0.0.1:{node.ports.client}" for node in self.nodes)

    @property
    def client_properties(self) -> dict[str, str]:
        """What a client needs besides the addresses; empty for a plain broker."""
        return self.security.client_properties if self.security is not None else {}

    def start(self) -> None:
        """Return once every node answers clients."""
        if not self._formatted:
            for node in self.nodes:
                node.format()
            self._formatted = True
        for node in self.nodes:
            node.start()
        for node in self.nodes:
            node.wait_started()
        self.wait_ready()

    def stop(self) -> None:
        """End all nodes in good order; what was paused is woken first."""
        for node in reversed(self.nodes):
            node.resume()
            # Alone, a node ends at once; the last ones of three have no quorum to say good-bye to.
            node.stop(timeout_seconds=15 if node is self.nodes[-1] else 5)

    def kill(self) -> None:
        """SIGKILL to every node."""
        for node in self.nodes:
            node.kill()

    def restart(self) -> None:
        """Stop what still runs, and start all again on the same ports with the same data."""
        self.stop()
        self.start()

    def wait_ready(self, timeout_seconds: float = 60) -> None:
        """Return once the cluster's metadata shows every node."""
        # A named variable: an AdminClient that is a temporary destroys its futures.
        admin = AdminClient(
            {"bootstrap.servers": self.bootstrap_servers, "log_level": 0, **self.client_properties},
        )

        def all_there() -> bool:
            return len(admin.list_topics(timeout=10).brokers) == len(self.nodes)

        wait_for(all_there, timeout_seconds=timeout_seconds, what="all nodes in the cluster's metadata")


def _cluster_id() -> str:
    """A UUID as Kafka writes it, without the `-` that would make it look like an option."""
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "a")


def _in_threes(ports: list[int]) -> list[tuple[int, int, int]]:
    return [(ports[n], ports[n + 1], ports[n + 2]) for n in range(0, len(ports), 3)]
