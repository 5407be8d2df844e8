"""Dense methods at sizes that nobody can run: what is projected is what a real run shows where both can be had."""

from __future__ import annotations

from pathlib import Path

import pytest

from optbench.measure.factories import build
from optbench.measure.memory_pass import exact_level
from optbench.measure.projection import BUDGET, project
from optbench.records import Component, Job, TrialSpec, parse
from optbench.registry import Catalogue, load_catalogue, resolve, resolve_recipe
from optbench.runner.jobs import JobFactory

A_NUMBER = 8  # bytes: where torch is watched a method may keep a tensor, and a float where BLAS does its arithmetic
LONG = 2**14 + 1  # numbers of parameters from which `cg` leaves vectors to torch, which tells of its temporaries

FIGURES = ("problem_bytes", "state_bytes", "peak_live_bytes", "transient_bytes")


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue(only=("optbench",))


def job(catalogue: Catalogue, optimizer: str, n: int) -> Job:
    problem = resolve(catalogue, "problems", parse("quadratic")[0])
    spec = TrialSpec(
        problem=Component(name=problem.name, options={**problem.options, "n": n}),
        optimizer=resolve_recipe(catalogue, optimizer)[0],
    )
    made = JobFactory(catalogue, machine="").job(spec, "projection", Path(), None)
    return Job(**{**vars(made), "rehearsals": tuple({**problem.options, "n": small} for small in (128, 256))})


@pytest.mark.parametrize(
    ("optimizer", "n"), [("newton", 1000), ("bfgs", 1000), ("lbfgs", 1000), ("cg", LONG), ("adam", 1000)]
)
def test_a_projection_is_exact_to_a_number(catalogue: Catalogue, optimizer: str, n: int) -> None:
    asked = job(catalogue, optimizer, n)

    projected, real = project(asked), exact_level(asked, build(asked), BUDGET)

    for name in FIGURES:
        assert abs(getattr(projected, name) - getattr(real, name)) <= A_NUMBER, name


@pytest.mark.parametrize(("optimizer", "matrices"), [("newton", 3), ("bfgs", 1)])
def test_a_million_parameters_take_whole_matrices(catalogue: Catalogue, optimizer: str, matrices: int) -> None:
    record = project(job(catalogue, optimizer, 10**6))

    assert record.peak_live_bytes == pytest.approx(matrices * 8e12, rel=1e-4)
    assert record.state_bytes == pytest.approx(8e12, rel=1e-4)
