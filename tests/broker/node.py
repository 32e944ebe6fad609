"""One node of the broker: its properties file, its folder, its Java process."""

import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.broker.tls import SaslSsl
from tests.waiting import wait_for

_JVM = ("-Xmx512m", "-Xms64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dlog4j2.level=INFO")
_READY = "Kafka Server started"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    client: int
    internal: int
    controller: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """
    What all nodes of one cluster share.

    Attributes:
        voters: `controller.quorum.voters`.
        security: How clients must come in; None: plain text, no login.
    """

    libs: Path
    cluster_id: str
    voters: str
    nodes: int
    security: SaslSsl | None = None


class Node:
    """A Java process that can be stopped, killed and started again with its data and its ports."""

    def __init__(self, folder: Path, node_id: int, ports: Ports, layout: Layout) -> None:
        self.ports = ports
        self._folder = folder
        self._id = node_id
        self._layout = layout
        self._process: subprocess.Popen[bytes] | None = None
        self._starts = 0

    def format(self) -> None:
        """Write the properties and make the log folder a KRaft one; once, before the first start."""
        self._folder.mkdir(parents=True)
        self._properties.write_text(
            "".join(f"{key}={value}\n" for key, value in properties(self._folder, self._id, self.ports, self._layout))
        )
        arguments = ["format", "-t", self._layout.cluster_id, "-c", str(self._properties)]
        if self._layout.security is not None:
            arguments += ["--add-scram", self._layout.security.storage_tool_credentials]
        subprocess.run(self._java("kafka.tools.StorageTool", *arguments), check=True, capture_output=True)

    def start(self) -> None:
        if self.is_running:
            raise RuntimeError("the node is running already")
        self._starts += 1
        with self.log_file.open("wb") as log:
            self._process = subprocess.Popen(
                self._java("kafka.Kafka", str(self._properties)),
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    def wait_started(self, timeout_seconds: float = 90) -> None:
        """Return once the broker says that it has started; raises with its log's end when it does not."""

        def started() -> bool:
            if not self.is_running:
                raise RuntimeError(f"the broker ended while it started:\n{self.log_tail()}")
            return _READY in self.log_file.read_text(errors="replace")

        wait_for(started, timeout_seconds=timeout_seconds, what=self.log_tail, every_seconds=0.1)

    def stop(self, timeout_seconds: float = 30) -> None:
        """End the process in good order (SIGTERM); a node that has lost its quorum is killed at the deadline."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """SIGKILL: what the node has acknowledged is with the kernel, and nothing else is kept."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def pause(self) -> None:
        """SIGSTOP: connections stay open, and nothing is answered, as on a hung disk."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def log_file(self) -> Path:
        return self._folder / f"broker-{self._starts}.log"

    def log_tail(self, lines: int = 40) -> str:
        return "\n".join(self.log_file.read_text(errors="replace").splitlines()[-lines:])

    @property
    def _properties(self) -> Path:
        return self._folder / "server.properties"

    def _java(self, main: str, *arguments: str) -> list[str]:
        return ["java", *_JVM, "-cp", f"{self._layout.libs}/*", main, *arguments]


def properties(folder: Path, node_id: int, ports: Ports, layout: Layout) -> list[tuple[str, object]]:
    """Give the lines of `server.properties`: small, quick to rebalance, creating no topic by itself."""
    replicas = min(3, layout.nodes)
    in_sync = 2 if layout.nodes >= 3 else 1  # a lost node of three must not stop acknowledged writes
    return [
        ("process.roles", "broker,controller"),
        ("node.id", node_id),
        ("controller.quorum.voters", layout.voters),
        ("log.dirs", folder / "data"),
        *_listeners(ports, layout.security),
        *((f"{topic}.num.partitions", 4) for topic in _INTERNAL[:2]),
        (f"{_INTERNAL[2]}.num.partitions", 1),
        *((f"{topic}.replication.factor", replicas) for topic in _INTERNAL),
        *((f"{topic}.min.isr", in_sync) for topic in _INTERNAL[1:]),
        ("default.replication.factor", replicas),
        ("min.insync.replicas", in_sync),
        ("num.partitions", 4),
        ("auto.create.topics.enable", "false"),
        ("group.initial.rebalance.delay.ms", 0),
        ("group.min.session.timeout.ms", 1000),
        ("transaction.abort.timed.out.transaction.cleanup.interval.ms", 1000),
        ("broker.session.timeout.ms", 3000),
        ("broker.heartbeat.interval.ms", 500),
        ("log.cleaner.dedupe.buffer.size", 4_194_304),
        ("num.network.threads", 2),
        ("num.io.threads", 4),
    ]


_INTERNAL = ("offsets.topic", "transaction.state.log", "share.coordinator.state.topic")


def _listeners(ports: Ports, security: SaslSsl | None) -> list[tuple[str, object]]:
    client = "PLAINTEXT" if security is None else "SASL_SSL"
    at = {"CLIENT": ports.client, "INTERNAL": ports.internal, "CONTROLLER": ports.controller}
    reachable = ",".join(f"{name}://127.0.0.1:{port}" for name, port in at.items())
    return [
        ("listeners", reachable),
        ("advertised.listeners", reachable.rpartition(",")[0]),
        ("listener.security.protocol.map", f"CLIENT:{client},INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT"),
        ("inter.broker.listener.name", "INTERNAL"),
        ("controller.listener.names", "CONTROLLER"),
        *(security.broker_properties if security is not None else ()),
    ]
