"""What an optimizer does must not depend on the unit of f, on its offset, or on the frame that points are written in.

A power of two scales floats exactly: iterates then agree bit for bit. Other changes round differently, so counts may
differ, by 1 or 2 % at most. Where a run goes on so long, or searches so finely, that rounding decides its course, no
such statement can be made, and a weaker one is tested apart: the plain frame is one among many.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
import torch

from optbench.api.streams import SeededStreams

PROBLEMS = ("rosenbrock", "broyden-tridiagonal", "beale", "brown-dennis")
MORE = (
    *("bard", "powell-singular", "variably-dimensioned", "broyden-banded", "freudenstein-roth"),
    "discrete-boundary-value",
)
SYMMETRIC = ("chebyquad",)  # unknowns may change places: with some options, rounding decides on one step more or less
LONG = ("wood", "chained-rosenbrock(n=20)")  # more than a hundred evaluations of cg
FRAMES = ("permuted", "rotated", "shifted")
SLOW = ("gradient-descent", "coordinate-descent")  # they end on few of these problems: their first part is enough

FIXED = "a fixed number of its options has the unit of a step per gradient"
COORDINATES = "coordinates are what it moves along"
BY_NATURE: tuple[tuple[str, str, str], ...] = (  # expressions (to be found in the text), what changes, why it matters
    (r"^gradient-descent$", "scaled", FIXED),
    (r'initial_scale="identity"', "scaled", FIXED),
    (r'^(?!newton).*line_search="fixed"', "scaled", FIXED),
    (r'damping="0\.', "scaled", FIXED),
    (r"^coordinate-descent", "permuted", "coordinates are visited in their order"),
    (r"^coordinate-descent", "rotated", COORDINATES),
    (r'^cg(?!.*preconditioner="none")', "rotated", "it learns a scale for each coordinate"),
    (r'scaling="moré"', "rotated", "each coordinate has a scale"),
    (r'line_search="exact"|solver="exact"', "shifted", "it resolves f to its rounding, which an offset makes coarser"),
    (r'^(cg|gradient-descent).*line_search="hager-zhang"', "shifted", "what it takes for noise is a share of |f|"),
)
# Options with which rounding decides how a run goes on, also without any change of frame.
SENSITIVE = (
    r"^gradient-descent\(",  # hundreds of zigzags, each of which repeats the last one's error
    r'^(?!newton\().*line_search="(exact|fixed|armijo)"',  # searches that end by rounding, or that never look
    r'^cg\((restart="powell"|line_search="hager-zhang")',  # where to restart, or what is noise, is a matter of digits
    r"^coordinate-descent\((solver|order)=",
    r'^newton\(damping="0\.5"\)',  # damped too little to leave the valley's symmetric floor but by rounding
)


def reason_of(text: str, change: str) -> str:
    """Return why an optimizer depends on what changes; nothing where it must not."""
    return next((why for pattern, changed, why in BY_NATURE if changed == change and re.search(pattern, text)), "")


def skip_by_nature(text: str, change: str) -> None:
    if reason := reason_of(text, change):
        pytest.skip(reason)


def budget(variant: Any) -> int:
    return 150 if variant.name in SLOW else 400


@pytest.fixture(scope="module")
def reference(trial: Any, transformed: Any, build_problem: Any, count_to: Any) -> Callable[..., Any]:
    """Return `reference(variant, name)`: the run in the plain frame, its end, and the evaluations to 1e-6 of it."""

    @cache
    def run(variant: Any, name: str) -> Any:
        plain = trial(variant, transformed(build_problem(name)), evaluations=budget(variant))
        first, end = plain.trace["value"][0], min(plain.trace["value"])
        goal = end + 1e-6 * (first - end)
        return plain, goal, first - end, count_to(plain.trace, goal)

    return run


# ---- the unit of f


def check_scaling(variant: Any, names: tuple[str, ...], powers: tuple[int, ...], reference: Any, make: Any) -> None:
    skip_by_nature(variant.text, "scaled")
    for name in names:
        plain, *_ = reference(variant, name)
        for power in powers:
            scaled = make(variant, name, 2.0**power)
            assert scaled.ledger.counts == plain.ledger.counts, (name, power)
            assert scaled.outcome.reason == plain.outcome.reason, (name, power)
            assert len(scaled.points) == len(plain.points), (name, power)
            assert all(map(torch.equal, scaled.points, plain.points)), (name, power)


@pytest.fixture(scope="module")
def make_scaled(trial: Any, transformed: Any, build_problem: Any) -> Callable[..., Any]:
    """Return a function that runs a scaled problem."""

    def make(variant: Any, name: str, scale: float) -> Any:
        return trial(variant, transformed(build_problem(name), scale=scale), evaluations=budget(variant))

    return make


def test_the_unit_of_f_changes_nothing(method: Any, reference: Any, make_scaled: Any) -> None:
    check_scaling(method, ("wood", "brown-dennis"), (-200, 40), reference, make_scaled)


@pytest.mark.slow
def test_the_unit_of_f_changes_nothing_whatever_the_options(variant: Any, reference: Any, make_scaled: Any) -> None:
    check_scaling(variant, ("rosenbrock", "beale", "box-3d"), (-200, -40, -10, 10, 40, 200), reference, make_scaled)


# ---- the frame, and the offset of f


def in_frame(frame: str, problem: Any, fall: float, seed: int) -> dict[str, Any]:
    """Return what `Transformed` takes for a frame; `fall` is f(start) − f(end); each seed gives another of its kind."""
    size = problem.size
    generator = torch.Generator().manual_seed(seed)
    if frame == "shifted":
        return {"shift": fall * (1 + 0.1 * seed)}
    if frame == "permuted":
        order = torch.randperm(size, generator=generator)
        inverse = torch.argsort(order)
        return {"turn": lambda z: z[order], "back": lambda x: x[inverse]}
    turn, _ = torch.linalg.qr(torch.randn(size, size, dtype=torch.float64, generator=generator))
    return {"turn": lambda z: turn @ z, "back": lambda x: turn.T @ x}


@pytest.fixture(scope="module")
def counted(trial: Any, transformed: Any, build_problem: Any, reference: Any, count_to: Any) -> Callable[..., float]:
    """Return `counted(variant, name, frame, seed)`: the evaluations to the plain run's goal in another frame."""

    @cache
    def count(variant: Any, name: str, frame: str, seed: int) -> float:
        _, goal, fall, plain = reference(variant, name)
        change = in_frame(frame, build_problem(name), fall, seed)
        most = math.ceil(1.5 * plain) + 5
        run = trial(variant, transformed(build_problem(name), **change), evaluations=most)
        return min(count_to(run.trace, goal + change.get("shift", 0.0)), most)

    return count


