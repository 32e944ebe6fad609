"""The service as it runs for an operator: a folder of settings, and processes whose cost is read from the kernel."""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.order_events import TEXTS, write_schema
from tests.e2e.instance import Instance
from tests.ports import free_ports

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_LONGEST_PERIOD = 3_600
_MONTH_MINUTES = 30 * 24 * 60
_CONTENT_TYPE = {"json": "application/json", "form": "application/x-www-form-urlencoded"}


class Measured(Instance):
    """A process of the service whose CPU time can be asked for."""

    def cpu_seconds(self) -> float:
        """User and system time of all its threads so far."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """
    One settings folder.

    Attributes:
        name: Of groups and topics; another one for each round.
        style: Of the requests: json, form or get.
        profiles: Each takes one campaign; a single one takes all.
        later_profiles: Beside them; each takes all, and sends it next month.
    """

    folder: Path
    bootstrap_servers: str
    name: str
    topic: str
    url: str
    style: str
    profiles: int
    later_profiles: int
    in_flight: int
    period_seconds: int
    ca_file: Path | None = None

    @property
    def settings(self) -> Path:
        return self.folder / "postback.yaml"

    def write(self) -> None:
        """Make the folder's files."""
        (self.folder / "profiles").mkdir(parents=True)
        write_schema(self.folder / "schemas")
        self.settings.write_text(
            f"kafka: {{bootstrap_servers: '{self.bootstrap_servers}', group_id: {self.name}, "
            f"topic_prefix: {self.name}}}\n"
            f"sources: [{{topic: {self.topic}}}]\n"
            "schemas: {folder: schemas}\n"
            f"tick_minutes: {self.period_seconds / 60}\n"
            f"http: {{allow_networks: [127.0.0.0/8], max_in_flight: {self.in_flight}, "
            f"max_in_flight_per_endpoint: {self.in_flight}}}\n"
        )
        for number in range(self.profiles):
            self._write_profile(f"hub-{number}", "All" if self.profiles == 1 else str(number))
        for number in range(self.later_profiles):
            self._write_profile(f"later-{number}", "All", f"export_delay_minutes: {_MONTH_MINUTES}")

    def _write_profile(self, name: str, campaign: str, *more: str) -> None:
        fields = [("orderId", "orderId"), *((text, text) for text in TEXTS[:11])]
        lines = [f"name: {name}", f"postback_url: {self.url}", *more, "fields:"]
        if self.style in _CONTENT_TYPE:
            lines.append(f"  - {{export_name: 'header:Content-Type', static: {_CONTENT_TYPE[self.style]}}}")
        lines += [f"  - {{export_name: {export}, field: {field}}}" for export, field in fields]
        lines += ["routing:", f"  - {{customer_type: All, campaign: {campaign}, product: All}}"]
        if self.ca_file is not None:
            lines.append(f"ca_file: {self.ca_file}")
        (self.folder / "profiles" / f"{name}.yaml").write_text("\n".join(lines) + "\n")

    def start(self, role: str, number: int = 1) -> Measured:
        """Start a process; it may not be ready yet."""
        (port,) = free_ports(1)
        arguments = ["run", "--config", str(self.settings), "--role", role]
        return Measured(arguments, log_file=self.folder / f"{role}-{number}.log", web_port=port)


def period_with_boundary_in(seconds: float, *, longest: int = _LONGEST_PERIOD) -> tuple[int, float]:
    """A period in whole seconds with its next boundary soon after *seconds* from now, and that boundary."""
    now = time.time()
    periods = range(max(30, int(seconds) + 1), longest)
    found = [(period, now - now % period + period) for period in periods]
    return min((entry for entry in found if entry[1] - now >= seconds), key=lambda entry: entry[1])


def stop_all(instances: Sequence[Instance]) -> None:
    """End them in good order."""
    for instance in instances:
        instance.terminate()
    for instance in instances:
        instance.stop()
