"""Writes the generated pages of the reference from the code; with `--check` only says which pages differ."""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from tallystick import errors
from tallystick.core.policy import Policy
from tallystick.server.settings import PREFIX, PRESETS, Settings

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "docs" / "reference"
ERRORS_PAGE = REFERENCE / "errors.md"
SETTINGS_PAGE = REFERENCE / "settings.md"
PYTHON_PAGE = REFERENCE / "python.md"
WIDTH = 100

_ERRORS_HEAD = """# Errors

*What does this code mean, and what should a client do about it?*

<!-- Written by `make docs` from src/tallystick/errors.py; a test compares. -->

Every error has a stable `code`, which is part of the public API: compare it, never the text. The public text may be
shown to anybody. Neither the text nor what goes to the log ever holds a secret.
"""

_SETTINGS_HEAD = f"""# Settings

*What can I choose, and how do I say it?*

<!-- Written by `make docs` from src/tallystick/server/settings.py and core/policy.py; a test compares. -->

A setting comes from the strongest of these sources that says it: a flag of the command, the environment, a file that
`TALLYSTICK_<NAME>_FILE` names (secrets only), `tallystick.toml` in the working directory, the default. In the
environment `__` stands for the dot: `policy.refresh_grace` is `{PREFIX}POLICY__REFRESH_GRACE`. A setting that is not
known, or that cannot be used, ends the command with exit code 2; the message names it and never repeats its value.
"""

_POLICY_HEAD = """## policy

What rules sessions and credentials. `preset` chooses a column; what is set under `policy` replaces that one value.
Lifetimes are whole seconds of the wall clock, names that end in `_s` are seconds. Those under `policy.staleness` are
written into the log when a store is first opened, and a process that is told otherwise later refuses to start.

| setting | type | default | banking | consumer | meaning |
|---|---|---|---|---|---|
"""

_PYTHON_HEAD = """# Python

*What may I import, and what does it take?*

<!-- Written by `make docs` from the code; a test compares. -->

These names are public. What is not named here may change without notice. `help(name)` says more: each argument with its
unit, and what is raised.
"""

MODULES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("tallystick", ()),
    ("tallystick.fastapi", ()),
    ("tallystick.starlette", ()),
    ("tallystick.web", ("routes", "standalone")),
    ("tallystick.verifier", ("VerifierState", "verify_access_token")),
    ("tallystick.core.keys.jws", ("verify_compact",)),
    ("tallystick.testing", ("FakeClock", "Sequencer", "StoreContract")),
)
"""Module → which of its names; all of `__all__` where none are given."""


# ── errors ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def error_classes() -> Iterator[type[errors.TallystickError]]:
    """Gives every error class that has a code, in the order of the source."""
    found = [
        cls
        for _, cls in inspect.getmembers(errors, inspect.isclass)
        if issubclass(cls, errors.TallystickError) and cls.code
    ]
    yield from sorted(found, key=lambda cls: inspect.getsourcelines(cls)[1])


def _error(cls: type[errors.TallystickError]) -> str:
    family = [base.__name__ for base in cls.__mro__[1:] if issubclass(base, errors.TallystickError)]
    rows = [f"## {cls.code}", "", _summary(cls), "", f"* class: `{' < '.join([cls.__name__, *family])}`"]
    if issubclass(cls, errors.OAuthError):
        rows.append(f"* on the wire: `{cls.error}`")
    if cls.default_public:
        rows.append(f"* public text: {cls.default_public}")
    return "\n".join(rows) + "\n"


def errors_page() -> str:
    """Gives the text of `docs/reference/errors.md`: one heading for each code."""
    return "\n".join([_ERRORS_HEAD, *(_error(cls) for cls in error_classes())])


# ── settings ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def settings_page() -> str:
    """Gives the text of `docs/reference/settings.md`: one heading for each setting, one table for the policy."""
    simple = {name: field for name, field in settings_of(Settings) if name != "policy"}
    rows = "".join(f"{row}\n" for row in _policy_rows("policy", Policy, *PRESETS.values()))
    return "\n".join([_SETTINGS_HEAD, *(_setting(*one) for one in simple.items()), _POLICY_HEAD + rows])


