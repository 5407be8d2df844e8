"""Coordinate descent on panels: the Lasso, ridge regression and sparse coding, exactly."""

from __future__ import annotations

import itertools
import math
import warnings
from typing import Any

import numpy as np
import pytest
import torch
from optbench_descent.coordinate.panels import PanelState
from optbench_descent.coordinate.rows import Rows, coordinate_changes, minimise_row, minimise_rows, violations
from optbench_learning.regression import Lasso, Ridge
from optbench_learning.sparse_coding import SparseCoding
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Lasso as ScikitLasso
from sklearn.linear_model import enet_path
from torch import Tensor

from optbench.api import Panel, UserError
from optbench.testing.audit import Audit
from optbench.testing.audit_oracle import AuditOracle
from optbench.testing.audit_shadows import DEVICE
from tests.plugins.descent.sweeping import method, run

EXACT = "exact(tolerance=1e-12, max_evaluations=300)"


def data(examples: int = 40, n: int = 70, dtype: torch.dtype = torch.float64) -> dict[str, tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(examples, n, generator=generator, dtype=torch.float64)
    targets = inputs[:, :4].sum(1) + 0.1 * torch.randn(examples, generator=generator, dtype=torch.float64)
    return {"train": (inputs.to(dtype), targets.to(dtype))}


def lasso(**shape: Any) -> Lasso:
    return Lasso(data(**shape), penalty=0.1)


def coding(dtype: torch.dtype = torch.float64) -> SparseCoding:
    generator = torch.Generator().manual_seed(0)
    return SparseCoding(2 * torch.randn(6, 20, generator=generator, dtype=torch.float64).to(dtype), atoms=5)


def subgradient_entries(problem: Lasso, x: Tensor) -> Tensor:
    """The least subgradient, by its definition, without signs."""
    inputs, targets = problem.data["train"]
    slope = inputs.T @ (inputs @ x - targets) / len(targets)
    at_zero = (slope.abs() - problem.penalty).clamp(min=0)
    return torch.where(x == 0, at_zero, slope + problem.penalty * x.sign()).abs()


def subgradient(problem: Lasso, x: Tensor) -> float:
    return float(subgradient_entries(problem, x).max())


# ---- one row


def random_rows(panel: Panel, columns: int) -> Rows:
    generator = torch.Generator().manual_seed(2)
    half = torch.randn(5, 7, generator=generator, dtype=torch.float64)
    values, linear = torch.randn(2, 5, columns, generator=generator, dtype=torch.float64)
    gram = half @ half.T
    return Rows(panel, values, gram @ values + 3 * linear, gram)


@pytest.mark.parametrize("columns", [1, 3])
@pytest.mark.parametrize("panel", [Panel(), Panel(l1=0.8), Panel(bound=0.3), Panel(l1=0.8, bound=0.3)], ids=str)
def test_no_other_row_is_lower_than_the_minimum_along_a_row(panel: Panel, columns: int) -> None:
    rows = random_rows(panel, columns)
    linear = rows.slope - rows.gram @ rows.values

    def value(values: Tensor) -> float:
        return float(
            0.5 * (values * (rows.gram @ values)).sum() + (linear * values).sum() + panel.l1 * values.abs().sum()
        )

    generator = torch.Generator().manual_seed(3)
    for index in range(5):
        minimise_row(rows, index)
        torch.testing.assert_close(rows.slope, rows.gram @ rows.values + linear)
        least, best = value(rows.values), rows.values.clone()
        assert float(best[index].norm()) <= panel.bound
        for length in (1e-6, 1e-3, 1e-1, 1.0):
            for _ in range(20):
                moved = best.clone()
                moved[index] += length * torch.randn(columns, generator=generator, dtype=torch.float64)
                moved[index] *= min(1.0, panel.bound / float(moved[index].norm()))
                assert value(moved) >= least - 1e-13


@pytest.mark.parametrize("panel", [Panel(), Panel(l1=0.8), Panel(bound=0.3), Panel(l1=0.8, bound=0.3)], ids=str)
def test_rows_of_one_entry_taken_together_are_the_same_as_one_by_one(panel: Panel) -> None:
    order = [3, 0, 4, 1, 2]
    together, single = random_rows(panel, 1), random_rows(panel, 1)
    minimise_rows(together, order)
    for index in order:
        minimise_row(single, index)
    torch.testing.assert_close(together.values, single.values, rtol=1e-13, atol=1e-14)
    torch.testing.assert_close(together.slope, single.slope, rtol=1e-12, atol=1e-13)


def test_a_coordinate_without_curvature_stays_and_with_a_price_vanishes() -> None:
    gram, slope = [[0.0, 0.0], [0.0, 2.0]], [0.0, 1.0]
    assert coordinate_changes([5.0, 0.0], list(slope), gram, l1=0.0, bound=math.inf) == [0.0, -0.5]
    assert coordinate_changes([5.0, 0.0], list(slope), gram, l1=0.5, bound=math.inf) == [-5.0, -0.25]


def test_there_is_no_way_down_at_a_rows_minimum() -> None:
    for panel in (Panel(), Panel(l1=0.8), Panel(bound=0.3)):
        rows = random_rows(panel, 3)
        for _ in range(500):
            minimise_rows(rows, range(5))
        assert float(violations(panel, rows.values, rows.slope).abs().max()) < 1e-12
        assert (
            float(violations(panel, rows.values + 0.01, rows.slope + 0.01 * rows.gram.sum(1, keepdim=True)).abs().max())
            > 1e-3
        )


# ---- the Lasso


@pytest.mark.parametrize("sweeps", [1, 2, 5, 17])
@pytest.mark.parametrize("shape", [(40, 70), (100, 33), (9, 1)], ids=str)
def test_sweeps_are_those_of_scikit_learn(shape: tuple[int, int], sweeps: int, oracle_of: Any) -> None:
    """Its iterates from zero, by residuals; ours by the gram: the same but for rounding."""
    problem = lasso(examples=shape[0], n=shape[1])
    points, _ = run(method(), oracle_of(problem), sweeps)
    inputs, targets = (np.asfortranarray(array.numpy()) for array in problem.data["train"])
    model = ScikitLasso(alpha=0.1, fit_intercept=False, tol=0, max_iter=len(points), selection="cyclic")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(inputs, targets)
    np.testing.assert_allclose(points[-1].numpy(), model.coef_, rtol=0, atol=1e-13)
    assert np.abs(model.coef_).max() > 0.1


@pytest.mark.parametrize("order", ["cyclic", "random", "greedy"])
@pytest.mark.parametrize("blocks", ["single", "groups(sizes=[7])", "alternating"])
def test_the_lassos_minimum_is_found(blocks: str, order: str, oracle_of: Any) -> None:
    problem = lasso(examples=20, n=30)
    _, state = run(method(blocks, order, EXACT), oracle_of(problem), 3000)
    assert subgradient(problem, state.point) < 1e-14
    inputs, targets = (array.numpy() for array in problem.data["train"])
    _, path, _ = enet_path(inputs, targets, l1_ratio=1.0, alphas=[0.1], tol=1e-14, max_iter=100_000)
    np.testing.assert_allclose(state.point.numpy(), path[:, 0], rtol=0, atol=1e-7)
    assert state.finished == "converged"


def test_a_sweep_asks_for_one_gradient_and_the_gram_is_asked_for_once(oracle_of: Any) -> None:
    oracle = oracle_of(lasso())
    run(method(), oracle, 10)
    assert oracle.counts == {"value": 11, "gradient": 11, "gram": 1}


def test_with_another_minibatch_the_gram_is_asked_for_again(oracle_of: Any) -> None:
    oracle, optimizer = oracle_of(lasso()), method()
    _, state = run(optimizer, oracle, 2)
    oracle.batch += 1
    optimizer.step(oracle, state)
    assert oracle.counts["gram"] == 2


def test_greedy_sweeps_move_the_steepest_coordinate_each_time(oracle_of: Any) -> None:
    problem = lasso(n=8)
    points, _ = run(method(order="greedy"), oracle_of(problem), 1)
    inputs, targets = problem.data["train"]
    x, gram = torch.zeros(8, dtype=torch.float64), inputs.T @ inputs / 40
    for _ in range(8):
        slope = gram @ x - inputs.T @ targets / 40
        steepness = torch.where(x == 0, (slope.abs() - 0.1).clamp(min=0), slope + 0.1 * x.sign()).abs()
        index = int(steepness.argmax())
        free = x[index] - slope[index] / gram[index, index]
        x[index] = free.sign() * (free.abs() - 0.1 / gram[index, index]).clamp(min=0)
    torch.testing.assert_close(points[0], x, rtol=1e-12, atol=1e-14)


def test_random_sweeps_repeat_under_a_seed(oracle_of: Any) -> None:
    ends = [run(method(order="random"), oracle_of(lasso(), seed=seed), 3)[0][-1] for seed in (1, 1, 2)]
    assert torch.equal(ends[0], ends[1])
    assert not torch.equal(ends[0], ends[2])


def test_one_turn_of_a_plain_quadratic_as_one_block_is_its_minimum(oracle_of: Any) -> None:
    problem = Ridge(data(), penalty=0.2)
    points, _ = run(method("alternating"), oracle_of(problem), 1)
    expected = torch.linalg.solve(problem.hessian(points[0]), -problem.gradient(torch.zeros_like(points[0])))
    torch.testing.assert_close(points[0], expected, rtol=1e-11, atol=1e-12)


def test_a_sweep_over_groups_of_a_plain_quadratic_solves_one_group_after_the_other(oracle_of: Any) -> None:
    problem = Ridge(data(n=7), penalty=0.2)
    points, _ = run(method("groups(sizes=[3])"), oracle_of(problem), 2)
    x = torch.zeros(7, dtype=torch.float64)
    for point in points:
        for block in (slice(0, 3), slice(3, 6), slice(6, 7)):
            x[block] -= torch.linalg.solve(problem.hessian(x)[block, block], problem.gradient(x)[block])
        torch.testing.assert_close(point, x, rtol=1e-11, atol=1e-13)


def test_singular_blocks_are_swept_instead(oracle_of: Any) -> None:
    problem = Ridge({"train": (torch.ones(3, 4, dtype=torch.float64), torch.ones(3, dtype=torch.float64))}, penalty=0.0)
    points, _ = run(method("alternating"), oracle_of(problem), 1)
    assert float(problem.value(points[0])) == pytest.approx(0, abs=1e-30)


def test_blocks_of_coordinates_given_for_rows_of_one_entry(oracle_of: Any) -> None:
    problem: Any = lasso(n=4)
    problem.coordinate_blocks = [slice(0, 1), slice(1, 4)]
    points, _ = run(method("given", solver=EXACT), oracle_of(problem), 1)
    leads_down = subgradient_entries(problem, points[0]) > 1e-10
    assert leads_down.tolist() == [True, False, False, False]  # the second block ended at its minimum
    many: Any = coding()
    many.coordinate_blocks = problem.coordinate_blocks
    with pytest.raises(UserError, match="single coordinates"):
        run(method("given"), oracle_of(many), 1)


@pytest.mark.parametrize("scale", [2.0**30, 2.0**-30])
def test_the_scale_of_f_changes_nothing(scale: float, oracle_of: Any) -> None:
    (inputs, targets), root = data()["train"], math.sqrt(scale)
    points, _ = run(method(), oracle_of(Lasso({"train": (inputs, targets)}, penalty=0.1)), 5)
    scaled, _ = run(method(), oracle_of(Lasso({"train": (root * inputs, root * targets)}, penalty=scale * 0.1)), 5)
    assert torch.equal(points[-1], scaled[-1])


def test_single_precision_reaches_its_own_accuracy(oracle_of: Any) -> None:
    problem = lasso(dtype=torch.float32)
    _, state = run(method(), oracle_of(problem, dtype=torch.float32), 1000)
    assert state.point.dtype is torch.float32
    assert state.finished is not None
    assert subgradient(problem, state.point) < 1e-5


def test_values_that_are_no_numbers_end_it(oracle_of: Any) -> None:
    (inputs, targets) = data()["train"]
    for poison in (math.nan, math.inf):
        broken = Lasso({"train": (inputs, targets.clone().index_fill_(0, torch.tensor([3]), poison))}, penalty=0.1)
        _, state = run(method(), oracle_of(broken), 100)
        assert state.finished == "stalled"


def test_a_restart_forgets_the_gram_of_the_problem_before(oracle_of: Any) -> None:
    optimizer, first, second = method(), lasso(), Lasso(data(), penalty=0.3)
    _, state = run(optimizer, oracle_of(first), 3)
    start = torch.ones(70, dtype=torch.float64)
    state = optimizer.restart(state, oracle_of(second), start)
    assert isinstance(state, PanelState)
    assert torch.equal(state.point, start)
    for _ in range(3000):
        state = optimizer.step(oracle_of(second), state)
    assert subgradient(second, state.point) < 1e-13


def test_an_inner_optimizer_takes_the_lasso_as_any_function(oracle_of: Any) -> None:
    problem = lasso()
    points, _ = run(method("alternating", solver="cg(steps=5)"), oracle_of(problem), 5)
    assert float(problem.value(points[-1])) < 0.5 * float(problem.value(torch.zeros_like(points[-1])))


# ---- sparse coding


def parts(problem: SparseCoding, x: Tensor) -> tuple[Tensor, Tensor]:
    codes, atoms = x.split((5 * 20, 5 * 6))
    return codes.view(5, 20), atoms.view(5, 6)


def by_hand(problem: SparseCoding, x: Tensor) -> Tensor:
    """One sweep of plain numpy: each row of codes, then each atom, from fresh residuals."""
    (codes, atoms), examples = (part.numpy().copy() for part in parts(problem, x)), problem.inputs.numpy()
    for k in range(5):
        rest = examples - atoms.T @ codes + np.outer(atoms[k], codes[k])
        free, curvature = 2 * atoms[k] @ rest, 2 * atoms[k] @ atoms[k]
        codes[k] = np.sign(free) * np.maximum(np.abs(free) - 1, 0) / curvature
    for k in range(5):
        rest = examples - atoms.T @ codes + np.outer(atoms[k], codes[k])
        if codes[k].any():
            atoms[k] = rest @ codes[k] / (codes[k] @ codes[k])
        atoms[k] /= max(1, np.linalg.norm(atoms[k]))
    return torch.from_numpy(np.concatenate((codes.ravel(), atoms.ravel())))


def test_a_sweep_over_codes_and_atoms_is_what_numpy_makes_of_it(oracle_of: Any) -> None:
    oracle = oracle_of(coding())
    points, _ = run(method(), oracle, 3)
    x = oracle.start()
    for point in points:
        x = by_hand(oracle.problem, x)
        torch.testing.assert_close(point, x, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    ("blocks", "solver"),
    [
        *itertools.product(["single", "groups(sizes=[2])", "alternating"], ["newton", "exact"]),
        ("alternating", "cg(steps=3)"),
    ],
)
def test_alternating_never_goes_uphill_and_keeps_the_bound(blocks: str, solver: str, oracle_of: Any) -> None:
    oracle = oracle_of(coding())
    problem = oracle.problem
    points, _ = run(method(blocks, solver=solver), oracle, 20)
    values = [float(problem.value(point)) for point in (oracle.start(), *points)]
    assert all(after <= before * (1 + 1e-14) for before, after in itertools.pairwise(values))
    assert values[-1] < 0.9 * values[0]
    lengths = torch.stack([parts(problem, point)[1].norm(dim=1) for point in points])
    assert float(lengths.max()) <= 1 + 1e-14


def test_alternation_minimises_over_the_codes_before_it_turns_to_the_atoms(oracle_of: Any) -> None:
    """After a turn of the codes none of them leads down; the second gram is asked for there."""
    oracle = oracle_of(coding())
    seen: list[Tensor] = []
    gram = oracle.gram
    oracle.gram = lambda x, name: (seen.append(x.clone()), gram(x, name))[1]
    run(method("alternating", solver=EXACT), oracle, 1)
    codes, _ = parts(oracle.problem, seen[1])
    gradient, _ = parts(oracle.problem, oracle.problem.gradient(seen[1]))
    assert float(gradient[codes != 0].abs().max()) < 1e-10
    assert float(gradient[codes == 0].abs().max()) <= 1


def test_a_start_beyond_the_bound_is_brought_back(oracle_of: Any) -> None:
    oracle, optimizer = oracle_of(coding()), method()
    start = oracle.start()
    parts(oracle.problem, start)[1].mul_(20)
    kept = start.clone()
    state = optimizer.step(oracle, optimizer.init(oracle, start))
    assert torch.equal(start, kept)
    assert float(parts(oracle.problem, state.point)[1].norm(dim=1).max()) <= 1
    assert oracle.values[1] <= oracle.values[0] == pytest.approx(float(oracle.problem.value(start)), rel=1e-13)


def test_a_sweep_over_two_panels_asks_for_a_gradient_and_a_gram_of_each(oracle_of: Any) -> None:
    oracle = oracle_of(coding())
    run(method(), oracle, 10)
    assert oracle.counts == {"value": 21, "gradient": 21, "gram": 20}


def test_single_precision_stays_single(oracle_of: Any) -> None:
    oracle = oracle_of(coding(torch.float32), dtype=torch.float32)
    points, _ = run(method(), oracle, 10)
    assert points[-1].dtype is torch.float32
    assert oracle.values[-1] < 0.8 * oracle.values[0]


# ---- devices


@pytest.mark.parametrize(
    ("blocks", "order"), [("single", "cyclic"), ("single", "greedy"), ("groups(sizes=[2])", "random")]
)
@pytest.mark.parametrize("made", ["lasso", "coding"])
def test_panels_are_swept_wherever_they_lie(made: str, blocks: str, order: str, oracle_of: Any) -> None:
    """On a device that this machine need not have, with the same values as on the CPU."""
    problem = {"lasso": lambda: lasso(n=6), "coding": coding}[made]()
    expected, _ = run(method(blocks, order), oracle_of(problem), 2)
    with Audit() as audit:
        if isinstance(problem, Lasso):
            moved: Any = Lasso({"train": tuple(part.to(DEVICE) for part in problem.data["train"])}, penalty=0.1)
        else:
            moved = SparseCoding(problem.inputs.to(DEVICE), atoms=problem.atoms)
        oracle = AuditOracle(moved, audit, oracle_of(problem).offers)
        oracle.layout = moved.layout
        optimizer = method(blocks, order)
        state = optimizer.init(oracle, moved.start(oracle.streams).parameters)
        for _ in range(2):
            state = optimizer.step(oracle, state)
        assert state.point.device == DEVICE
        end = state.point.cpu()
    torch.testing.assert_close(end, expected[-1])


@pytest.mark.parametrize(("slope", "left"), [([2.0, 3.0], [2.0, 3.0]), ([-2.0, 3.0], [0.0, 3.0])])
def test_on_the_sphere_only_what_presses_outward_is_no_way_down(slope: list[float], left: list[float]) -> None:
    values, slopes = (torch.tensor([row], dtype=torch.float64) for row in ([1.0, 0.0], slope))
    assert violations(Panel(bound=1.0), values, slopes).tolist() == [left]
