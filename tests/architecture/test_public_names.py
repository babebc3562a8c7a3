"""The public names change only on purpose: these lists are what users may rely on."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import tallystick
from tests.architecture.source import SOURCE, module_name, modules

PUBLIC_NAMES = [
    "Authority",
    "Everything",
    "Rejected",
    "SessionView",
    "TallystickError",
    "Unavailable",
    "Verifier",
    "open_log",
    "open_stores",
    "policies",
]
TOP = SOURCE / "__init__.py"


def more_than_reexports(tree: ast.Module) -> list[str]:
    """Names each statement of an `__init__.py` that is neither docstring, import, `__all__` nor an alias of types."""
    found = []
    for node in tree.body:
        match node:
            case ast.Expr(value=ast.Constant(value=str())) | ast.Import() | ast.ImportFrom():
                continue
            case ast.Assign(targets=[ast.Name(id="__all__")]):
                continue
            case ast.Assign(targets=[ast.Name()], value=ast.BinOp(op=ast.BitOr())):
                continue
            case ast.AnnAssign(annotation=ast.Name(id="TypeAlias")):
                continue
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                continue
        found.append(f"line {node.lineno}: {ast.unparse(node).splitlines()[0]}")
    return found


def test_the_public_names_are_these() -> None:
    """`tallystick` offers exactly the documented names, sorted."""
    assert list(tallystick.__all__) == PUBLIC_NAMES


@pytest.mark.parametrize("name", PUBLIC_NAMES)
def test_each_public_name_can_be_had(name: str) -> None:
    """Each public name resolves to something with a docstring."""
    assert getattr(tallystick, name).__doc__


def test_an_unknown_name_is_refused() -> None:
    """A misspelt name is an AttributeError, as with any module."""
    with pytest.raises(AttributeError, match="Authorty"):
        _ = tallystick.Authorty  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "path", [path for path in modules() if path.name == "__init__.py" and path != TOP], ids=module_name
)
def test_a_package_file_only_hands_on_names(path: Path) -> None:
    """An `__init__.py` has a docstring and hands on names; code lives in files with names of their own."""
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree)
    assert more_than_reexports(tree) == []


def test_code_in_a_package_file_is_found() -> None:
    """A function or a constant in an `__init__.py` is noticed."""
    tree = ast.parse("'''Doc.'''\nfrom a import b\nLIMIT = 3\ndef f(): ...\nKind = b | int\n")
    assert [finding.split(":")[0] for finding in more_than_reexports(tree)] == ["line 3", "line 4"]
