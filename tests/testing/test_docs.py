"""The page on checks says of each what the check itself says, once."""

from __future__ import annotations

from pathlib import Path

import pytest

from optbench.testing.collection import CHECKED, checks_for
from optbench.testing.datasets import DATA_SET_CHECKS
from optbench.testing.devices import DEVICE_CHECKS
from optbench.testing.framework import Check
from optbench.testing.initializers import INITIALIZER_CHECKS
from optbench.testing.loading import LOADING_CHECKS
from optbench.testing.meta import META_CHECKS
from optbench.testing.optimizers import OPTIMIZER_CHECKS
from optbench.testing.problems import PROBLEM_CHECKS

PAGE = (Path(__file__).parents[2] / "docs" / "checks.md").read_text(encoding="utf-8")
SECTIONS = {
    "All kinds": LOADING_CHECKS,
    "Optimizers": tuple(check for check in OPTIMIZER_CHECKS if check not in LOADING_CHECKS),
    "Problems": PROBLEM_CHECKS,
    "Meta-algorithms": META_CHECKS,
    "Initializers": INITIALIZER_CHECKS,
    "Data sets": DATA_SET_CHECKS,
    "Devices": DEVICE_CHECKS,
}


@pytest.mark.parametrize("title", SECTIONS)
def test_each_section_lists_its_checks_in_their_order(title: str) -> None:
    section = PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    assert rows == [f"| `{check.name}` | {check.summary} |" for check in SECTIONS[title]]


def test_no_check_is_without_a_section() -> None:
    told: set[Check] = {check for checks in SECTIONS.values() for check in checks}
    assert {check for kind in CHECKED for check in checks_for(kind)} == told
