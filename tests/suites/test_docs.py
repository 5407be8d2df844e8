"""The guide explains every key of a suite file."""

from __future__ import annotations

from pathlib import Path

import pytest

from optbench.suites import schema

DOCS = Path(__file__).parents[2] / "docs"
GUIDE = "\n".join((DOCS / name).read_text(encoding="utf-8") for name in ("suites.md", "tuning.md"))
PARTS = {part.partition("\n")[0]: part for part in GUIDE.split("\n### ")}
ENTRIES = "`[[problem]]` and `[[optimizer]]`"
TABLES = {
    "`[budget]`": schema.BudgetTable,
    "`[cost]`": schema.CostTable,
    "`[limits]`": schema.LimitsTable,
    "`[scaling]`": schema.ScalingTable,
    ENTRIES: schema.ProblemTable,
    "`[ablation]`": schema.AblationTable,
    "`[tuning]`": schema.TuningTable,
    "`search.OPTION`": schema.SearchTable,
    "`[[gate]]`": schema.GateTable,
    "`[[compare]]`": schema.CompareTable,
}


@pytest.mark.parametrize(("heading", "table"), [*TABLES.items(), (ENTRIES, schema.OptimizerTable)])
def test_every_key_of_a_table_is_explained_in_its_section(heading, table):
    first_cells = [line.split("|")[1] for line in PARTS[heading].splitlines() if line.startswith("|")]
    explained = {word.strip(" `").partition(".")[0] for cell in first_cells for word in cell.split(",")}
    assert set(table.model_fields) - explained == set()


def test_every_key_at_the_top_of_a_file_is_explained():
    for key in schema.SuiteTable.model_fields:
        assert any(f"| `{form}` |" in GUIDE for form in (key, f"[{key}]", f"[[{key}]]")), key


def test_no_table_is_forgotten():
    tables = {found for found in vars(schema).values() if isinstance(found, type) and found.__name__.endswith("Table")}
    assert {table.__name__ for table in tables} == {"_Table", "SuiteTable", "EntryTable", "OptimizerTable"} | {
        table.__name__ for table in TABLES.values()
    }
