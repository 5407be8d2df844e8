"""What docs/line-searches.md claims of line searches in noise, on its own problems."""

from __future__ import annotations

import statistics
from pathlib import Path

import pytest
import torch

from tests.perf import noise_table
from tests.perf.noise_table import METHODS, NoisyOracle, digits, make

DOCUMENT = (Path(__file__).parents[2] / "docs" / "line-searches.md").read_text(encoding="utf-8")
TOLERANT = "hager-zhang(epsilon=0.01, omega=0.1)"


def gained(method: str, search: str, level: float, problem: str) -> float:
    return digits(METHODS[method](search), NoisyOracle(make(problem), level, in_gradient=False))


def typically_gained(method: str, search: str, level: float, problem: str) -> float:
    """Return the median over starts that lie a few roundings apart: each sees other noise, as with other arithmetic."""
    oracles = [NoisyOracle(make(problem), level, in_gradient=False) for _ in range(15)]
    for index, oracle in enumerate(oracles):
        oracle.start = oracle.start * (1 + 1e-13 * index)
    return statistics.median(digits(METHODS[method](search), oracle) for oracle in oracles)


@pytest.mark.parametrize("in_gradient", [False, True])
def test_noise_is_that_of_its_level_and_the_same_at_the_same_point(in_gradient: bool) -> None:
    exact, noisy = (NoisyOracle(make("wood"), level, in_gradient) for level in (0.0, 1e-3))
    ratios, turns = [], []
    for shift in torch.linspace(0, 1, 50, dtype=torch.float64):
        x = exact.start + shift
        (value, gradient), (seen, seen_gradient) = exact.value_and_gradient(x), noisy.value_and_gradient(x)
        ratios.append(float(seen / value) - 1)
        turns.append(float((seen_gradient - gradient).norm() / gradient.norm()))
        assert torch.equal(noisy.value_and_gradient(x)[0], seen)
    assert -1e-3 <= min(ratios) < -7e-4
    assert 7e-4 < max(ratios) <= 1e-3
    assert turns == pytest.approx([1e-3 if in_gradient else 0.0] * 50, abs=1e-12)


def test_f_is_seen_from_two_down_to_one() -> None:
    oracle = NoisyOracle(make("beale"), 0.0, in_gradient=False)
    assert float(oracle.value_and_gradient(oracle.start)[0]) == pytest.approx(2)
    assert oracle.true_value(torch.tensor([3.0, 0.5], dtype=torch.float64)) == pytest.approx(0, abs=1e-15)


@pytest.mark.parametrize("search", ["armijo", "strong-wolfe", "strong-wolfe(c2=0.1)"])
@pytest.mark.parametrize("problem", ["quadratic", "wood"])
def test_searches_that_trust_values_gain_no_more_than_the_noise_allows(search: str, problem: str) -> None:
    assert gained("lbfgs", search, 0.0, problem) > 12
    assert gained("lbfgs", search, 1e-6, problem) < 9


@pytest.mark.parametrize("problem", ["quadratic", "beale"])
def test_hager_zhang_survives_noise_below_its_epsilon_and_no_more(problem: str) -> None:
    assert gained("lbfgs", "hager-zhang", 1e-8, problem) > 12
    assert typically_gained("lbfgs", "hager-zhang", 1e-3, problem) < 8
    assert gained("lbfgs", TOLERANT, 1e-3, problem) > 12


@pytest.mark.parametrize("in_gradient", [False, True])
def test_the_document_has_the_tables_of_the_script(in_gradient: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(noise_table, "row", lambda *_, **__: [0.0] * len(noise_table.LEVELS))
    lines = [line.rpartition("` |")[0] or line for line in noise_table.table(in_gradient=in_gradient)]
    assert [line for line in lines if DOCUMENT.count(line) < 2] == []
