"""A tree of texts in which every node knows where it was written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from consumer.core.problem import Problem, Severity

Plain = dict[str, "Plain"] | list["Plain"] | str | None
Path = tuple[str | int, ...]
Value = Mapping[str, "Node"] | Sequence["Node"] | str | None


@dataclass(frozen=True, slots=True)
class Node:
    """
    Attributes:
        value: Keys with nodes, nodes, the text as it was written, or None for YAML's null.
        keys: Line of each key of a mapping.
    """

    file: str
    line: int
    value: Value
    keys: Mapping[str, int] = field(default_factory=dict)

    def plain(self) -> Plain:
        """The tree without its places."""
        match self.value:
            case None | str():
                return self.value
            case Mapping():
                return {key: node.plain() for key, node in self.value.items()}
            case _:
                return [node.plain() for node in self.value]

    def get(self, *path: str | int) -> Node | None:
        """The node at *path*, None where there is none."""
        if not path:
            return self
        inner = self._child(path[0])
        return inner.get(*path[1:]) if inner else None

    def text(self, *path: str | int) -> str | None:
        """The text at *path*, None where there is none."""
        node = self.get(*path)
        return node.value if node and isinstance(node.value, str) else None

    def items(self, *path: str | int) -> Sequence[Node]:
        """The nodes of the list at *path*; none where there is no list."""
        node = self.get(*path)
        return [] if node is None or isinstance(node.value, str | Mapping | None) else node.value

    def entries(self, *path: str | int) -> Mapping[str, Node]:
        """The entries of the mapping at *path*; none where there is no mapping."""
        node = self.get(*path)
        return node.value if node and isinstance(node.value, Mapping) else {}

    def problem(self, text: str, *path: str | int, severity: Severity = "error") -> Problem:
        """A problem of what stands at *path*, at the nearest line that there is."""
        node: Node = self
        for step in path:
            inner = node._child(step)
            if inner is None:
                line = node.keys.get(step, node.line) if isinstance(step, str) else node.line
                return Problem(node.file, line, text, severity)
            node = inner
        return Problem(node.file, node.line, text, severity)

    def key_problem(self, text: str, *path: str | int, severity: Severity = "error") -> Problem:
        """A problem of the key at *path* itself, not of its value."""
        parent = self.get(*path[:-1])
        key = path[-1]
        if parent is None or not isinstance(key, str) or key not in parent.keys:
            return self.problem(text, *path, severity=severity)
        file = parent.entries()[key].file
        return Problem(file, parent.keys[key], text, severity)

    def put(self, node: Node, *path: str) -> Node:
        """This mapping with *node* at *path*; what stands in the way gives way."""
        key, *rest = path
        entries = dict(self.entries())
        if rest:
            old = entries.get(key)
            inner = old if old and isinstance(old.value, Mapping) else replace(node, value={}, keys={})
            node = inner.put(node, *rest)
        return replace(self, value={**entries, key: node}, keys={key: node.line, **self.keys})

    def _child(self, step: str | int) -> Node | None:
        match self.value:
            case Mapping():
                return self.value.get(step) if isinstance(step, str) else None
            case None | str():
                return None
            case _:
                return self.value[step] if isinstance(step, int) and step < len(self.value) else None