def falls(plain: Any) -> bool:
    """Tell whether f was brought down; a step of fixed length may throw the first point so far that it is not."""
    return min(plain.trace["value"]) < plain.trace["value"][0]


def tolerance(plain: float) -> float:
    return max(1.0, 0.02 * plain)


def check_frame(variant: Any, frame: str, problems: tuple[str, ...], seeds: int, reference: Any, counted: Any) -> None:
    """Compare every count with the plain one: they differ by at most 1, or 2 %."""
    skip_by_nature(variant.text, frame)
    different = []
    for name in problems:
        run, _, _, plain = reference(variant, name)
        found = [counted(variant, name, frame, seed) for seed in range(seeds)] if falls(run) else []
        if any(abs(count - plain) > tolerance(plain) for count in found):
            different.append((name, plain, found))
    assert different == []


@pytest.mark.parametrize("frame", FRAMES)
def test_counts_do_not_depend_on_the_frame(method: Any, frame: str, reference: Any, counted: Any) -> None:
    check_frame(method, frame, PROBLEMS, 1, reference, counted)


@pytest.mark.slow
@pytest.mark.parametrize("frame", FRAMES)
def test_counts_do_not_depend_on_which_frame_it_is(method: Any, frame: str, reference: Any, counted: Any) -> None:
    check_frame(method, frame, PROBLEMS + MORE + SYMMETRIC, 5, reference, counted)


