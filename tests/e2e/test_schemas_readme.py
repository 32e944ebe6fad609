"""What schemas/README.md tells an emitter to do is what the service takes."""

import re
import subprocess
import sys

import pytest

from tests.broker.kafka import KafkaBroker
from tests.e2e.crm import Crm
from tests.e2e.service import Service
from tests.events import SCHEMAS
from tests.receiver import Receiver

pytestmark = pytest.mark.broker


def test_the_event_from_python_goes_out(service: Service, crm: Crm, receiver: Receiver, broker: KafkaBroker) -> None:
    service.profile("hub", receiver.url("/hub"))
    service.start()

    (snippet,) = re.findall(r"^```python\n(.+?)^```$", (SCHEMAS / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    here = {'"localhost:9092"': f'"{broker.bootstrap_servers}"', '"orders"': f'"{service.orders}"'}
    for theirs, ours in here.items():
        assert snippet.count(theirs) == 1
        snippet = snippet.replace(theirs, ours)
    done = subprocess.run([sys.executable, "-c", snippet], capture_output=True, text=True, check=False, timeout=60)

    assert (done.returncode, done.stdout, done.stderr) == (0, "written\n", "")
    receiver.wait_for_all({"sample-order"}, "/hub")
