"""From the tree of a profile's file to the `Profile` that is in force, with everything that is wrong with it."""

import re
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from consumer.adapters.known_fields import KnownFields
from consumer.adapters.postback_url import spellings
from consumer.adapters.profile_file import ALL, MappingRow, ProfileFile, RoutingRow
from consumer.adapters.profile_headers import LocatedRow, RequestShape, read_headers
from consumer.adapters.secret_text import SecretError, SecretTexts
from consumer.core.address import Network, why_refused
from consumer.core.customer_type import CODES, NAMES, code_of
from consumer.core.located import Node
from consumer.core.problem import Problem, did_you_mean
from consumer.core.profile import FieldMapping, Profile, Route, StaticMapping
from consumer.validation import validated

_PLACEHOLDER: Final = re.compile(r"\$\{(env|file):")
_BRACKETED: Final = re.compile(r"\[(\w+)\]|\{\{?\s*(\w+)\s*\}?\}|%(\w+)%")
_WHOLE_NUMBER: Final = re.compile(r"0|-?[1-9][0-9]*", re.ASCII)
_LEFT_OUT: Final = ", and it is left out of every request"
_ANY_URL: Final = "https://unknown.invalid/"
"""Stands in for one whose secrets are missing, so that its other problems are found, too."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a profile must fit, though it loads without."""

    known_fields: KnownFields | None = None
    allow_networks: Sequence[Network] | None = None


@dataclass(frozen=True, slots=True)
class ReadProfile:
    """
    Attributes:
        profile: None when there is an error that keeps it from loading.
        name: What stands as its name, None where that cannot be told.
    """

    profile: Profile | None
    name: str | None
    line: int
    problems: tuple[Problem, ...]


def read_profile(node: Node, texts: SecretTexts, surroundings: Surroundings, *, is_broken: bool = False) -> ReadProfile:
    """
    The profile that *node* describes, with all its problems.

    Args:
        texts: Fills in its secrets; fresh for each profile, so that the profile knows its own.
        is_broken: It must not load, whatever is found here.
    """
    filled, problems = _filled(node, texts)
    file, wrong = validated(ProfileFile, filled)
    rows = list(zip(filled.items("fields"), file.fields, strict=True)) if file else _valid_rows(filled)
    shape, wrong_headers = read_headers(rows)
    problems += [*wrong, *wrong_headers, *_twice_in_json(shape), *_placeholders(rows)]
    ca_file, wrong_ca_file = _ca_file(filled, texts)
    problems += wrong_ca_file
    loads = not problems and not is_broken
    profile = _profile(file, shape, ca_file, texts) if file is not None and loads else None
    problems += [] if file is None else _doubts(filled, shape)
    problems += [*_sent_as_they_stand(node, surroundings.known_fields), *_cut_off(node, filled)]
    problems += [*_unknown_types(filled), *_unknown_fields(shape.parameters, surroundings.known_fields)]
    problems += _unlikely_ids(filled, surroundings.known_fields)
    problems += _refused_address(filled, profile, surroundings.allow_networks)
    return ReadProfile(profile, filled.text("name"), (filled.get("name") or filled).line, tuple(problems))


def _filled(node: Node, texts: SecretTexts) -> tuple[Node, list[Problem]]:
    """*node* with its secrets filled in."""
    problems: list[Problem] = []

    def fill(inner: Node, otherwise: str, what: str) -> Node:
        if not isinstance(inner.value, str):
            return inner
        try:
            return replace(inner, value=texts.fill(inner.value))
        except SecretError as error:
            problems.append(inner.problem(f"{what}: {error}"))
            return replace(inner, value=otherwise)

    entries = dict(node.entries())
    if "postback_url" in entries:
        entries["postback_url"] = fill(entries["postback_url"], _ANY_URL, "`postback_url`")
    if rows := node.items("fields"):
        filled = [
            row.put(fill(row.entries()["static"], "", f"`fields[{place}].static`"), "static")
            if row.get("static")
            else row
            for place, row in enumerate(rows, start=1)
        ]
        entries["fields"] = replace(entries["fields"], value=filled)
    return (replace(node, value=entries) if entries else node), problems


