"""
YAML text -> a tree of texts with their lines.

Every scalar stays the text that stands in the file, so that `0400`, `1.10` and `NO` arrive as they were typed: the one
who wants a number or a flag reads it from the text. Only null (nothing, `~`, `null`) is not a text.
"""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from consumer.adapters.yaml_errors import encoding_error, sentence_of
from consumer.core.located import Node
from consumer.core.problem import Problem

_LARGEST_FILE: Final = 1 << 20
_MOST_NODES: Final = 50_000
_DEEPEST: Final = 32
_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # without libyaml ten times slower, not different
_PREFIX: Final = "tag:yaml.org,2002:"
_CORE_TAGS: Final = frozenset(_PREFIX + name for name in ["str", "int", "float", "bool", "null", "map", "seq"])


@dataclass(frozen=True, slots=True)
class YamlFile:
    """
    Attributes:
        root: None when the text is no YAML; a null node when there is nothing but comments.
    """

    root: Node | None
    problems: tuple[Problem, ...] = ()


class _Refused(Exception):
    """Reading cannot go on after this problem."""

    def __init__(self, line: int, text: str) -> None:
        super().__init__(text)
        self.line = line
        self.text = text


def read_bytes(path: Path, *, limit: int = _LARGEST_FILE) -> bytes:
    """
    The content of an ordinary file.

    Raises:
        OSError: It cannot be read, is larger than *limit* bytes, or is no ordinary file (a pipe would wait for ever).
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:  # noqa: PTH123 - Path.open takes no descriptor
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(0, "it is not an ordinary file")
        content = file.read(limit + 1)
    if len(content) > limit:
        raise OSError(0, f"it is larger than {limit // 1024} KiB")
    return content


def read_yaml(path: Path) -> YamlFile:
    """What stands in the file at *path*; a file that cannot be read is a problem like any other."""
    try:
        content = read_bytes(path)
    except OSError as error:
        text = f"the file cannot be read: {error.strerror}; put an ordinary, readable YAML file there"
        return YamlFile(None, (Problem(str(path), 1, text),))
    return parse_yaml(content, str(path))


def parse_yaml(content: bytes, file: str) -> YamlFile:
    """
    The tree that *content* holds.

    Args:
        file: What problems name.
    """
    reader = _Reader(file)
    try:
        root = reader.read(_decoded(content))
    except _Refused as refused:
        return YamlFile(None, (*reader.problems, Problem(file, refused.line, refused.text)))
    except yaml.YAMLError as error:
        line, text = sentence_of(error, content)
        return YamlFile(None, (*reader.problems, Problem(file, line, text)))
    return YamlFile(root, tuple(reader.problems))


def _decoded(content: bytes) -> str:
    wrong = encoding_error(content)
    if wrong:
        raise _Refused(*wrong)
    return content.decode("utf-8-sig")


@dataclass(frozen=True, slots=True)
class _Built:
    """A node, with how many nodes and levels it stands for once its aliases are filled in."""

    node: Node
    size: int = 1
    height: int = 1


class _Reader:
    """Builds one tree from the parser's events, with a bound on its size that aliases count for, too."""

    def __init__(self, file: str) -> None:
        self.problems: list[Problem] = []
        self._file = file
        self._anchors: dict[str, _Built] = {}
        self._nodes = 0
        self._events: Iterator[Any] = iter(())

    def read(self, text: str) -> Node:
        self._events = iter(yaml.parse(text, Loader=_LOADER))
        next(self._events)  # the stream's start
        start = next(self._events)
        if isinstance(start, yaml.StreamEndEvent):
            return Node(self._file, 1, None)
        root = self._build(next(self._events), 1).node
        next(self._events)  # the document's end
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            line = _line(after)
            raise _Refused(line, "a second document begins here (`---`): give it a file of its own")
        return root

    def _build(self, event: Any, depth: int) -> _Built:
        line = _line(event)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, line, depth)
        self._count(1, line)
        if depth > _DEEPEST:
            raise _Refused(line, f"more than {_DEEPEST} levels are nested here: nothing in this file goes that deep")
        if event.tag and event.tag != "!" and event.tag not in _CORE_TAGS:
            raise _Refused(line, f"the tag `{event.tag}` has no meaning here: remove it, or put the text in quotes")
        match event:
            case yaml.ScalarEvent():
                built = _Built(Node(self._file, line, _scalar(event)))
            case yaml.SequenceStartEvent():
                built = self._sequence(line, depth)
            case _:
                built = self._mapping(line, depth)
        if event.anchor:
            self._anchors[event.anchor] = built
        return built

    def _alias(self, event: Any, line: int, depth: int) -> _Built:
        built = self._anchors.get(event.anchor)
        if built is None:
            name = event.anchor
            text = f"`*{name}` refers to `&{name}`, which is not defined before it: quote a text that begins with *"
            raise _Refused(line, text)
        self._count(built.size, line)
        if depth + built.height > _DEEPEST:
            raise _Refused(line, f"`*{event.anchor}` nests more than {_DEEPEST} levels: write out what it stands for")
        return built

    def _sequence(self, line: int, depth: int) -> _Built:
        children: list[_Built] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            children.append(self._build(event, depth + 1))
        return _built(Node(self._file, line, [child.node for child in children]), children)

    def _mapping(self, line: int, depth: int) -> _Built:
        children: dict[str, _Built] = {}
        keys: dict[str, int] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key, key_line = self._key(event), _line(event)
            child = self._build(next(self._events), depth + 1)
            if key in keys:
                text = f"`{key}` appears twice, here and on line {keys[key]}: keep one of them"
                self.problems.append(Problem(self._file, key_line, text))
                continue
            children[key], keys[key] = child, key_line
        node = Node(self._file, line, {key: child.node for key, child in children.items()}, keys)
        return _built(node, children.values())

    def _key(self, event: Any) -> str:
        line = _line(event)
        self._count(1, line)
        if not isinstance(event, yaml.ScalarEvent) or not event.value:
            raise _Refused(line, "a key must be a word: write `key: value`, and put texts with { or [ in quotes")
        if event.value == "<<" and event.implicit[0]:
            raise _Refused(
                line, "merge keys (`<<`) are not read: write the keys out, or refer to one whole value with *"
            )
        return str(event.value)

    def _count(self, nodes: int, line: int) -> None:
        self._nodes += nodes
        if self._nodes > _MOST_NODES:
            text = f"more than {_MOST_NODES} values, aliases counted out, end the reading here: split the file"
            raise _Refused(line, text)


def _built(node: Node, children: Any) -> _Built:
    size = 1 + sum(child.size for child in children)
    return _Built(node, size, 1 + max((child.height for child in children), default=0))


def _scalar(event: Any) -> str | None:
    is_plain = event.implicit[0]
    return None if (is_plain and event.value in _NULLS) or event.tag == _PREFIX + "null" else event.value


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1
