"""How stages are shown in a terminal."""

from __future__ import annotations

from optbench.cli._curve import BOUNDARY, sparkline, staged_sparkline
from optbench.cli._stages import stage_lines
from optbench.records import Component, StageRecord, Status, TrialRecord, TrialSpec

SPEC = TrialSpec(problem=Component(name="x/p"), optimizer=Component(name="x/o"))


def test_a_curve_of_one_stage_is_a_plain_one() -> None:
    values = [8.0, 4.0, 2.0, 1.0]
    assert staged_sparkline(values, [0.0] * 4) == sparkline(values)


def test_stages_are_marked_and_have_scales_of_their_own_as_wide_as_their_parts() -> None:
    values = [1e9 / 2**k for k in range(30)] + [1.0 / 2**k for k in range(10)]
    first, second = staged_sparkline(values, [0.0] * 30 + [2.0] * 10, 20).split(BOUNDARY)

    assert (len(first), len(second)) == (15, 5)
    assert (first[0], first[-1]) == (second[0], second[-1]) == ("█", "▁")


def test_a_stage_without_a_finite_value_is_left_out() -> None:
    assert staged_sparkline([float("nan"), 2.0, 1.0], [0.0, 1.0, 1.0]) == sparkline([2.0, 1.0], 40)


def test_each_stage_has_a_line_and_both_results_follow() -> None:
    counts = {"gradient": 36, "examples": 2292}
    teacher = StageRecord(
        name="teacher", prior=True, counts=counts, flops=8e7, seconds=0.25, value=0.238, reason="steps"
    )
    main = StageRecord(counts={"gradient": 84, "examples": 5348}, flops=1.6e8, seconds=0.5, value=0.66, reason="steps")
    lines = list(stage_lines(TrialRecord(spec=SPEC, status=Status.BUDGET, stages=(teacher, main))))

    assert [" ".join(line.split()) for line in lines] == [
        "stages",
        "teacher 36 evaluations 2,292 examples 8e+07 FLOPs 0.25 s f 0.238, steps",
        "main 84 evaluations 5,348 examples 1.6e+08 FLOPs 0.5 s f 0.66, steps",
        "the task alone 84 evaluations 5,348 examples 1.6e+08 FLOPs 0.5 s",
        "with what came before 120 evaluations 7,640 examples 2.4e+08 FLOPs 0.75 s",
    ]


def test_a_trial_of_one_stage_says_nothing_of_stages() -> None:
    assert list(stage_lines(TrialRecord(spec=SPEC, status=Status.OK, stages=(StageRecord(),)))) == []