def _valid_rows(node: Node) -> list[LocatedRow]:
    """The mappings that are right in themselves, also when others are not."""
    return [(inner, row) for inner in node.items("fields") if (row := validated(MappingRow, inner)[0])]


def _twice_in_json(shape: RequestShape) -> list[Problem]:
    if not (shape.in_body and shape.is_json):
        return []
    problems, lines = [], dict[str, int]()
    for node, row in shape.parameters:
        if row.export_name in lines:
            where = lines[row.export_name]
            text = f"`{row.export_name}` appears twice, here and on line {where}: a JSON object has a name only once"
            problems.append(node.problem(text, "export_name"))
        lines.setdefault(row.export_name, node.line)
    return problems


def _placeholders(rows: Sequence[LocatedRow]) -> list[Problem]:
    text = "${env:...} and ${file:...} are filled in only in `static` and `postback_url`: move it there"
    return [node.problem(text, "export_name") for node, row in rows if _PLACEHOLDER.search(row.export_name)]


def _sent_as_they_stand(node: Node, known: KnownFields | None) -> list[Problem]:
    """Fields in brackets, as other programs fill them in."""
    if known is None:
        return []
    names = {name.casefold(): name for name in known.names}
    texts = [(node, "postback_url"), *((row, "static") for row in node.items("fields"))]
    problems = []
    for inner, key in texts:
        for found in _BRACKETED.finditer(inner.text(key) or ""):
            name = names.get((found[1] or found[2] or found[3]).casefold())
            if name:
                text = f"`{found[0]}` is sent as written: for the value of a field, write a row with `field: {name}`"
                problems.append(inner.problem(text, key, severity="warning"))
    return problems


def _cut_off(node: Node, filled: Node) -> list[Problem]:
    """A secret's end that a browser would keep for itself."""
    if "#" in (node.text("postback_url") or "") or "#" not in (filled.text("postback_url") or ""):
        return []
    text = "`postback_url`: what is filled in has a #, and what follows it is not sent: write %23 for it there"
    return [node.problem(text, "postback_url", severity="warning")]


def _ca_file(node: Node, texts: SecretTexts) -> tuple[str | None, list[Problem]]:
    name = node.text("ca_file")
    if not name:
        return None, []
    path = texts.folder / name
    try:
        content = texts.read(path)
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=content.decode("ascii"))
    except (OSError, ValueError) as error:  # SSLError is an OSError, UnicodeDecodeError a ValueError
        is_there = isinstance(error, ssl.SSLError | ValueError)
        reason = "it holds no PEM certificate" if is_there else getattr(error, "strerror", "") or "it is not a file"
        return None, [
            node.problem(f"the ca_file {path} cannot be used: {reason}; name a PEM file of authorities", "ca_file")
        ]
    return str(path), []


def _profile(file: ProfileFile, shape: RequestShape, ca_file: str | None, texts: SecretTexts) -> Profile:
    return Profile(
        name=file.name,
        url=file.postback_url,
        method=shape.method,
        in_body=shape.in_body,
        delay=timedelta(minutes=file.export_delay_minutes),
        enabled=file.enabled,
        paused=file.paused,
        headers=shape.headers,
        mappings=tuple(_mapping(row) for _, row in shape.parameters),
        routes=tuple(_route(row) for row in file.routing),
        latest_only=file.partials.latest_only,
        skip_converted=file.partials.skip_converted,
        ca_file=ca_file,
        secrets=frozenset().union(*map(spellings, texts.secrets)),
    )


def _mapping(row: MappingRow) -> FieldMapping | StaticMapping:
    if row.field is not None:
        return FieldMapping(row.export_name, row.field)
    return StaticMapping(row.export_name, row.static or "")


