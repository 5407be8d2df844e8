"""The guides name every hook of the interface and every key of a suite file."""

from __future__ import annotations

from pathlib import Path

import pytest

from optbench.api import Hooks
from optbench.suites.schema import BudgetTable, LimitsTable, OptimizerTable, ProblemTable, SuiteTable

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("hook", [name for name in vars(Hooks) if name.startswith("optbench_")])
def test_every_hook_has_a_section(hook: str) -> None:
    assert f"### `{hook}(" in (DOCS / "plugins.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("table", [SuiteTable, BudgetTable, LimitsTable, ProblemTable, OptimizerTable])
def test_every_key_of_a_suite_file_is_explained(table: type[SuiteTable]) -> None:
    guide = (DOCS / "suites.md").read_text(encoding="utf-8")
    for key in table.model_fields:
        assert any(form in guide for form in (f"| `{key}`", f"`[{key}]`", f"`[[{key}]]`", f"| `{key}.")), key


def test_the_example_plugin_of_the_guide_loads(tmp_path: Path) -> None:
    from optbench.registry import load_catalogue, resolve_factory

    guide = (DOCS / "plugins.md").read_text(encoding="utf-8")
    path = tmp_path / "mine.py"
    path.write_text(guide.partition("```python\n")[2].partition("```")[0], encoding="utf-8")
    catalogue = load_catalogue(only=(), plugin_files=[path])
    record = catalogue.get("optimizers", "mine/sign-descent").record
    assert resolve_factory(record.factory)(lr=0.5).lr == 0.5
    assert catalogue.broken == ()
