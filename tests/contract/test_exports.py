"""What packages say that they export."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def exports() -> dict[str, list[str]]:
    """Return, for each module with `__all__`, the names in it."""
    found = {}
    for top in (ROOT, ROOT / "plugins", ROOT / "suites"):
        for path in sorted(top.glob("optbench*/**/*.py")):
            for node in ast.parse(path.read_text()).body:
                if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
                    module = ".".join(path.relative_to(top).with_suffix("").parts).removesuffix(".__init__")
                    found[module] = ast.literal_eval(node.value)
    return found


EXPORTS = exports()


def kind_then_name(name: str) -> tuple[int, str]:
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)


@pytest.mark.parametrize("module", EXPORTS)
def test_exported_names_are_sorted_constants_first_then_classes(module):
    assert EXPORTS[module] == sorted(EXPORTS[module], key=kind_then_name)


@pytest.mark.parametrize("module", EXPORTS)
def test_exported_names_exist(module):
    imported = importlib.import_module(module)
    assert [name for name in EXPORTS[module] if not hasattr(imported, name)] == []
