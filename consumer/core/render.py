"""delivery -> Request: where a mapping becomes a query or a body."""

from collections.abc import Callable
from datetime import tzinfo
from typing import Any, Final

from consumer.core.event import ABSENT, Fields, Getter, field_getter, fields_of
from consumer.core.profile import FieldMapping, Mapping, Profile, StaticMapping
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

    Attributes:
        fields: Names of the event's top-level fields that they are made of.
    """

    def __init__(self, profile: Profile, *, zone: tzinfo, user_agent: str, products: str = "items") -> None:
        """
        Args:
            zone: Of rendered timestamps.
            products: Name of the array that the slots `productN_x` count in.
        """
        self.endpoint = endpoint_of(profile.url)
        self._profile = profile
        self._zone = zone
        self._products = products
        self._headers, self._adds_key = _header_lines(profile, user_agent)
        content_type = _header(profile, "content-type")
        self._is_json = profile.in_body and media_type(content_type or _FORM) == "application/json"
        self._render = self._json_body if self._is_json else self._form
        self._of_text: Callable[[str], str] = json_quoted if self._is_json else form_encode
        self._of_other = self._json_value if self._is_json else self._form_value
        self._steps = [self._step(mapping) for mapping in profile.mappings]
        looked_at = (fields_of(field, products=products) for _, _, field, _ in self._steps if field is not None)
        self.fields = frozenset[str]().union(*looked_at)

    def render(self, fields: Fields, *, code: str, delivery_id: str) -> Request:
        """
        The request that delivers an event.

        Raises:
            RenderError: A value cannot be written in this profile's way.
        """
        profile = self._profile
        content = self._render(fields, code)
        key = delivery_id if self._adds_key else None
        if profile.in_body:
            url, body = profile.url, utf8(content)
        else:
            url, body = with_query(profile.url, content), None
        return Request(profile.method, url, self._headers, body, profile.ca_file, self.endpoint, key)

    def _step(self, mapping: Mapping) -> Step:
        if self._is_json:
            name = f"{json_member(mapping.export_name, self._zone)}:"
        else:
            name = f"{form_encode(mapping.export_name)}="
        match mapping:
            case StaticMapping(value=value):
                encoded = json_member(value, self._zone) if self._is_json else form_encode(value)
                return name, name + encoded, None, None
            case FieldMapping(field="customerType"):
                return name, None, None, None
            case FieldMapping(field=field) if "_" in field or "." in field:
                return name, None, field, field_getter(field, products=self._products)
            case FieldMapping(field=field):
                return name, None, field, None

    def _form(self, fields: Fields, code: str) -> str:
        return "&".join(self._parts(fields, code))

    def _json_body(self, fields: Fields, code: str) -> str:
        return f"{{{','.join(self._parts(fields, code))}}}"

    def _json_value(self, value: Any) -> str:
        return json_member(value, self._zone)

    def _form_value(self, value: Any) -> str:
        return form_encode(form_text(value, self._zone))

    def _parts(self, fields: Fields, code: str) -> list[str]:
        parts: list[str] = []
        of_text, of_other = self._of_text, self._of_other
        for name, static, field, get in self._steps:
            if static is not None:
                parts.append(static)
                continue
            value = code if field is None else fields.get(field) if get is None else get(fields)
            if type(value) is str:
                parts.append(name + of_text(value))
            elif value is not None and value is not ABSENT:
                parts.append(name + of_other(value))
        return parts


def with_query(url: str, query: str) -> str:
    """*url* with *query* after whatever query it has."""
    if not query:
        return url
    base, mark, before = url.partition("?")
    return f"{base}?{before}&{query}" if mark and before else f"{base}?{query}"


def _header(profile: Profile, name: str) -> str | None:
    return next((header.value for header in profile.headers if header.name.lower() == name), None)


def _header_lines(profile: Profile, user_agent: str) -> tuple[tuple[str, ...], bool]:
    """The lines that are the same in each request, and whether the Idempotency-Key comes to them."""
    lines = [f"{header.name}: {header.value}" for header in profile.headers]
    added = {"User-Agent": user_agent, "Accept": "*/*"} | ({"Content-Type": _FORM} if profile.in_body else {})
    lines += [f"{name}: {value}" for name, value in added.items() if _header(profile, name.lower()) is None]
    return tuple(lines), _header(profile, "idempotency-key") is None