def settings_of(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Gives the name of every setting with its field; those of a nested model have a dot in their names."""
    for name, field in model.model_fields.items():
        kinds = [one for one in get_args(field.annotation) if isinstance(one, type) and issubclass(one, BaseModel)]
        if kinds:
            yield from settings_of(kinds[0], f"{prefix}{name}.")
        else:
            yield prefix + name, field


def _setting(name: str, field: FieldInfo) -> str:
    variable = f"{PREFIX}{name.upper().replace('.', '__')}"
    secret = SecretStr in get_args(field.annotation)
    limits = [f"{word} {getattr(one, at)}" for one in field.metadata for at, word in _LIMITS if hasattr(one, at)]
    rows = [
        f"## {name}",
        "",
        field.description or "",
        "",
        f"* type: {', '.join([_type(field.annotation), *limits])}",
        f"* default: {_value(None if field.is_required() else field.default)}",
        f"* environment: `{variable}`"
        + (f", or the name of a file that holds it in `{variable}_FILE`" if secret else ""),
    ]
    return "\n".join(rows) + "\n"


_LIMITS = (("ge", "at least"), ("le", "at most"))
_TYPES = {str: "text", int: "integer", float: "number", bool: "`true` or `false`", Path: "path"}


def _type(annotation: Any) -> str:
    if annotation in _TYPES:
        return _TYPES[annotation]
    if get_origin(annotation) is Literal:
        return "one of " + ", ".join(f"`{one}`" for one in get_args(annotation))
    if get_origin(annotation) is tuple:
        return "texts, in the environment separated by commas or spaces"
    if SecretStr in get_args(annotation):
        return "secret text"
    for one in get_args(annotation):
        if one in _TYPES:
            return _TYPES[one]
    raise TypeError(f"no words for {annotation}")


def _value(value: Any) -> str:
    return "none" if value in (None, (), "") else f"`{value}`"


def _policy_rows(path: str, cls: Any, *presets: Any) -> Iterator[str]:
    meanings = _arguments(cls)
    for field in fields(cls):
        values = [getattr(one, field.name) for one in presets]
        if is_dataclass(values[0]):
            yield from _policy_rows(f"{path}.{field.name}", type(values[0]), *values)
        else:
            shown = " | ".join(f"{one}" for one in values)
            kind = {"int": "integer", "float": "number", "str": "text"}[str(field.type)]
            yield f"| `{path}.{field.name}` | {kind} | {shown} | {meanings[field.name]} |"


def _arguments(cls: type) -> dict[str, str]:
    _, _, listed = (inspect.getdoc(cls) or "").partition("Args:\n")
    lines = [line.strip().partition(": ") for line in listed.splitlines() if line.startswith("    ")]
    return {name: meaning for name, _, meaning in lines}


# ── Python ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def public_names() -> Iterator[tuple[str, str]]:
    """Gives every public name with its module, in the order of the page."""
    for module, names in MODULES:
        for name in names or sorted(import_module(module).__all__):
            yield module, name


def python_page() -> str:
    """Gives the text of `docs/reference/python.md`: one heading for each public name."""
    pieces, last = [_PYTHON_HEAD], ""
    for module, name in public_names():
        if module != last:
            pieces.append(f"## {module}\n\n{_summary(import_module(module))}\n")
        pieces.append(_public(module, name))
        last = module
    return "\n".join(pieces)


def _public(module: str, name: str) -> str:
    thing = getattr(import_module(module), name)
    head = f"### {module}.{name}\n\n"
    if inspect.isclass(thing):
        methods = [_method(one) for one in _methods(thing)]
        return "\n".join([head + f"{_summary(thing)}\n\n{_fenced(_built(thing))}", *methods])
    if inspect.isfunction(thing):
        return head + f"{_summary(thing)}\n\n{_fenced(_signature(thing, name))}"
    if inspect.ismodule(thing):
        return head + f"{_summary(thing)}\n\n{_module(thing)}"
    return head + f"{_told(import_module(module), name)}\n"


def _module(module: ModuleType) -> str:
    found = [(name, one) for name, one in vars(module).items() if not name.startswith("_")]
    ours = [(name, one) for name, one in found if getattr(one, "__module__", "") == module.__name__]
    rows = [f"* `{name}`: {_told(module, name) or _summary(one)}" for name, one in ours]
    return "\n".join(rows) + "\n"


def _method(function: FunctionType) -> str:
    name = function.__name__
    kind = "async " if inspect.iscoroutinefunction(function) else ""
    return f"{_fenced(kind + _signature(function, name, drop_first=True))}\n{_summary(function)}\n"


def _methods(cls: type) -> list[FunctionType]:
    found: dict[str, FunctionType] = {}
    for base in reversed([one for one in cls.__mro__ if one.__module__.startswith("tallystick")]):
        found |= {name: one for name, one in vars(base).items() if isinstance(one, FunctionType)}
    return [one for name, one in found.items() if not name.startswith(("_", "test_"))]


def _built(cls: type) -> str:
    if "__init__" in vars(cls) and not is_dataclass(cls):
        return _signature(vars(cls)["__init__"], cls.__name__, drop_first=True, returns=False)
    if not is_dataclass(cls):
        made = next((one for one in cls.__mro__ if isinstance(vars(one).get("__init__"), FunctionType)), None)
        return cls.__name__ if made is None else _signature(vars(made)["__init__"], cls.__name__, True, False)
    assigned = [one for one in _node(cls).body if isinstance(one, ast.AnnAssign)]
    return _call(cls.__name__, [_attribute(one) for one in assigned], "")


def _attribute(assigned: ast.AnnAssign) -> str:
    value = assigned.value
    if isinstance(value, ast.Call) and ast.unparse(value.func) == "field":
        said = {one.arg: ast.unparse(one.value) for one in value.keywords}
        default = said["default"] if "default" in said else f"{said['default_factory']}()"
        return f"{ast.unparse(assigned.target)}: {ast.unparse(assigned.annotation)} = {default}"
    return ast.unparse(assigned)


def _node(thing: Any) -> Any:
    return ast.parse(textwrap.dedent(inspect.getsource(thing))).body[0]


def _signature(function: Callable[..., Any], name: str, drop_first: bool = False, returns: bool = True) -> str:
    """Gives a signature with annotations and defaults as they stand in the source, so that `DEFAULT` stays a word."""
    node = _node(function)
    written = {one.arg: one for one in [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]}
    given = [*node.args.posonlyargs, *node.args.args]
    defaults = dict(
        zip([one.arg for one in given[len(given) - len(node.args.defaults) :]], node.args.defaults, strict=True)
    )
    defaults |= {
        one.arg: value for one, value in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True) if value
    }
    parts, starred = list[str](), False
    for at, (parameter, known) in enumerate(inspect.signature(function).parameters.items()):
        if drop_first and at == 0:
            continue
        if known.kind is known.VAR_POSITIONAL:
            starred, mark = True, "*"
        elif known.kind is known.VAR_KEYWORD:
            mark = "**"
        else:
            mark = ""
        if known.kind is known.KEYWORD_ONLY and not starred:
            parts.append("*")
            starred = True
        noted = written[parameter] if not mark else (node.args.vararg if mark == "*" else node.args.kwarg)
        text = mark + ast.unparse(noted)
        parts.append(f"{text} = {ast.unparse(defaults[parameter])}" if parameter in defaults else text)
    return _call(name, parts, f" -> {ast.unparse(node.returns)}" if returns and node.returns else "")


def _call(name: str, parts: list[str], end: str) -> str:
    line = f"{name}({', '.join(parts)}){end}"
    return line if len(line) <= WIDTH else "\n".join([f"{name}(", *(f"    {one}," for one in parts), f"){end}"])


def _fenced(text: str) -> str:
    return f"```text\n{text}\n```\n"


def _told(module: ModuleType, name: str) -> str:
    """Gives the text that stands below an assignment in the source of a module, or nothing."""
    for one, after in pairwise(ast.parse(inspect.getsource(module)).body):
        targets = one.targets if isinstance(one, ast.Assign) else []
        named = any(isinstance(target, ast.Name) and target.id == name for target in targets)
        if named and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            return " ".join(str(after.value.value).split())
    return ""


def _summary(thing: Any) -> str:
    return " ".join((inspect.getdoc(thing) or "").split("\n\n", 1)[0].split())


PAGES: dict[Path, Callable[[], str]] = {
    ERRORS_PAGE: errors_page,
    SETTINGS_PAGE: settings_page,
    PYTHON_PAGE: python_page,
}


def main() -> int:
    """Writes the pages, or with `--check` exits 1 if one differs from the code."""
    wanted = {page: write() for page, write in PAGES.items()}
    differing = [page for page, text in wanted.items() if not page.exists() or page.read_text() != text]
    if "--check" in sys.argv[1:]:
        for page in differing:
            print(f"{page.relative_to(ROOT)} differs from the code: type 'make docs'", file=sys.stderr)
        return 1 if differing else 0
    for page in differing:
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(wanted[page])
    return 0


if __name__ == "__main__":
    sys.exit(main())
