"""`postback demo`: events come in, a run begins, deliveries go out, one fails and succeeds in a later run."""

import argparse
import os
import shutil
import signal
import tempfile
import time
from contextlib import ExitStack
from importlib.resources import files
from pathlib import Path
from threading import Thread
from typing import Final

from consumer.adapters.settings_file import load_settings
from consumer.commands import Subparsers
from consumer.core.errors import ConsumerError
from consumer.demo.broker import EmbeddedBroker
from consumer.demo.crm import ORDERS, PARTIALS, Crm
from consumer.demo.receiver import DemoReceiver
from consumer.demo.show import Lines, Outcomes
from consumer.demo.topics import EmbeddedTopics
from consumer.log import set_up_logging
from consumer.service.assembly import Parts
from consumer.service.supervisor import Supervisor

_TICK_S: Final = 4
_EVENT_EVERY_S: Final = 1.5
_READY_WITHIN_S: Final = 30

_SESSION_MS: Final = 6_000
"""librdkafka's member that begins to join anew forgets its first join, for which the group then waits so long."""

_LONGEST_S: Final = 86_400

_SETTINGS: Final = f"""
kafka: {{bootstrap_servers: "%s", group_id: demo, client: {{log_level: 0, session.timeout.ms: {_SESSION_MS}}}}}
sources: [{{topic: {ORDERS}}}, {{topic: {PARTIALS}, customer_type: PARTIAL}}]
tick_minutes: {_TICK_S / 60}
http: {{allow_networks: [127.0.0.0/8]}}
web: {{address: "127.0.0.1:0"}}
log: {{level: error, format: text}}
"""


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not 1 <= seconds <= _LONGEST_S:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from 1 to {_LONGEST_S}")
    return seconds


def add_parser(subparsers: Subparsers) -> None:
    """`postback demo [--seconds N]`."""
    parser = subparsers.add_parser(
        "demo",
        help="the whole flow on this machine, with nothing else installed",
        description="Embedded broker, sample profiles, a local receiver that fails once; seconds instead of minutes.",
    )
    parser.add_argument(
        "--seconds", type=_seconds, default=60, metavar="N", help="end N seconds after it is ready (default: 60)"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Until the time is over, or Ctrl-C."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="postback-demo-")))
        broker = EmbeddedBroker()
        receiver = DemoReceiver()
        stack.callback(receiver.close)
        lines = Lines(lambda text: print(text, flush=True))
        supervisor = _service(folder, broker, receiver)
        print(_introduction(receiver.port, args.seconds), flush=True)
        try:
            _play(supervisor, broker, lines, seconds=args.seconds)
        except KeyboardInterrupt:
            print()
    print(_summary(lines))
    return 0


def _service(folder: Path, broker: EmbeddedBroker, receiver: DemoReceiver) -> Supervisor:
    with (folder / "postback.yaml").open("w", encoding="utf-8") as file:
        file.write(_SETTINGS % broker.bootstrap_servers)
    shutil.copytree(str(files("consumer") / "demo" / "profiles"), folder / "profiles")
    os.environ["DEMO_PORT"] = str(receiver.port)
    os.environ["DEMO_TOKEN"] = "made-up-token"  # noqa: S105 - the demo's own receiver does not look at it
    settings = load_settings(folder / "postback.yaml", {})
    set_up_logging(level=settings.log.level, format_name=settings.log.format)
    parts = Parts.of(settings)
    broker.make([ORDERS, PARTIALS, parts.names.outcomes])
    return Supervisor(parts, role="all", topics=EmbeddedTopics(parts.topics(), broker))


def _play(supervisor: Supervisor, broker: EmbeddedBroker, lines: Lines, *, seconds: float) -> None:
    service = Thread(target=supervisor.run, name="service", daemon=True)
    service.start()
    outcomes = Outcomes(broker.bootstrap_servers, "postback.outcomes")
    crm = Crm(broker.bootstrap_servers)
    try:
        _wait_until_ready(supervisor, time.monotonic() + _READY_WITHIN_S)
        until = time.monotonic() + seconds
        next_event = 0.0
        while time.monotonic() < until:
            if time.monotonic() >= next_event:
                next_event = time.monotonic() + _EVENT_EVERY_S
                emitted = crm.emit()
                lines.event(emitted.topic, emitted.order_id, emitted.what)
            for row in outcomes.next(0.1):
                lines.outcome(row)
    finally:
        supervisor.stop()
        service.join(10)
        outcomes.close()


def _wait_until_ready(supervisor: Supervisor, until: float) -> None:
    while (problem := supervisor.why_not_ready()) is not None:
        if time.monotonic() > until:
            raise ConsumerError(f"the demo did not get ready: {problem}")
        time.sleep(0.1)


def _introduction(port: int, seconds: float) -> str:
    return f"""\
Three profiles send to a receiver at http://127.0.0.1:{port}:
  data-hub     all events as JSON, a run every {_TICK_S} s (15 minutes in real use)
  call-center  partials by GET, after a delay of 3 s: a run every {_TICK_S + 3} s
  membership   new sales by PUT; its receiver is down once, and what failed is retried in the next run
Ends after {seconds:g} s, or on Ctrl-C.
"""


def _summary(lines: Lines) -> str:
    counts = lines.counts
    return (
        f"\n{counts['events']} events: {counts['delivered']} deliveries made, {counts['failed']} failed, "
        f"{counts['suppressed']} suppressed.\nNext: postback init, then put in your own receiver."
    )
