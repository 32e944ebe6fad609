"""Which fields an event can have, to find the mistyped ones before an event does."""

import re
from collections.abc import Set
from dataclasses import dataclass
from typing import Final

from consumer.core.problem import Severity, did_you_mean

_SLOT: Final = re.compile(r"(product[1-9][0-9]{0,3}_)(.+)")
_IN_ARRAY: Final = re.compile(r"\w+[\[.]([0-9]{1,4})\]?\.(.+)")
"""Places as other programs write them: items[0].name, items.0.name."""

_DIGITS: Final = re.compile(r"[0-9]{1,4}")
_LONG_ENOUGH: Final = 3
_MOST_MEANT: Final = 3


@dataclass(frozen=True, slots=True)
class KnownFields:
    """
    Attributes:
        names: Top-level fields, dotted paths, `items[].x` for what the items of an array have, and `x.*` for the inner
            names of a map, which no schema tells.
        severity: Error where the schemas are all there are; warning where a registry may have more.
        campaign: Field of the campaign's id, if it is a whole number wherever an event has it.
        product: The same of a product's id.
    """

    names: frozenset[str]
    severity: Severity = "error"
    campaign: str | None = None
    product: str | None = None

    def why_unknown(self, field: str, *, consequence: str = "") -> str | None:
        """What is wrong with a field's name, and what comes of it; None when an event can have it."""
        of_items = {name.partition("[].")[2] for name in self.names if "[]." in name}
        slot = _SLOT.fullmatch(field)
        if field == "customerType" or _has(self.names, field) or (slot and _has(of_items, slot[2])):
            return None
        return f"no schema has the field `{field}`{consequence}{self._meant(field, of_items)}"

    def _meant(self, field: str, of_items: Set[str]) -> str:
        plain = {"customerType", *(name for name in self.names if "[]" not in name and "*" not in name)}
        begun = sorted(name for name in plain if name.casefold().startswith(field.casefold()))
        if begun and len(field) >= _LONG_ENOUGH:
            return f"; did you mean {' or '.join(f'`{name}`' for name in begun[:_MOST_MEANT])}?"
        place = _IN_ARRAY.fullmatch(field)
        number = int(place[1]) + 1 if place else max(1, int((_DIGITS.findall(field) or ["1"])[0]))
        slots = {f"product{number}_{name}" for name in of_items if "*" not in name}
        return did_you_mean(f"product{number}_{place[2]}" if place else field, plain | slots, closeness=0.8)


def _has(names: Set[str], path: str) -> bool:
    """Whether *path* is one of the names, or leads into something whose inner names no schema tells."""
    inner = (f"{path[:place]}.*" for place, letter in enumerate(path) if letter == ".")
    return path in names or "*" in names or any(name in names for name in inner)
