"""The one loop: steps, stages, shares, readouts, endings."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from optbench.api import Judged, Point, Refused, Stage, StopTrial
from optbench.measure.scalars import Thresholds
from optbench.measure.snapshots import SnapshotSpool
from optbench.records import Budget, Status
from tests.measure.fakes import Bowl, Descent, NoisyBowl, Tick


def test_a_deterministic_trial_is_scored_at_its_best_evaluated_point(run_loop: Any) -> None:
    outcome, loop = run_loop(Stage(problem=Bowl(), optimizer=Descent(lr=1.9)), budget=Budget(evaluations=4))

    best = torch.arange(1.0, 4.0, dtype=torch.float64) * 0.9**3 * torch.tensor(-1.0)
    assert (outcome.status, outcome.reason) == (Status.BUDGET, "evaluations")
    torch.testing.assert_close(outcome.point.parameters, best)
    assert loop.books.ledger.counts["gradient"] == 4


def test_a_stochastic_trial_is_scored_at_its_last_published_point(run_loop: Any) -> None:
    outcome, _ = run_loop(
        Stage(problem=NoisyBowl(), optimizer=Descent(lr=1.0)), budget=Budget(steps=3), keep_best=False
    )

    assert outcome.reason == "steps"
    assert float(outcome.point.parameters[0]) in {0.5, 1.0, 1.5, 2.0, 2.5}


def test_one_minibatch_is_drawn_before_each_step_and_held_through_it(run_loop: Any) -> None:
    class Twice(Descent):
        def step(self, oracle: Any, state: Any) -> Any:
            oracle.value(state.point + 1.0)
            return super().step(oracle, state)

    problem = NoisyBowl()
    run_loop(Stage(problem=problem, optimizer=Twice()), budget=Budget(steps=4), keep_best=False)

    drawn = problem.seen
    assert drawn[0::2] == drawn[1::2]
    assert len(drawn) == 8
    assert sorted(drawn[0] + drawn[2]) == [0, 1, 2, 3]


def test_the_first_stage_s_early_end_passes_its_share_on(run_loop: Any) -> None:
    class Short(Descent):
        def step(self, oracle: Any, state: Any) -> Any:
            state = super().step(oracle, state)
            state.finished = "converged"
            return state

    stages = (
        Stage(problem=Bowl(), optimizer=Short(), share=0.5),
        Stage(problem=Bowl(), optimizer=Descent(lr=0.1), share=0.5),
    )
    outcome, _ = run_loop(*stages, budget=Budget(evaluations=10))

    assert [stage.counts["gradient"] for stage in outcome.stages] == [1, 9]


def test_a_stage_s_budget_ends_the_stage_and_the_point_goes_on(run_loop: Any) -> None:
    stages = (
        Stage(problem=Bowl(), optimizer=Descent(lr=0.5), share=0.5),
        Stage(problem=Bowl(), optimizer=Descent(lr=0.5), share=0.5),
    )
    outcome, loop = run_loop(*stages, budget=Budget(evaluations=8))

    assert [stage.counts["gradient"] for stage in outcome.stages] == [4, 4]
    values = loop.books.log.trace()["value"]
    assert values[4] == values[3] / 4  # the second stage starts where the first one ended


def test_carry_maps_the_previous_point_and_the_fresh_start_to_a_stage_s_start(run_loop: Any) -> None:
    seen: list[tuple[Point | None, Point]] = []

    def carry(previous: Point | None, fresh: Point) -> Point:
        seen.append((previous, fresh))
        return fresh

    stages = (
        Stage(problem=Bowl(2), optimizer=Descent(), share=0.5),
        Stage(problem=Bowl(5), optimizer=Descent(), share=0.5, carry=carry),
    )
    outcome, _ = run_loop(*stages, budget=Budget(evaluations=4))

    previous, fresh = seen[0]
    assert previous is not None
    assert (previous.parameters.numel(), fresh.parameters.numel()) == (2, 5)
    assert outcome.point.parameters.numel() == 5


def test_stages_of_other_sizes_need_a_carry(run_loop: Any) -> None:
    stages = (
        Stage(problem=Bowl(2), optimizer=Descent(), share=0.5),
        Stage(problem=Bowl(5), optimizer=Descent(), share=0.5),
    )

    with pytest.raises(ValueError, match="stage 2 starts with 2 parameters, its problem has 5"):
        run_loop(*stages, budget=Budget(evaluations=4))


def test_keeping_the_state_without_restart_is_refused(run_loop: Any) -> None:
    stages = (
        Stage(problem=Bowl(), optimizer=Descent(), share=0.5),
        Stage(problem=Bowl(), optimizer=Descent(), share=0.5, keep_state=True),
    )

    with pytest.raises(Refused, match="no restart"):
        run_loop(*stages, budget=Budget(evaluations=4))


@pytest.mark.parametrize(("bad", "reason"), [(math.nan, "point"), (math.inf, "point")])
def test_a_published_point_that_is_not_finite_has_diverged(run_loop: Any, bad: float, reason: str) -> None:
    class Bad(Descent):
        def step(self, oracle: Any, state: Any) -> Any:
            state.point = state.point * bad
            return state

    outcome, _ = run_loop(Stage(problem=Bowl(), optimizer=Bad()), budget=Budget(steps=5))

    assert outcome.status is Status.DIVERGED
    assert reason in outcome.reason


def test_a_step_into_infinite_values_diverges_but_a_rejected_trial_point_does_not(run_loop: Any) -> None:
    class Probing(Descent):
        def step(self, oracle: Any, state: Any) -> Any:
            oracle.value(torch.full_like(state.point, 1e200))  # overflows; never published
            return super().step(oracle, state)

    outcome, _ = run_loop(Stage(problem=Bowl(), optimizer=Probing()), budget=Budget(steps=3))

    assert outcome.status is Status.BUDGET


def test_a_solver_that_swallows_stop_trial_is_ended_all_the_same(run_loop: Any) -> None:
    class Greedy(Descent):
        def step(self, oracle: Any, state: Any) -> Any:
            try:
                return super().step(oracle, state)
            except StopTrial:
                return state

    outcome, loop = run_loop(Stage(problem=Bowl(), optimizer=Greedy()), budget=Budget(evaluations=3))

    assert outcome.status is Status.BUDGET
    assert loop.books.ledger.evaluations == 3


def test_a_minimizer_s_iterations_are_its_steps(run_loop: Any) -> None:
    class Own:
        def minimize(self, oracle: Any, start: Tensor, observe: Any) -> Tensor:
            x = start
            for _ in range(3):
                x = x - 0.5 * oracle.gradient(x)
                observe(x)
            return x

    outcome, loop = run_loop(Stage(problem=Bowl(), optimizer=Own()), budget=Budget(evaluations=100))

    assert (outcome.status, outcome.reason) == (Status.OK, "minimize returned")
    assert loop.books.ledger.steps == 3


def test_a_minimizer_s_own_word_of_its_end_is_the_reason(run_loop: Any) -> None:
    class Telling:
        message = ""

        def minimize(self, oracle: Any, start: Tensor, observe: Any) -> Tensor:
            observe(start - 0.5 * oracle.gradient(start))
            self.message = "precision loss"
            return start

    outcome, _ = run_loop(Stage(problem=Bowl(), optimizer=Telling()), budget=Budget(evaluations=100))

    assert (outcome.status, outcome.reason) == (Status.OK, "precision loss")


def test_a_target_ends_the_trial(run_loop: Any) -> None:
    outcome, _ = run_loop(
        Stage(problem=Bowl(), optimizer=Descent()), budget=Budget(evaluations=100), thresholds=Thresholds(value=1e-6)
    )

    assert outcome.status is Status.TARGET


def test_the_readout_is_scored_and_only_its_last_preparation_is_on_the_clock(run_loop: Any) -> None:
    clock = Tick()

    class Mean:
        def __init__(self) -> None:
            self.points: list[Tensor] = []

        def observe(self, point: Point) -> None:
            self.points.append(point.parameters.clone())

        def point(self) -> Point:
            clock.time += 7.0
            return Point(parameters=torch.stack(self.points).mean(0))

    problem = Bowl(clock=clock, cost=1.0)
    outcome, loop = run_loop(
        Stage(problem=problem, optimizer=Descent()), budget=Budget(steps=2), clock=clock, readout=Mean
    )

    start = torch.arange(1.0, 4.0, dtype=torch.float64)
    torch.testing.assert_close(outcome.point.parameters, (start / 2 + start / 4) / 2)
    assert outcome.seconds == 2 * 1.0 + 7.0
    assert loop.books.ledger.seconds == 2.0


def test_statistics_that_a_readout_leaves_out_are_estimated_at_its_point_at_a_cost_that_is_counted(
    run_loop: Any,
) -> None:
    clock = Tick()

    class Last:
        def observe(self, point: Point) -> None:
            self.last = point.parameters.clone()

        def point(self) -> Point:
            return Point(parameters=self.last.clone())

    class Normalised(Bowl):
        examples, forward_flops = 5, 2

        def estimated_statistics(self, x: Tensor) -> Tensor:
            clock.time += 3.0
            return 10 * x

    problem = Normalised(clock=clock, cost=1.0)
    stage = Stage(problem=problem, optimizer=Descent())
    outcome, loop = run_loop(stage, budget=Budget(steps=2), clock=clock, readout=Last)
    alone, bare = run_loop(Stage(problem=problem, optimizer=Descent()), budget=Budget(steps=2), clock=clock)

    assert torch.equal(outcome.point.statistics, 10 * outcome.point.parameters)
    assert outcome.seconds == alone.seconds + 3.0
    assert loop.books.ledger.examples == bare.books.ledger.examples + 5
    assert loop.books.ledger.cost == bare.books.ledger.cost + 10


def test_running_statistics_are_committed_once_a_step_at_the_published_point(run_loop: Any) -> None:
    class WithStatistics(Bowl):
        def __init__(self) -> None:
            super().__init__()
            self.committed: list[list[float]] = []

        def commit(self, x: Tensor) -> None:
            self.committed.append(x.tolist())

        def statistics(self) -> Tensor:
            return torch.tensor([float(len(self.committed))], dtype=torch.float64)

        def restore(self, statistics: Tensor) -> None:
            pass

    problem = WithStatistics()
    outcome, _ = run_loop(Stage(problem=problem, optimizer=Descent()), budget=Budget(steps=2))

    assert problem.committed == [[0.5, 1.0, 1.5], [0.25, 0.5, 0.75]]
    assert outcome.point.statistics.tolist() == [2.0]


def test_finished_words_end_the_trial(run_loop: Any) -> None:
    class Says(Descent):
        def __init__(self, word: str) -> None:
            super().__init__()
            self.word = word

        def step(self, oracle: Any, state: Any) -> Any:
            return SimpleNamespace(point=state.point, finished=self.word)

    endings = [
        run_loop(Stage(problem=Bowl(), optimizer=Says(word)), budget=Budget(steps=9))[0]
        for word in ("converged", "stalled", "unbounded")
    ]

    assert [(end.status, end.reason) for end in endings] == [
        (Status.OK, "converged"),
        (Status.OK, "stalled"),
        (Status.DIVERGED, "unbounded"),
    ]


def test_values_of_a_stage_off_the_curve_are_counted_but_never_best_and_never_a_target(run_loop: Any) -> None:
    class Deep(Bowl):
        def value(self, x: Tensor) -> Tensor:
            return super().value(x) - 1000.0

    stages = (
        Stage(problem=Deep(), optimizer=Descent(), share=0.5, on_curve=False),
        Stage(problem=Bowl(), optimizer=Descent(), share=0.5, carry=lambda _, fresh: fresh),
    )
    outcome, loop = run_loop(*stages, budget=Budget(evaluations=8), thresholds=Thresholds(value=-500.0))

    assert (outcome.status, outcome.reason) == (Status.BUDGET, "evaluations")
    assert [stage.counts["gradient"] for stage in outcome.stages] == [4, 4]
    assert loop.books.scalars.best_value == 7.0 * 0.25**3
    assert min(loop.books.log.trace()["value"]) < -900.0


def test_a_kept_state_restarts_on_the_clock_with_the_stage_s_first_minibatch(run_loop: Any) -> None:
    clock = Tick()

    class Keeping(Descent):
        def restart(self, state: Any, oracle: Any, start: Tensor) -> Any:
            clock.time += 5.0
            oracle.gradient(start)
            return SimpleNamespace(point=start.clone(), finished=None)

    optimizer, problem = Keeping(), NoisyBowl()
    stages = (
        Stage(problem=problem, optimizer=optimizer, share=0.5),
        Stage(problem=problem, optimizer=optimizer, share=0.5, keep_state=True),
    )
    outcome, _ = run_loop(*stages, budget=Budget(evaluations=8), clock=clock, keep_best=False)

    assert [stage.counts["examples"] for stage in outcome.stages] == [8, 8]
    assert outcome.seconds == 5.0


def test_the_clocked_budget_also_ends_a_trial_that_evaluates_nothing_new(run_loop: Any) -> None:
    clock = Tick()

    class Stuck(Descent):
        def step(self, oracle: Any, state: Any) -> Any:
            clock.time += 1.0
            oracle.gradient(state.point)
            return state

    outcome, loop = run_loop(Stage(problem=Bowl(), optimizer=Stuck()), budget=Budget(seconds=3.0), clock=clock)

    assert (outcome.status, outcome.reason) == (Status.BUDGET, "seconds")
    assert loop.books.ledger.steps == 3


def test_a_minimizer_that_swallows_stop_trial_has_ended_by_its_budget(run_loop: Any) -> None:
    class Swallows:
        def minimize(self, oracle: Any, start: Tensor, observe: Any) -> Tensor:
            try:
                while True:
                    oracle.value(torch.rand(3, dtype=torch.float64))
            except StopTrial:
                return start

    outcome, _ = run_loop(Stage(problem=Bowl(), optimizer=Swallows()), budget=Budget(evaluations=5))

    assert (outcome.status, outcome.reason) == (Status.BUDGET, "evaluations")


def test_an_optimizer_that_says_converged_where_nothing_is_finite_has_diverged(run_loop: Any) -> None:
    class Nowhere(Bowl):
        def value(self, x: Tensor) -> Tensor:
            return super().value(x) + math.inf

    class Content(Descent):
        def step(self, oracle: Any, state: Any) -> Any:
            oracle.value(state.point + 1.0)
            return SimpleNamespace(point=state.point.clone(), finished="converged")

    outcome, _ = run_loop(Stage(problem=Nowhere(), optimizer=Content()), budget=Budget(steps=9))

    assert (outcome.status, outcome.reason) == (Status.DIVERGED, "no finite value was found")


def test_a_last_stage_that_nothing_is_left_for_has_not_diverged(run_loop: Any) -> None:
    stages = (
        Stage(problem=Bowl(), optimizer=Descent(), share=0.9, on_curve=False),
        Stage(problem=Bowl(), optimizer=Descent(), share=0.1),
    )
    outcome, _ = run_loop(*stages, budget=Budget(evaluations=1))

    assert (outcome.status, outcome.reason) == (Status.BUDGET, "evaluations")
    assert [stage.counts["value"] + stage.counts["gradient"] > 0 for stage in outcome.stages] == [True, False]


class Halves(Descent):
    """Half a step down the gradient, and it may be restarted."""

    def restart(self, state: Any, oracle: Any, start: Tensor) -> Any:
        return SimpleNamespace(point=start.clone(), finished=None)


def test_each_stage_is_on_record_with_its_name_its_costs_and_what_it_came_to(run_loop: Any) -> None:
    clock = Tick()
    problem = Bowl(clock=clock, cost=2.0)
    stages = (
        Stage(problem=problem, optimizer=Descent(), share=0.25, name="teacher", on_curve=False, prior=True),
        Stage(problem=problem, optimizer=Descent(), share=0.75),
    )
    outcome, loop = run_loop(*stages, budget=Budget(evaluations=8), clock=clock)

    teacher, main = outcome.stages
    assert [(teacher.name, teacher.on_curve, teacher.prior), (main.name, main.on_curve, main.prior)] == [
        ("teacher", False, True),
        ("main", True, False),
    ]
    assert (teacher.first_event, main.first_event) == (0, 2)
    assert (teacher.seconds, main.seconds) == (4.0, 12.0)
    assert (teacher.value, main.value) == (7.0 / 4**2, 7.0 / 4**8)  # 7 at the start, a quarter a step
    assert (teacher.reason, main.reason) == ("evaluations", "evaluations")
    assert teacher.flops is None
    assert loop.books.ledger.evaluations == 8  # looking at the ends is not counted


def test_a_single_stage_is_not_looked_at_again_at_its_end(run_loop: Any) -> None:
    problem = Bowl()
    outcome, _ = run_loop(Stage(problem=problem, optimizer=Descent()), budget=Budget(evaluations=3))

    assert problem.calls == 3
    assert outcome.stages[0].value is None


def test_model_flops_are_a_budget_in_one_currency_for_stages_of_different_models(run_loop: Any) -> None:
    small, large = NoisyBowl(), NoisyBowl()
    small.forward_flops, large.forward_flops = 1, 10
    stages = (
        Stage(problem=large, optimizer=Descent(), share=0.5, on_curve=False),
        Stage(problem=small, optimizer=Descent(), share=0.5),
    )
    outcome, loop = run_loop(*stages, budget=Budget(flops=240.0), keep_best=False)

    # A step costs 2 examples × 3 × 10, or × 1.
    assert [(stage.counts["steps"], stage.flops) for stage in outcome.stages] == [(2, 120.0), (20, 120.0)]
    assert (outcome.status, outcome.reason) == (Status.BUDGET, "flops")
    assert loop.books.log.trace()["flops"][:3].tolist() == [60.0, 120.0, 126.0]


def test_a_stage_that_diverges_ends_the_trial_with_its_name(run_loop: Any) -> None:
    stages = (
        Stage(problem=Bowl(), optimizer=Descent(lr=1e200), share=0.5, name="teacher"),
        Stage(problem=Bowl(), optimizer=Descent(), share=0.5),
    )
    outcome, loop = run_loop(*stages, budget=Budget(evaluations=8))

    assert (outcome.status, [stage.name for stage in outcome.stages]) == (Status.DIVERGED, ["teacher"])
    assert outcome.reason.endswith(", in stage 'teacher'")
    assert len(loop.books.log.trace()["value"]) > 0


def test_an_exception_in_a_stage_is_noted_with_its_name(run_loop: Any) -> None:
    class Broken(Descent):
        def step(self, oracle: Any, state: Any) -> Any:
            raise ZeroDivisionError

    stages = (
        Stage(problem=Bowl(), optimizer=Descent(), share=0.5),
        Stage(problem=Bowl(), optimizer=Broken(), share=0.5, name="fine-tune"),
    )
    with pytest.raises(ZeroDivisionError) as raised:
        run_loop(*stages, budget=Budget(evaluations=8))

    assert raised.value.__notes__ == ["in stage 'fine-tune'"]


def test_a_stage_off_the_curve_ends_at_its_own_tolerance_and_hands_on_where_it_met_it(run_loop: Any) -> None:
    path = Stage(problem=Bowl(), optimizer=Halves(), share=0.5, on_curve=False, gradient_tolerance=0.5)
    stages = (path, Stage(problem=Bowl(), optimizer=Halves(), share=0.5, keep_state=True))
    outcome, loop = run_loop(*stages, budget=Budget(evaluations=100, steps=9))

    first, main = outcome.stages
    assert (first.reason, first.counts["gradient"]) == ("tolerance", 4)  # 3, 3/2, 3/4, 3/8
    values = loop.books.log.trace()["value"]
    assert values[4] == values[3]  # the next stage starts there
    assert (outcome.status, outcome.reason) == (Status.BUDGET, "steps")
    assert main.counts["gradient"] == 6


def test_points_are_measured_by_what_the_stage_says(run_loop: Any) -> None:
    taken: list[tuple[int, list[float]]] = []

    class Spool(SnapshotSpool):
        def take(self, row: Any, point: Point, *, last: bool = False) -> None:
            taken.append((int(row[0]), point.parameters.tolist()))

    judged = Judged(problem=Bowl(2), point=lambda point: Point(parameters=point.parameters[:2]))
    handed: list[Point | None] = []

    def carry(previous: Point | None, fresh: Point) -> Point:
        handed.append(previous)
        return fresh

    stages = (
        Stage(problem=Bowl(3), optimizer=Descent(), share=0.5, judged=judged),
        Stage(problem=Bowl(2), optimizer=Descent(), share=0.5, carry=carry),
    )
    outcome, _ = run_loop(*stages, budget=Budget(steps=4), snapshots=Spool(None, 0))

    assert taken[:2] == [(0, [1.0, 2.0]), (0, [0.25, 0.5])]  # the last one, not the best evaluated
    assert {stage for stage, _ in taken[2:]} == {1}
    assert handed[0] is not None
    assert handed[0].parameters.numel() == 3
    assert outcome.point.parameters.tolist() == [0.5, 1.0]


def test_the_curve_begins_with_a_snapshot_where_a_stage_on_it_begins(run_loop: Any) -> None:
    steps: list[tuple[int, int]] = []

    class Spool(SnapshotSpool):
        def take(self, row: Any, point: Point, *, last: bool = False) -> None:
            steps.append((int(row[0]), int(row[1])))

    stages = (
        Stage(problem=Bowl(), optimizer=Descent(lr=0.01), share=0.5, on_curve=False),
        Stage(problem=Bowl(), optimizer=Descent(lr=0.01), share=0.5),
    )
    run_loop(*stages, budget=Budget(steps=2000), snapshots=Spool(None, 0))

    assert steps[0] == (1, 1000)
