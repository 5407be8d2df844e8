"""When conjugate gradients start again."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from optbench_descent.betas import fletcher_reeves
from optbench_descent.cg import ConjugateDirections, cg
from optbench_descent.metrics import Plain
from optbench_descent.restarts import RESTARTS, Every, Never, Powell, Restart

from optbench.api import UserError
from optbench.numerics.descent import Move


def move(before: list[float], after: list[float]) -> Move:
    return Move(
        direction=torch.ones(len(before), dtype=torch.float64),
        step=1.0,
        gradient=torch.tensor(before, dtype=torch.float64),
        next_gradient=torch.tensor(after, dtype=torch.float64),
        slope=-1.0,
        next_slope=0.0,
    )


def betas(restart: Restart, moves: list[Move]) -> list[float]:
    rule = ConjugateDirections(fletcher_reeves, restart, Plain())
    memory = rule.start(torch.zeros(2, dtype=torch.float64))
    seen = []
    for one in moves:
        rule.direction(memory, torch.ones(2, dtype=torch.float64))
        rule.learn(memory, one)
        seen.append(float(memory.beta))
    return seen


def test_every_k_moves_the_next_direction_is_the_gradients() -> None:
    moves = [move([3.0, 4.0], [1.0, 2.0])] * 7
    assert betas(Every(k=3), moves) == pytest.approx([0.2, 0.2, 0.0, 0.2, 0.2, 0.0, 0.2])
    assert betas(Every(k=1), moves) == [0.0] * 7
    assert betas(Never(), moves) == pytest.approx([0.2] * 7)


@pytest.mark.parametrize(("n", "age"), [(2, 20), (20, 20), (30, 30)])
def test_zero_stands_for_one_a_parameter_but_not_too_often(n: int, age: int) -> None:
    one = move([3.0] * n, [1.0] * n)
    assert [count for count in range(1, 2 * age) if not Every(k=0).keeps(lambda: one, count)] == [age]


def test_powell_restarts_where_gradients_are_far_from_orthogonal() -> None:
    """|g⁺·g| against 0.2·g⁺·g⁺ = 0.2: by the share of g along g⁺, of either sign."""
    moves = [move([share, 1.0], [1.0, 0.0]) for share in (0.0, 0.19, 0.21, -0.19, -0.21)]
    assert [beta > 0 for beta in betas(Powell(), moves)] == [True, True, False, True, False]
    assert [beta > 0 for beta in betas(Powell(threshold=0.2), [moves[0], moves[2]] * 2)] == [True, False] * 2
    assert [beta > 0 for beta in betas(Powell(threshold=0.5), moves)] == [True] * 5


def test_powells_test_is_met_at_equality() -> None:
    assert betas(Powell(threshold=0.25), [move([0.25, 1.0], [1.0, 0.0])]) == [0.0]


@pytest.mark.parametrize("restart", RESTARTS)
def test_a_direction_that_leads_uphill_is_replaced_by_the_gradients(restart: str, oracle: Any) -> None:
    """Fletcher and Reeves' direction after a step far past the minimum; nothing is evaluated for the change."""
    scales = torch.tensor([1.0, 10.0], dtype=torch.float64)
    problem = oracle(lambda x: (scales * x * x).sum(), 2)
    method = cg(
        beta="fletcher-reeves",
        restart=restart,
        preconditioner="none",
        line_search="fixed(step=0.3)",
        warm_start=0,
        lr=0.0,
    )
    state = method.step(problem, method.init(problem, torch.ones(2, dtype=torch.float64)))
    assert state.here.gradient @ (state.memory.beta * state.memory.direction - state.here.gradient) > 0
    before, gradient, counts = state.point.clone(), state.here.gradient, dict(problem.counts)
    state = method.step(problem, state)
    assert problem.counts == counts
    state = method.step(problem, state)
    assert torch.equal(state.point, before - 0.3 * gradient)


def test_a_restart_that_does_not_exist_is_the_users_mistake() -> None:
    with pytest.raises(UserError, match="nearest: powell"):
        cg(beta="dai-yuan", restart="powel", preconditioner="none", line_search="exact", warm_start=0, lr=0.1)
