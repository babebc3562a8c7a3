"""Every setting as it is declared: its path, its kind, its default and its sentence, nested ones too."""

from __future__ import annotations

import difflib
import inspect
import types
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, SecretStr

from tallystick.core.policy import DEFAULT, Policy
from tallystick.server.settings import PREFIX, Settings

_CLOSE_ENOUGH = 0.6


@dataclass(frozen=True, slots=True)
class Declared:
    """A setting.

    Args:
        path: its name, one word for each level.
        description: what it is, in one sentence.
        default: its value if nobody says anything.
        secret: whether its value is never shown.
        optional: whether the level that it lies in may be missing as a whole.
    """

    path: tuple[str, ...]
    description: str
    default: Any
    secret: bool = False
    optional: bool = False

    @property
    def name(self) -> str:
        """Its name with dots."""
        return ".".join(self.path)

    @property
    def variable(self) -> str:
        """Its environment variable."""
        return PREFIX + "__".join(self.path).upper()


def declared() -> tuple[Declared, ...]:
    """Gives every setting, in the order of the declarations."""
    return tuple(_of_model(Settings, ()))


def _of_model(model: type[BaseModel], path: tuple[str, ...], optional: bool = False) -> Iterator[Declared]:
    for name, field in model.model_fields.items():
        inner = (*path, name)
        default = None if field.is_required() else field.get_default(call_default_factory=True)
        nested = next((one for one in _kinds(field.annotation) if _is_nested(one)), None)
        if nested is None:
            secret = SecretStr in _kinds(field.annotation)
            yield Declared(inner, field.description or "", default, secret, optional)
        elif issubclass(nested, BaseModel):
            yield from _of_model(nested, inner, optional or default is None)
        else:
            yield from _of_dataclass(nested, DEFAULT if nested is Policy else default, inner)


def _kinds(annotation: Any) -> tuple[Any, ...]:
    if get_origin(annotation) in (Union, types.UnionType):
        return tuple(kind for one in get_args(annotation) for kind in _kinds(one))
    return (annotation,)


def _is_nested(kind: Any) -> bool:
    return inspect.isclass(kind) and (is_dataclass(kind) or issubclass(kind, BaseModel))


def _of_dataclass(cls: Any, value: Any, path: tuple[str, ...]) -> Iterator[Declared]:
    meanings = _arguments(cls)
    hints = get_type_hints(cls)
    for field in fields(cls):
        inner, default = (*path, field.name), getattr(value, field.name)
        if is_dataclass(hints[field.name]):
            yield from _of_dataclass(hints[field.name], default, inner)
        else:
            yield Declared(inner, meanings.get(field.name, ""), default)


def _arguments(cls: type) -> dict[str, str]:
    _, _, listed = (inspect.getdoc(cls) or "").partition("Args:\n")
    found: dict[str, str] = {}
    last = ""
    for line in listed.splitlines():
        if line.startswith("        ") and last:
            found[last] += f" {line.strip()}"
        elif line.startswith("    "):
            last, _, meaning = line.strip().partition(": ")
            found[last] = meaning
    return found


def plain(value: Any) -> Any:
    """Gives a value as TOML and JSON know it; a secret's is revealed, so the caller must mask it."""
    match value:
        case SecretStr():
            return value.get_secret_value()
        case Path():
            return str(value)
        case tuple() | list() | frozenset() | set():
            return [plain(one) for one in value]
        case _:
            return value


def value_of(settings: Settings, path: tuple[str, ...]) -> Any:
    """Gives the value that a setting has; None where its level is missing as a whole."""
    found: Any = settings
    for name in path:
        found = None if found is None else getattr(found, name)
    return found


def did_you_mean(name: str, known: tuple[str, ...]) -> str:
    """Gives the known name that is nearest to another, or nothing."""
    near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=_CLOSE_ENOUGH)
    if near:
        return near[0]
    # The last word alone often tells which level was forgotten: refresh_grace for policy.refresh_grace.
    last = _last(name.lower())
    return next((one for one in known if _last(one) == last), "")


def _last(name: str) -> str:
    return name.replace("__", ".").rpartition(".")[2]
