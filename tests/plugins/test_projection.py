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

FEW = 3 * 8  # bytes: where torch is watched a method may keep scalars as tensors, which otherwise are plain floats

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


@pytest.mark.parametrize("optimizer", ["newton", "bfgs", "lbfgs", "cg", "adam"])
def test_at_a_thousand_parameters_a_projection_is_exact_to_a_few_scalars(catalogue: Catalogue, optimizer: str) -> None:
    asked = job(catalogue, optimizer, 1000)

    projected, real = project(asked), exact_level(asked, build(asked), BUDGET)

    for name in FIGURES:
        assert abs(getattr(projected, name) - getattr(real, name)) <= FEW, name


@pytest.mark.parametrize(("optimizer", "matrices"), [("newton", 3), ("bfgs", 1)])
def test_a_million_parameters_take_whole_matrices(catalogue: Catalogue, optimizer: str, matrices: int) -> None:
    record = project(job(catalogue, optimizer, 10**6))

    assert record.peak_live_bytes == pytest.approx(matrices * 8e12, rel=1e-4)
    assert record.state_bytes == pytest.approx(8e12, rel=1e-4)
