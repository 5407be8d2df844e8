"""What the guide says of checks is true."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch

from optbench.api import ProblemPlugin, UserError
from optbench.cli import main
from optbench.testing.collection import CHECKED, checks_for
from optbench.testing.conformance import findings
from optbench.testing.framework import Subject
from optbench.testing.subjects import find_subjects
from optbench.testing.trials import place

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "plugins.md").read_text()


@pytest.mark.parametrize("kind", CHECKED)
def test_names_of_checks_are_unique_lower_case_words(kind: str) -> None:
    names = [check.name for check in checks_for(kind)]
    assert len(set(names)) == len(names)
    assert [name for name in names if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+|restarts|composes", name)] == []


def shown_plugin(document: str, tmp_path: Path) -> tuple[Subject, ...]:
    """Return the first Python block of a document as a plugin file."""
    source = re.findall(r"^```python\n(.*?)^```", (ROOT / document).read_text(), flags=re.MULTILINE | re.DOTALL)[0]
    path = tmp_path / f"shown_{Path(document).stem.lower()}.py"
    path.write_text(source)
    return find_subjects(str(path), None)  # type: ignore[arg-type]  # a file needs no catalogue


@pytest.mark.parametrize("document", ["README.md", "docs/plugins.md"])
def test_the_plugin_that_a_document_shows_is_sound(document: str, tmp_path: Path) -> None:
    for subject in shown_plugin(document, tmp_path):
        assert [finding for finding in findings(subject) if finding.failed] == []


PROBLEMS = [
    block for block in re.findall(r"^```python\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL) if "Problem" in block
]


@pytest.mark.parametrize("source", PROBLEMS, ids=["functions", "class"])
def test_the_problems_that_the_guide_shows_are_sound(
    source: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.py").write_text(source)
    assert main(["check", str(tmp_path / "mine.py")]) == 0
    assert "gradient-is-right" in capsys.readouterr().out


class Tensorial:
    """Its start is a tensor, as one might think."""

    size = 2

    def __init__(self, **place: Any) -> None:
        """Take whatever is given."""

    def start(self, streams: Any) -> torch.Tensor:
        return torch.zeros(2)

    def value(self, x: torch.Tensor) -> torch.Tensor:
        return x.dot(x)


class Bare:
    """No problem at all."""

    def __init__(self, **place: Any) -> None:
        """Take whatever is given."""


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (Tensorial, r"start\(\) of .*:Tensorial returned a Tensor; expected optbench.api.Point\(parameters=tensor\)"),
        (Bare, r"returned a Bare, which has no size and no start and no value; expected an optbench.api.Problem or"),
    ],
)
def test_what_is_no_problem_is_told_once_where_it_is_built(made: type, message: str) -> None:
    record = ProblemPlugin(name="mine", factory=f"{__name__}:{made.__name__}", summary="x")
    with pytest.raises(UserError, match=message):
        Subject.of_record(record).problem(place())
