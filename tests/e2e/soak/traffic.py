"""The emitter of a fault run: orders that begin as partials, test cards, tombstones and garbage, noted in a ledger."""

import random
import threading
import time
from collections.abc import Callable, Iterable
from typing import Self

from tests.e2e.crm import Crm, Event
from tests.e2e.soak.ledger import Garbage, Produced

_BATCH_SECONDS = 0.25


class Traffic:
    """
    Produces in a thread of its own for as long as it is entered.

    Attributes:
        failure: What ended it, if it ended by itself.
    """

    def __init__(self, crm: Crm, chance: random.Random, *, events_per_second: float) -> None:
        self.produced: list[Produced] = []
        self.garbage: list[Garbage] = []
        self.failure: BaseException | None = None
        self._crm = crm
        self._chance = chance
        self._per_batch = max(1, round(events_per_second * _BATCH_SECONDS))
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="traffic", daemon=True)
        self._open_orders: list[int] = []
        self._orders = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Return when what was begun has been acknowledged."""
        self._stop.set()
        self._thread.join(120)

    def _run(self) -> None:
        try:
            while not self._stop.wait(_BATCH_SECONDS):
                self._batch()
        except BaseException as failure:
            self.failure = failure
            raise

    def _batch(self) -> None:
        partials = [self._partial() for _ in range(self._chance.randint(0, self._per_batch // 3 + 1))]
        self._send(partials, self._crm.send_partials)
        orders = [self._order() for _ in range(self._per_batch - len(partials))]
        self._send(orders, self._crm.send_orders)
        if self._chance.random() < 0.3:
            garbage = Garbage(value=self._chance.randbytes(self._chance.randint(1, 60)), at=time.time())
            self._crm.send_bytes([garbage.value, None], key=str(self._chance.randint(1, 50)))
            self.garbage.append(garbage)

    def _send(self, events: list[Event], send: Callable[[Iterable[Event]], float]) -> None:
        if not events:
            return
        at = time.time()
        acknowledged_at = send(events)
        for event in events:
            self.produced.append(
                Produced(
                    number=len(self.produced) + 1,
                    event_id=event["eventId"],
                    order_id=event["orderId"],
                    types=tuple(event["customerTypes"]),
                    at=at,
                    acknowledged_at=acknowledged_at,
                    is_test_card=event["isTestCard"],
                )
            )

    def _partial(self) -> Event:
        """A new checkout, or one more version of one that is open."""
        if self._open_orders and self._chance.random() < 0.5:
            order = self._chance.choice(self._open_orders[-20:])
        else:
            order = self._new_order()
            self._open_orders.append(order)
        return self._crm.partial(orderId=order)

    def _order(self) -> Event:
        """An order out of a partial, something more about an order, or one that nobody knew."""
        drawn = self._chance.random()
        if drawn < 0.25 and self._open_orders:
            order = self._chance.choice(self._open_orders)
        elif drawn < 0.6 and self._orders > 20:
            order = 1_000_000 + self._chance.randint(self._orders - 20, self._orders)
        else:
            order = self._new_order()
        types = self._chance.choice((["SALE"], ["SALE"], ["UPSELL"], ["DECLINE"], ["SALE", "UPSELL"], ["CANCEL"]))
        is_test_card = self._chance.random() < 0.1
        if order in self._open_orders and not is_test_card and types != ["DECLINE"]:
            self._open_orders.remove(order)  # the CRM tells of no partial behind its order
        return self._crm.order(orderId=order, customerTypes=types, isTestCard=is_test_card)

    def _new_order(self) -> int:
        self._orders += 1
        return 1_000_000 + self._orders
