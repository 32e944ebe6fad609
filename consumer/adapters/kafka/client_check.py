"""What librdkafka says about the settings' `kafka.client`, without asking any broker."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from confluent_kafka import Consumer, KafkaException, Producer

from consumer.adapters.kafka import properties

_NOWHERE: Final = "127.0.0.1:9"
_SILENT: Final = {"log_level": 0}


def wrong_properties(client: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Names of properties that no client can be made with, and why; the name is empty where librdkafka gives none."""
    clients: tuple[Callable[[Mapping[str, str]], Any], ...] = (
        lambda given: Consumer(properties.consumer(_NOWHERE, given, group="check") | _SILENT),
        lambda given: Producer(properties.producer(_NOWHERE, given, transactional_id="check") | _SILENT),
    )
    left = dict(client)
    for made_of in clients:
        while (why := _why_impossible(made_of, left)) is not None:
            name = next((name for name in sorted(left, key=len, reverse=True) if name in why), "")
            yield name, why
            if not name:
                return
            del left[name]


def _why_impossible(made_of: Callable[[Mapping[str, str]], Any], client: Mapping[str, str]) -> str | None:
    try:
        made_of(client)
    except KafkaException as error:
        return str(error.args[0].str())
    except (TypeError, ValueError) as error:
        return str(error)
    return None
