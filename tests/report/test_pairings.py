"""Pairs of optimizers are compared by hand-worked numbers."""

from __future__ import annotations

import math
from typing import Any

import pytest

from optbench.records import Component, Pairing, PairingResult, Status, TrialRecord, TrialSpec
from optbench.report.naming import key_of
from optbench.report.pairings import compare_pairings, count_solved

OURS, THEIRS = Component(name="o/ours"), Component(name="p/theirs")
NAMES = {key_of((OURS,)): "ours", key_of((THEIRS,)): "theirs"}
TEST = "relative:1e-06"


def record(optimizer: Component, problem: int, cost: float | None, **fields: Any) -> TrialRecord:
    where = {key: fields.pop(key) for key in ("seed", "repetition") if key in fields}
    spec = TrialSpec(problem=Component(name=f"p/{problem}"), optimizer=optimizer, **where)
    return TrialRecord(spec=spec, evaluations_to_target={TEST: cost}, **{"status": Status.TARGET, "size": 10, **fields})


def compared(*records: TrialRecord, min_size: int = 1, repetitions: int = 1) -> PairingResult:
    pairing = Pairing(first=(OURS,), second=(THEIRS,), targets=(TEST,), min_size=min_size)
    (result,) = compare_pairings([pairing], records, NAMES, repetitions)
    return result


def problem_of(found: TrialRecord) -> str:
    return found.spec.problem.name.removeprefix("p/")


def pairs(*costs: tuple[float | None, float | None]) -> list[TrialRecord]:
    return [
        record(optimizer, place, cost)
        for place, pair in enumerate(costs)
        for optimizer, cost in zip((OURS, THEIRS), pair, strict=True)
    ]


def test_the_ratio_is_that_of_the_problems_that_both_solve() -> None:
    found = compared(*pairs((10, 20), (40, 20), (5, 20), (7, None), (None, 3), (None, None)))
    assert (found.problems, found.solved_first, found.solved_second, found.both) == (6, 4, 4, 3)
    assert found.ratio == pytest.approx((0.5 * 2 * 0.25) ** (1 / 3))
    logs = [math.log(0.5), math.log(2), math.log(0.25)]
    mean = sum(logs) / 3
    error = math.sqrt(sum((log - mean) ** 2 for log in logs) / 2 / 3)
    quantile = 4.302652729911275  # of Student's t with 2 degrees of freedom at 97.5 %
    assert (found.low, found.high) == pytest.approx(
        (math.exp(mean - quantile * error), math.exp(mean + quantile * error))
    )
    assert (found.first, found.second, found.test) == ("ours", "theirs", TEST)


def test_a_dozen_problems_allow_a_verdict_and_fewer_none() -> None:
    costs = [(10.0, 20.0 + index) for index in range(12)]
    assert compared(*pairs(*costs)).verdict == "faster"
    assert compared(*pairs(*[(b, a) for a, b in costs])).verdict == "slower"
    assert compared(*pairs(*costs[:11])).verdict == "too few pairs"


def test_only_problems_that_both_were_run_on_count() -> None:
    skipped = record(THEIRS, 1, None, status=Status.SKIPPED)
    found = compared(*pairs((10, 20)), record(OURS, 1, 5.0), skipped)
    assert (found.problems, found.solved_first) == (1, 1)


def test_one_that_was_never_run_gives_no_numbers() -> None:
    found = compared(record(OURS, 0, 5.0), record(THEIRS, 0, None, status=Status.SKIPPED))
    assert (found.problems, found.ratio, found.low, found.verdict) == (0, None, None, "not run")
    assert found.to_row()["ratio"] is None
    assert found.cells[3:] == ("0 : 0", "0", "–", "–", "not run")


def test_one_that_ended_with_an_error_solved_what_it_had_reached_before() -> None:
    found = compared(record(OURS, 0, 5.0), record(THEIRS, 0, 10.0, status=Status.ERROR))
    assert (found.solved_second, found.ratio) == (1, 0.5)


def test_small_problems_may_be_left_out() -> None:
    records = [record(OURS, 0, 5.0, size=49), record(THEIRS, 0, 1.0, size=49)]
    records += [record(OURS, 1, 5.0, size=50), record(THEIRS, 1, 10.0, size=50)]
    found = compared(*records, min_size=50)
    assert (found.problems, found.ratio) == (1, 0.5)
    assert found.cells[1] == "theirs (n ≥ 50)"


