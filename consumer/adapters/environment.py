"""Settings from the environment: `POSTBACK_SECTION__KEY`."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from consumer.adapters.yaml_file import parse_yaml
from consumer.core.located import Node
from consumer.core.problem import Problem, did_you_mean
from consumer.settings import Settings
from consumer.validation import Section

_PREFIX: Final = "POSTBACK_"
_CONFIG: Final = "POSTBACK_CONFIG"
_CLIENT: Final = "POSTBACK_KAFKA__CLIENT__"
_LISTS: Final = {("sources",), ("http", "allow_networks"), ("kafka", "client")}
_NULLS: Final = frozenset({"null", "Null", "NULL", "~"})

# Kubernetes gives every container these for a Service that is called postback.
_SERVICE_LINK: Final = re.compile(r"POSTBACK(_.*)?_(SERVICE_HOST|SERVICE_PORT(_.*)?|PORT(_\d+_(TCP|UDP|SCTP)(_.*)?)?)")


def _paths(section: type[Section] = Settings, *above: str) -> Iterator[tuple[str, ...]]:
    for key, field in section.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, Section):
            yield from _paths(inner, *above, key)
        else:
            yield (*above, key)


_PATH_OF: Final = {_PREFIX + "__".join(path).upper(): path for path in _paths()}
_SECTIONS: Final = {_PREFIX + path[0].upper() for path in _PATH_OF.values() if len(path) > 1}


def overridden(root: Node, environ: Mapping[str, str]) -> tuple[Node, list[Problem]]:
    """
    *root* with the environment's values in place of its own.

    An empty variable counts as not set: a template that fills in nothing must not switch the test-card rule off.
    """
    problems: list[Problem] = []
    for name in sorted(environ):
        if not name.startswith(_PREFIX) or not environ[name] or name == _CONFIG:
            continue
        path = _path(name)
        if path is None:
            problems += _unknown(name)
            continue
        node, found = _node(name, path, environ[name])
        problems += found
        if node:
            root = root.put(node, *path)
    return root, problems


def _path(name: str) -> tuple[str, ...] | None:
    if name.startswith(_CLIENT) and len(name) > len(_CLIENT):
        return "kafka", "client", name.removeprefix(_CLIENT).lower().replace("_", ".")
    return _PATH_OF.get(name)


def _unknown(name: str) -> list[Problem]:
    """A problem, when *name* is meant for this program: with `__` in it, or a near miss."""
    if _SERVICE_LINK.fullmatch(name):
        return []
    if name in _SECTIONS:
        keys = ", ".join(known for known in _PATH_OF if known.startswith(f"{name}__"))
        return [Problem(name, 1, f"`{name}` is a section: set its values one by one: {keys}")]
    squeezed = {known.replace("__", "_"): known for known in _PATH_OF}
    exact = squeezed.get(name.replace("__", "_"))
    close = f"; did you mean `{exact}`?" if exact else did_you_mean(name, _PATH_OF, closeness=0.85)
    if not close and "__" not in name:
        return []
    return [Problem(name, 1, f"the environment has an unknown setting `{name}`{close or ': remove it'}")]


def _node(name: str, path: tuple[str, ...], text: str) -> tuple[Node | None, list[Problem]]:
    """The value of a variable: YAML where a list or keys are meant, else the text itself, whatever is in it."""
    if path not in _LISTS:
        return Node(name, 1, None if text in _NULLS else text), []
    if text.lstrip().startswith(("[", "{", "-")) or path != ("http", "allow_networks"):
        parsed = parse_yaml(text.encode(errors="replace"), name)
        return parsed.root, list(parsed.problems)
    return Node(name, 1, [Node(name, 1, item.strip()) for item in text.split(",")]), []
