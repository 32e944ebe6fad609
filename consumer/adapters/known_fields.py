"""Which fields an event can have, to find the mistyped ones before an event does."""

import re
from dataclasses import dataclass
from typing import Final

from consumer.core.problem import Severity, did_you_mean

_SLOT: Final = re.compile(r"(product[1-9][0-9]{0,3}_)(.+)")


@dataclass(frozen=True, slots=True)
class KnownFields:
    """
    Attributes:
        names: Top-level fields, dotted paths, and `items[].x` for what the items of an array have.
        severity: Error where the schemas are all there are; warning where a registry may have more.
        campaign: Field of the campaign's id, if it is a whole number wherever an event has it.
        product: The same of a product's id.
    """

    names: frozenset[str]
    severity: Severity = "error"
    campaign: str | None = None
    product: str | None = None

    def why_unknown(self, field: str) -> str | None:
        """What is wrong with a mapping's field; None when an event can have it."""
        if field == "customerType" or field in self.names or self._is_in_a_map(field):
            return None
        slot = _SLOT.fullmatch(field)
        of_items = {name.partition("[].")[2] for name in self.names if "[]." in name}
        if slot and slot[2] in of_items:
            return None
        known = {f"{slot[1]}{name}" for name in of_items} if slot else set()
        known |= {"customerType", *(name for name in self.names if "[]" not in name)}
        close = did_you_mean(field, known, closeness=0.8)
        return f"no schema has the field `{field}`{close or ': correct it, or it is left out of every request'}"

    def _is_in_a_map(self, field: str) -> bool:
        """Whether *field* is a path into something whose inner names no schema tells."""
        parents = {field[:place] for place, letter in enumerate(field) if letter == "."} & self.names
        return bool(parents) and not any(name.startswith(f"{max(parents, key=len)}.") for name in self.names)
