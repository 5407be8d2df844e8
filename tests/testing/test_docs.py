"""The page on checks says of each what the check itself says."""

from __future__ import annotations

from pathlib import Path

import pytest

from optbench.testing.devices import DEVICE_CHECKS
from optbench.testing.framework import Check
from optbench.testing.meta import META_CHECKS
from optbench.testing.problems import PROBLEM_CHECKS

PAGE = (Path(__file__).parents[2] / "docs" / "checks.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("title", "checks"), [("Problems", PROBLEM_CHECKS), ("Meta-algorithms", META_CHECKS), ("Devices", DEVICE_CHECKS)]
)
def test_each_section_lists_its_checks_in_their_order(title: str, checks: tuple[Check, ...]) -> None:
    section = PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    assert rows == [f"| `{check.name}` | {check.summary} |" for check in checks]
