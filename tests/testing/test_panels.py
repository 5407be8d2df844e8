"""What a problem states of its panels is compared with its values; each planted mistake is caught."""

from __future__ import annotations

import re
from typing import Any

import pytest
import torch
from torch import Tensor

from optbench.api import Panel, Point, ProblemPlugin
from optbench.testing.framework import Finding, Subject, attempt
from optbench.testing.problems import PROBLEM_CHECKS


class Sound:
    """½⟨B − M, G(B − M)⟩ + ½Σ|B| of three rows of two entries; rows longer than 2 count as shortened to 2."""

    size = 6
    f_star = None
    f_star_source = ""
    f_star_from_start = None
    stated = Panel(l1=0.5, bound=2.0)

    def __init__(self, *, device: torch.device, dtype: torch.dtype, streams: Any) -> None:
        self.centre = torch.arange(6, device=device, dtype=dtype).view(3, 2)
        self.curvature = torch.tensor([[2, 1, 0], [1, 3, 1], [0, 1, 4]], device=device, dtype=dtype)

    def start(self, streams: Any) -> Point:
        return Point(parameters=torch.full_like(self.centre, 0.3).flatten(), layout={"B": (0, (3, 2))})

    def value(self, x: Tensor) -> Tensor:
        rows = x.view(3, 2)
        rows = rows / (torch.linalg.vector_norm(rows, dim=1, keepdim=True) / 2).clamp(min=1)
        errors = rows - self.centre
        return 0.5 * (errors * (self.curvature @ errors)).sum() + 0.5 * rows.abs().sum()

    @property
    def panels(self) -> dict[str, Panel]:
        return {"B": self.stated}

    def gram(self, x: Tensor, name: str) -> Tensor:
        return self.curvature.clone()


class WrongGram(Sound):
    def gram(self, x: Tensor, name: str) -> Tensor:
        return 1.001 * self.curvature


class AsymmetricGram(Sound):
    def gram(self, x: Tensor, name: str) -> Tensor:
        return self.curvature.triu()


class GramOfEntries(Sound):
    def gram(self, x: Tensor, name: str) -> Tensor:
        return torch.eye(6, dtype=x.dtype)


class ForgottenWeight(Sound):
    stated = Panel(bound=2.0)


class WrongBound(Sound):
    stated = Panel(l1=0.5, bound=1.0)


class WithoutItsName(Sound):
    @property
    def panels(self) -> dict[str, Panel]:
        return {"C": self.stated}


def finding_of(made: type) -> Finding:
    record = ProblemPlugin(name="mine", factory=f"{__name__}:{made.__name__}", summary="x", random=False)
    (check,) = (item for item in PROBLEM_CHECKS if item.name == "panels-are-as-stated")
    return attempt(check, Subject.of_record(record))


def test_sound_panels_pass() -> None:
    found = finding_of(Sound)
    assert (found.status, found.message) == ("ok", "")


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (
            WrongGram,
            r"change of the gradient of the panel B\[\d, \d\]: expected .* by its gram, got .*WrongGram.gram\)$",
        ),
        (AsymmetricGram, r"gram of the panel B\[\d, \d\]: expected \d by symmetry, got \d .*AsymmetricGram.gram\)$"),
        (GramOfEntries, r"has shape \(6, 6\); expected \(3, 3\)"),
        (ForgottenWeight, r"change of the (gradient|value) of the panel B.* by its gram"),
        (WrongBound, r"value beyond the bound of B: expected .* with the rows shortened to it, got .*Sound.value\)$"),
        (WithoutItsName, r"panels are of \['C'\]; expected each tensor of \['B'\]"),
    ],
)
def test_a_mistake_is_caught(made: type, message: str) -> None:
    found = finding_of(made)
    assert found.failed
    assert re.search(message, found.message), found.message
