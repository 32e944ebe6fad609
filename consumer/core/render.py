"""delivery -> Request: where a mapping becomes a query or a body."""

from collections.abc import Sequence
from datetime import tzinfo
from functools import lru_cache
from sys import intern
from typing import Any, Final

from consumer.core.event import ABSENT, Fields, Getter, field_getter, fields_of
from consumer.core.profile import FieldMapping, Header, Mapping, Profile, StaticMapping
from consumer.core.request import Request, endpoint_of
from consumer.core.values import form_encode, form_text, json_member, json_quoted, utf8

_FORM: Final = "application/x-www-form-urlencoded"

Step = tuple[str, str | None, str | None, Getter | None]
"""Name as it is sent; what is sent where that is static; a top-level field; a getter where it is more than that."""


def media_type(content_type: str) -> str:
    """`application/json` of `Application/JSON; charset=utf-8`."""
    return content_type.partition(";")[0].strip().lower()


class Renderer:
    """
    One profile's requests; all that does not depend on the event is prepared once.

    Five hundred profiles take turns, and what each has for itself is no longer in the processor's cache when its turn
    comes. So it is little, and what profiles have in common they share.

    Attributes:
        endpoint: `scheme://host:port` of the URL.
        fields: Names of the event's top-level fields that they are made of.
    """

    __slots__ = (
        "_adds_key",
        "_ca_file",
        "_headers",
        "_in_body",
        "_is_json",
        "_method",
        "_steps",
        "_url",
        "_zone",
        "endpoint",
        "fields",
    )

    def __init__(self, profile: Profile, *, zone: tzinfo, user_agent: str, items: str = "items") -> None:
        """
        Args:
            zone: Of rendered timestamps.
            items: Name of the array that the slots `productN_x` count in.
        """
        self.endpoint = intern(endpoint_of(profile.url))
        self._method = profile.method
        self._url = profile.url
        self._in_body = profile.in_body
        self._ca_file = profile.ca_file
        self._zone = zone
        self._headers, self._adds_key = _header_lines(profile.headers, user_agent, profile.in_body)
        content_type = _header(profile.headers, "content-type")
        self._is_json = profile.in_body and media_type(content_type or _FORM) == "application/json"
        self._steps = _steps(profile.mappings, self._is_json, zone, items)
        looked_at = (fields_of(field, items=items) for _, _, field, _ in self._steps if field is not None)
        self.fields = frozenset[str]().union(*looked_at)

    def render(self, fields: Fields, *, code: str, delivery_id: str) -> Request:
        """
        The request that delivers an event.

        Raises:
            RenderError: A value cannot be written in this profile's way.
        """
        parts = self._parts(fields, code)
        content = f"{{{','.join(parts)}}}" if self._is_json else "&".join(parts)
        if self._in_body:
            url, body = self._url, utf8(content)
        else:
            url, body = with_query(self._url, content), None
        key = delivery_id if self._adds_key else None
        return Request(self._method, url, self._headers, body, self._ca_file, self.endpoint, key)

    def _parts(self, fields: Fields, code: str) -> list[str]:
        parts: list[str] = []
        of_text = json_quoted if self._is_json else form_encode
        for name, static, field, get in self._steps:
            if static is not None:
                parts.append(static)
                continue
            value = code if field is None else fields.get(field) if get is None else get(fields)
            if type(value) is str:
                parts.append(name + of_text(value))
            elif value is not None and value is not ABSENT:
                parts.append(name + self._of_other(value))
        return parts

    def _of_other(self, value: Any) -> str:
        return json_member(value, self._zone) if self._is_json else form_encode(form_text(value, self._zone))


@lru_cache(maxsize=1024)
def _steps(
    mappings: tuple[Mapping, ...],
    is_json: bool,  # noqa: FBT001 - a part of the key
    zone: tzinfo,
    items: str,
) -> tuple[Step, ...]:
    return tuple(_step(mapping, is_json, zone, items) for mapping in mappings)


@lru_cache(maxsize=4096)
def _step(mapping: Mapping, is_json: bool, zone: tzinfo, items: str) -> Step:  # noqa: FBT001 - a part of the key
    name = f"{json_member(mapping.export_name, zone)}:" if is_json else f"{form_encode(mapping.export_name)}="
    match mapping:
        case StaticMapping(value=value):
            return name, name + (json_member(value, zone) if is_json else form_encode(value)), None, None
        case FieldMapping(field="customerType"):
            return name, None, None, None
        case FieldMapping(field=field) if "_" in field or "." in field:
            return name, None, field, field_getter(field, items=items)
        case FieldMapping(field=field):
            return name, None, field, None


def with_query(url: str, query: str) -> str:
    """*url* with *query* after whatever query it has."""
    if not query:
        return url
    base, mark, before = url.partition("?")
    return f"{base}?{before}&{query}" if mark and before else f"{base}?{query}"


def _header(headers: Sequence[Header], name: str) -> str | None:
    return next((header.value for header in headers if header.name.lower() == name), None)


@lru_cache(maxsize=1024)
def _header_lines(
    headers: tuple[Header, ...],
    user_agent: str,
    in_body: bool,  # noqa: FBT001 - a part of the key
) -> tuple[tuple[str, ...], bool]:
    """The lines that are the same in each request, and whether the Idempotency-Key comes to them."""
    lines = [f"{header.name}: {header.value}" for header in headers]
    added = {"User-Agent": user_agent, "Accept": "*/*"} | ({"Content-Type": _FORM} if in_body else {})
    lines += [f"{name}: {value}" for name, value in added.items() if _header(headers, name.lower()) is None]
    return tuple(lines), _header(headers, "idempotency-key") is None