def test_repetitions_count_once_and_seeds_each() -> None:
    twice = [record(o, 0, c, repetition=r) for r in (0, 1) for o, c in ((OURS, 5.0), (THEIRS, 10.0))]
    seeds = [record(o, 1, c, seed=seed) for seed in (0, 1) for o, c in ((OURS, 5.0), (THEIRS, 10.0))]
    assert compared(*twice, repetitions=2).problems == 1
    assert compared(*seeds).problems == 2


def test_solved_problems_are_counted_for_each_optimizer_that_ran() -> None:
    counts = count_solved([TEST], [*pairs((10, None), (3, 4)), record(OURS, 2, None)], NAMES, problem_of)
    assert [(row.optimizer, row.solved, row.problems) for row in counts] == [("ours", 2, 3), ("theirs", 1, 2)]


def test_what_only_others_solve_is_missed() -> None:
    counts = count_solved([TEST], pairs((10, None), (None, 4), (None, None), (3, 3)), NAMES, problem_of)
    assert {row.optimizer: (row.solved, row.missed) for row in counts} == {"ours": (2, ("1",)), "theirs": (2, ("0",))}


def tuned(optimizer: Component, costs: dict[int, list[list[float | None]]], repetitions: int = 1) -> list[TrialRecord]:
    """Return what each tuning's choice scored, by problem: rows are tunings, columns seeds."""
    return [
        record(optimizer, problem, cost, seed=seed, repetition=repetitions * tuning + repetition)
        for problem, rows in costs.items()
        for tuning, row in enumerate(rows)
        for seed, cost in enumerate(row)
        for repetition in range(repetitions)
    ]


@pytest.mark.parametrize("repetitions", [1, 2])
def test_every_tuning_counts_and_its_seeds_are_no_independent_pairs(repetitions: int) -> None:
    ours = tuned(OURS, {0: [[10, 40], [20, 20]], 1: [[30, None], [None, None]]}, repetitions)
    theirs = tuned(THEIRS, {0: [[20, 20], [20, 80]], 1: [[15, 15], [15, 15]]}, repetitions)
    found = compared(*ours, *theirs, repetitions=repetitions)
    assert (found.problems, found.solved_first, found.solved_second, found.both) == (8, 5, 8, 5)
    tunings = [0.0, math.log(1 / 4) / 2, math.log(2)]  # of log ratios 0.5 and 2; of 1 and 1/4; of 2 alone
    mean = sum(tunings) / 3
    error = math.sqrt(sum((value - mean) ** 2 for value in tunings) / 2 / 3)
    quantile = 4.302652729911275  # of Student's t with 2 degrees of freedom at 97.5 %
    assert found.ratio == pytest.approx(math.exp(mean)) == pytest.approx(1.0)
    assert (found.low, found.high) == pytest.approx((math.exp(-quantile * error), math.exp(quantile * error)))


def test_against_what_is_not_tuned_each_problem_counts_once() -> None:
    ours = tuned(OURS, {0: [[10], [40]], 1: [[20], [80]]})
    plain = [record(THEIRS, problem, 20.0) for problem in (0, 1)]
    found = compared(*ours, *plain)
    assert (found.problems, found.both) == (4, 4)
    problems = [0.0, math.log(4) / 2]  # of ratios 1/2 and 2; of 1 and 4
    quantile = 12.706204736432095  # with 1 degree of freedom
    half = quantile * math.sqrt(sum((value - math.log(2) / 2) ** 2 for value in problems) / 2)
    assert found.ratio == pytest.approx(math.sqrt(2))
    assert found.high == pytest.approx(math.sqrt(2) * math.exp(half))
    mirrored = compared(*tuned(THEIRS, {0: [[10], [40]], 1: [[20], [80]]}), *[record(OURS, p, 20.0) for p in (0, 1)])
    assert mirrored.ratio == pytest.approx(1 / math.sqrt(2))


@pytest.mark.parametrize(("problems", "verdict"), [(6, "faster"), (5, "too few pairs")])
def test_a_dozen_tunings_allow_a_verdict_however_many_seeds(problems: int, verdict: str) -> None:
    costs = {problem: [[10.0 + problem, 11.0, 12.0], [9.0, 10.0, 11.0 + problem]] for problem in range(problems)}
    twice = {problem: [[2 * cost for cost in row] for row in rows] for problem, rows in costs.items()}
    assert compared(*tuned(OURS, costs), *tuned(THEIRS, twice)).verdict == verdict


def test_solved_problems_are_counted_for_each_tuning() -> None:
    records = [*tuned(OURS, {0: [[5.0], [None]]}), record(THEIRS, 0, 7.0)]
    counts = count_solved([TEST], records, NAMES, problem_of)
    assert [(row.solved, row.problems, row.missed) for row in counts] == [(1, 2, ("0",)), (1, 1, ())]