@pytest.mark.slow
@pytest.mark.parametrize("frame", FRAMES)
def test_counts_do_not_depend_on_the_frame_whatever_the_options(
    variant: Any, frame: str, reference: Any, counted: Any
) -> None:
    if any(re.search(pattern, variant.text) for pattern in SENSITIVE):
        pytest.skip("rounding decides its course: see below")
    check_frame(variant, frame, PROBLEMS + MORE, 2, reference, counted)


def test_most_problems_are_compared(method: Any, reference: Any) -> None:
    compared = [name for name in PROBLEMS if falls(reference(method, name)[0])]
    assert len(compared) >= (2 if method.text == "gradient-descent" else len(PROBLEMS))


@pytest.mark.parametrize("frame", FRAMES)
def test_counts_of_a_fixed_step_that_fits_the_curvature_do_not_depend_on_the_frame(
    frame: str, reference: Any, counted: Any, build_variant: Any, build_problem: Any, transformed: Any
) -> None:
    """The step is one over the largest curvature at the start, below the 2/L beyond which it diverges.

    Problems on which f ends no lower than it began are named: there are none.
    """
    left_out, different = [], []
    for name in PROBLEMS + MORE:
        problem = transformed(build_problem(name))
        start = problem.start(SeededStreams(0)).parameters
        steepest = float(torch.linalg.eigvalsh(problem.hessian(start)).abs().max())
        variant = build_variant(f"gradient-descent(lr={1 / steepest!r})")
        run, _, _, plain = reference(variant, name)
        if not run.trace["value"][-1] < run.trace["value"][0]:
            left_out.append(name)
        elif abs((found := counted(variant, name, frame, 0)) - plain) > tolerance(plain):
            different.append((name, plain, found))
    assert (left_out, different) == ([], [])


def test_neither_the_order_of_unknowns_nor_an_offset_changes_a_long_run_of_cg(
    reference: Any, counted: Any, build_variant: Any
) -> None:
    """Its sums do not depend on the order of their terms, nor its trial steps on the last digits of f."""
    variant = build_variant("cg")
    for name in (*LONG, "osborne-1"):
        *_, plain = reference(variant, name)
        assert plain > 100
        found = [counted(variant, name, frame, seed) for frame in ("permuted", "shifted") for seed in range(2)]
        assert found == [plain] * 4, name


# ---- where rounding decides


def is_among(plain: float, found: list[float]) -> bool:
    """Tell whether a count lies in the range of others, widened by its width (at least by 1, or 2 %) on both sides."""
    slack = tolerance(plain) + max(found) - min(found)
    return min(found) - slack <= plain <= max(found) + slack


@pytest.mark.slow
def test_where_rounding_decides_the_plain_frame_is_one_among_fifteen(
    variant: Any, reference: Any, counted: Any
) -> None:
    kinds = [kind for kind in FRAMES if not reason_of(variant.text, kind)]
    sensitive = any(re.search(pattern, variant.text) for pattern in SENSITIVE)
    different = []
    for name in LONG + (PROBLEMS if sensitive else ()):
        run, _, _, plain = reference(variant, name)
        if run.outcome.reason == "converged" and kinds:
            found = [counted(variant, name, kind, 0) for kind in kinds]
            if max(abs(count - plain) for count in found) > tolerance(plain):  # rounding decides, or the frame
                found += [counted(variant, name, kind, seed) for kind in kinds for seed in range(1, 5)]
            if not is_among(plain, found):
                different.append((name, plain, found))
    assert different == []
