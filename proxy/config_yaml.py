"""YAML read safely and strictly: no objects are built, no aliases, and a key given twice is an error.

YAML 1.2.2 section 3.2.1.1 requires unique keys in a mapping; PyYAML's loader keeps the last one silently. Aliases
let a few lines stand for a billion values.
"""

from __future__ import annotations

from typing import Any

import yaml


class UnreadableError(Exception):
    """The text is no YAML. The message holds line and column."""


class _Loader(yaml.SafeLoader):
    """yaml.SafeLoader that notes repeated keys as (key, first line, repeated line)."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.repeated: list[tuple[str, int, int]] = []

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "aliases are not read; write the value out", mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 - PyYAML's signature
        first: dict[str, int] = {}
        for key, _ in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            if name in first and name != "<<":
                self.repeated.append((name, first[name], line))
            first.setdefault(name, line)
        return super().construct_mapping(node, deep)


def read(text: str) -> tuple[Any, list[str]]:
    """The document, and a sentence for each key that stands twice. Raises UnreadableError."""
    loader = _Loader(text)
    try:
        tree = loader.get_single_data()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise UnreadableError(where + " ".join(filter(None, (error.context, error.problem)))) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # an impossible date is a ValueError
        raise UnreadableError(str(error).splitlines()[0] if str(error) else repr(error)) from None
    finally:
        loader.dispose()
    repeated = [
        f"line {again}: key {name!r} stands here again, first on line {first}; keep one"
        for name, first, again in loader.repeated
    ]
    return tree, repeated
