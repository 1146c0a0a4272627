"""Every key that `config.yaml` may hold, walked from the model: for messages, and for checking the docs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from proxy.config import Config

ANY = "<name>"
"""Stands in a path for a key the operator chooses, such as a model's name."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key that holds a value, not a section."""

    path: str
    field: FieldInfo

    @property
    def required(self) -> bool:
        """Whether the section that holds it is wrong without it."""
        return self.field.is_required()


def keys(section: type[BaseModel] = Config, prefix: str = "") -> Iterator[Key]:
    """Every value's key, in the order of the model, e.g. `mirror.sample` and `guardrails.<name>.margin`."""
    for name, field in section.model_fields.items():
        path = prefix + name
        if (inner := _section(field.annotation)) is not None:
            yield from keys(inner, f"{path}.")
        elif (inner := _named_sections(field.annotation)) is not None:
            yield from keys(inner, f"{path}.{ANY}.")
        else:
            yield Key(path, field)


def section_at(location: Iterable[str | int]) -> type[BaseModel] | None:
    """The model of the section at `location`; None where the model has no such section."""
    section: type[BaseModel] | None = Config
    steps = iter(location)
    for step in steps:
        field = section.model_fields.get(str(step)) if section else None
        if field is None:
            return None
        section = _section(field.annotation)
        if section is None and (section := _named_sections(field.annotation) or _listed_sections(field.annotation)):
            next(steps, None)
    return section


def _section(annotation: Any) -> type[BaseModel] | None:
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def _listed_sections(annotation: Any) -> type[BaseModel] | None:
    return _section(get_args(annotation)[0]) if get_origin(annotation) is tuple else None


def _named_sections(annotation: Any) -> type[BaseModel] | None:
    return _section(get_args(annotation)[1]) if get_origin(annotation) is dict else None