def _route(row: RoutingRow) -> Route:
    is_all = row.customer_type.strip().casefold() == ALL
    return Route(code=None if is_all else code_of(row.customer_type), campaigns=row.campaign, products=row.product)


def _doubts(node: Node, shape: RequestShape) -> list[Problem]:
    """What can be sent, but is hardly meant."""
    problems = []
    if shape.in_body and shape.method == "GET":
        text = "this profile sends a GET with a body, which many receivers ignore: remove `header:httpMethodType`"
        problems.append(node.problem(text, "fields", severity="warning"))
    if not shape.in_body and shape.is_json:
        text = (
            f"Content-Type is JSON, but a {shape.method} of this profile has its parameters in the URL: "
            "add `header:httpMethodType` with the static value POST for a body"
        )
        problems.append(node.problem(text, "fields", severity="warning"))
    if not node.items("fields"):
        text = "this profile has no `fields`: its requests carry no values; add the receiver's parameters"
        problems.append(node.problem(text, "fields", severity="warning"))
    return problems


def _unknown_types(node: Node) -> list[Problem]:
    problems = []
    for row in node.items("routing"):
        name = row.text("customer_type")
        if name and name.strip().casefold() != ALL and code_of(name) not in CODES:
            close = did_you_mean(name, (*NAMES, *CODES, "All"))
            text = f"the customer type `{name}` is not known{close or ': right only if the CRM has it'}"
            problems.append(row.problem(text, "customer_type", severity="warning"))
    return problems


def _unknown_fields(rows: Sequence[LocatedRow], known: KnownFields | None) -> list[Problem]:
    if known is None:
        return []
    return [
        node.problem(text, "field", severity=known.severity)
        for node, row in rows
        if row.field is not None and (text := known.why_unknown(row.field, consequence=_LEFT_OUT))
    ]


def _unlikely_ids(node: Node, known: KnownFields | None) -> list[Problem]:
    """Ids that no event has, since it has whole numbers: the name of a campaign, 07."""
    fields = {"campaign": known.campaign, "product": known.product} if known else {}
    return [
        cell.problem(
            f"no event matches the {column} `{cell.value}`: `{field}` is a whole number; write the id, such as 7",
            severity="warning",
        )
        for row in node.items("routing")
        for column, field in fields.items()
        for cell in row.items(column) or filter(None, [row.get(column)])
        if field is not None and isinstance(cell.value, str) and _is_unlikely_id(cell.value.strip())
    ]


def _is_unlikely_id(text: str) -> bool:
    return text != "" and text.casefold() != ALL and _WHOLE_NUMBER.fullmatch(text) is None


def _refused_address(node: Node, profile: Profile | None, allowed: Sequence[Network] | None) -> list[Problem]:
    """A typed address that will be refused; a name's addresses are known only when it is sent to."""
    host = urlsplit(profile.url).hostname if profile else None
    try:
        address = ip_address("127.0.0.1" if host == "localhost" else host or "")
    except ValueError:
        return []
    why = why_refused(address, allowed) if allowed is not None else None
    if why is None:
        return []
    text = (
        f"nothing will be sent to this address ({why}): name another, or permit it in the settings' http.allow_networks"
    )
    return [node.problem(text, "postback_url")]


def entries_of(root: Node) -> tuple[Sequence[Node], list[Problem]]:
    """The profiles of one file: a mapping is one, a list is several."""
    if isinstance(root.value, Mapping):
        return [root], []
    if root.value is None:
        return [], [root.problem("the file is empty: describe a profile, as `postback init` shows, or remove the file")]
    if isinstance(root.value, str):
        return [], [
            root.problem("this is not a profile: write `name:`, `postback_url:`, `fields:`, `routing:`, one per line")
        ]
    if not root.value:
        return [], [root.problem("the list is empty: describe a profile, as `postback init` shows, or remove the file")]
    return root.value, []
