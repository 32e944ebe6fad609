"""Free loopback ports that nobody else takes while a process is down and comes back."""

import os
import random
import socket
from pathlib import Path

_LOWEST = 18_000
_EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")


def free_ports(count: int) -> list[int]:
    """
    Give *count* free ports below the range that the kernel hands to outgoing connections.

    A broker that is killed comes back on its own port, so nobody's client may be given it meanwhile; nor may the tests
    of another pytest worker.
    """
    highest = int(_EPHEMERAL.read_text().split()[0]) if _EPHEMERAL.exists() else 32_768
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    own = range(_LOWEST + worker, max(highest, _LOWEST + 10_000), workers)
    candidates = random.sample(own, k=2_000)
    free = (port for port in candidates if _is_free(port))
    return [next(free) for _ in range(count)]


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
