"""Effects of what is ablated, by hand-worked numbers."""

from __future__ import annotations

import json
import math

import pytest

from optbench.records import (
    SNAPSHOT_COLUMNS,
    Ablation,
    Component,
    Entry,
    ReportModel,
    StageRecord,
    Status,
    SuiteSpec,
    Trace,
    Tuning,
    Yardstick,
)
from optbench.report import ablation_table, with_ablations

SGD, MEAN, NORM = Component(name="o/sgd"), Component(name="m/mean"), Component(name="m/norm")
LOSS, RIGHT, SOLVED = (
    Yardstick(name="l/loss"),
    Yardstick(name="l/accuracy", higher_is_better=True),
    Yardstick(name="relative:1e-03"),
)
SEEDS = range(12)


def ablation(factor=MEAN, beside=()):
    present = tuple(part for part in (MEAN, NORM) if part == factor or part in beside)
    return Ablation(factor=(factor,), base=(SGD,), present=(SGD, *present), absent=(SGD, *beside))


def model_of(synthetic, rows, *, scores=(LOSS,), ablations=None, own=None, **fields):
    """Return the report of (metas, problem, seed, value) with the value as loss, or as `fields` say."""
    results = synthetic.Results()
    for metas, problem, seed, value in rows:
        told = value if isinstance(value, dict) else {"metrics": {"loss": value}}
        results.add(SGD, problem, meta=metas, seed=seed, **{**fields, **told})
    model = results.report()
    problems = tuple(Entry(use=item.use, score=own) for item in results.problems)
    suite = SuiteSpec(
        name="s",
        title="s",
        problems=problems,
        optimizers=tuple(results.optimizers),
        ablations=ablations or (ablation(),),
        scores=scores,
    )
    return with_ablations(model, suite, results.records)


def losses(problem="p/one", present=lambda seed: 1.0 + seed / 10, absent=lambda seed: 2.0):
    return [
        (metas, problem, seed, value(seed)) for seed in SEEDS for metas, value in (((), absent), ((MEAN,), present))
    ]


def test_the_ratio_is_the_geometric_mean_over_seeds_with_students_interval(synthetic):
    rows = [((), "p/one", 0, 4.0), ((MEAN,), "p/one", 0, 1.0), ((), "p/one", 1, 1.0), ((MEAN,), "p/one", 1, 2.0)]
    rows += [((), "p/one", 2, 8.0), ((MEAN,), "p/one", 2, 1.0)]
    (effect,) = model_of(synthetic, rows).ablations
    logs = [math.log(1 / 4), math.log(2), math.log(1 / 8)]
    mean = sum(logs) / 3
    error = math.sqrt(sum((log - mean) ** 2 for log in logs) / 2 / 3)
    quantile = 4.302652729911275  # of Student's t with 2 degrees of freedom at 97.5 %
    assert effect.ratio == pytest.approx(math.exp(mean), rel=1e-3)
    assert effect.low == pytest.approx(math.exp(mean - quantile * error), rel=1e-3)
    assert effect.high == pytest.approx(math.exp(mean + quantile * error), rel=1e-3)
    assert effect.log_ratios == pytest.approx(tuple(logs))
    assert (effect.value_present, effect.value_absent, effect.pairs) == (1.0, 4.0, 3)
    assert (effect.factor, effect.beside, effect.measure) == ("mean", "sgd", "loss")
    assert effect.verdict == "too few seeds"


def test_twelve_seeds_allow_a_verdict_either_way(synthetic):
    better, worse = (lambda seed: 1.0 + seed / 100), (lambda seed: 3.0 + seed / 100)
    assert model_of(synthetic, losses(present=better)).ablations[0].verdict == "better"
    assert model_of(synthetic, losses(present=worse)).ablations[0].verdict == "worse"
    noise = model_of(synthetic, losses(present=lambda seed: 2.0 + (-1) ** seed / 10)).ablations[0]
    assert noise.verdict == "within noise"


def test_where_higher_is_better_the_ratio_is_turned_round(synthetic):
    rows = [
        (metas, "p/one", seed, {"metrics": {"accuracy": 0.9 if metas else 0.6}})
        for seed in (0, 1)
        for metas in ((), (MEAN,))
    ]
    (effect,) = model_of(synthetic, rows, scores=(RIGHT,)).ablations
    assert effect.ratio == pytest.approx(0.6 / 0.9, rel=1e-3)
    assert (effect.value_present, effect.value_absent, effect.higher_is_better) == (0.9, 0.6, True)


def test_the_objective_counts_from_a_known_minimum(synthetic):
    rows = [(metas, "p/one", 0, {"f_best": 3.0 if metas else 5.0}) for metas in ((), (MEAN,))]
    (effect,) = model_of(synthetic, rows, scores=(), f0=9.0, f_star=1.0, f_star_source="exact").ablations
    assert effect.ratio == pytest.approx(2 / 4)
    assert (effect.value_present, effect.value_absent, effect.measure) == (3.0, 5.0, "f")


def test_a_minimum_that_is_reached_exactly_still_has_a_ratio(synthetic):
    rows = [(metas, "p/one", 0, {"f_best": 1.0 if metas else 5.0}) for metas in ((), (MEAN,))]
    (effect,) = model_of(synthetic, rows, scores=(), f0=9.0, f_star=1.0, f_star_source="exact").ablations
    assert 0 < effect.ratio < 1e-10


def test_misses_of_a_target_are_compared_by_ranks(synthetic):
    def trial(metas, seed):
        return {"evaluations_to_target": {SOLVED.name: 100.0 if metas else None}}

    rows = [(metas, "p/one", seed, trial(metas, seed)) for seed in SEEDS for metas in ((), (MEAN,))]
    (effect,) = model_of(synthetic, rows, scores=(SOLVED,)).ablations
    assert effect.verdict == "succeeds more often"
    assert (effect.value_present, effect.value_absent) == (100.0, None)
    assert set(effect.log_ratios) == {None}
    assert effect.measure == "evaluations to relative:1e-03"


def test_a_trial_that_diverged_counts_as_the_worst(synthetic):
    rows = [
        (metas, "p/one", seed, {"metrics": {"loss": 1.0}, "status": Status.BUDGET if metas else Status.DIVERGED})
        for seed in SEEDS
        for metas in ((), (MEAN,))
    ]
    assert model_of(synthetic, rows).ablations[0].verdict == "succeeds more often"


def test_failed_trials_are_the_worst_of_a_median_whichever_way_is_better(synthetic):
    rows = [
        (metas, "p/one", seed, {"metrics": {"accuracy": 0.8}, "status": Status.DIVERGED if seed < 2 else Status.BUDGET})
        for seed in (0, 1, 2)
        for metas in ((), (MEAN,))
    ]
    (effect,) = model_of(synthetic, rows, scores=(RIGHT,)).ablations
    assert (effect.value_present, effect.value_absent) == (None, None)


def test_seeds_that_only_one_arm_has_are_left_out(synthetic):
    rows = [
        *losses(),
        ((), "p/one", 99, 2.0),
        ((MEAN,), "p/one", 98, {"metrics": {"loss": 1.0}, "status": Status.SKIPPED}),
    ]
    (effect,) = model_of(synthetic, rows).ablations
    assert effect.pairs == len(effect.log_ratios) == 12


def test_repetitions_of_a_seed_count_once_as_their_median(synthetic):
    results = [
        ((MEAN,), "p/one", 0, {"metrics": {"loss": loss}, "repetition": number})
        for number, loss in enumerate((1, 2, 50))
    ]
    (effect,) = model_of(synthetic, [*results, ((), "p/one", 0, 4.0)]).ablations
    assert effect.ratio == pytest.approx(0.5)


def test_time_and_flops_are_compared_beside(synthetic):
    rows = [
        (metas, "p/one", seed, {"metrics": {"loss": 1.0}, "seconds": 3.0 if metas else 2.0, "cost": 10.0})
        for seed in (0, 1)
        for metas in ((), (MEAN,))
    ]
    (effect,) = model_of(synthetic, rows).ablations
    assert (effect.seconds, effect.flops) == (1.5, 1.0)


def factorial(effect_alone, effect_beside):
    values = [((), 8.0), ((MEAN,), 8.0 * effect_alone), ((NORM,), 4.0), ((MEAN, NORM), 4.0 * effect_beside)]
    return [(metas, "p/one", seed, value) for seed in (0, 1) for metas, value in values]


def test_several_pairs_of_arms_are_averaged_on_each_seed(synthetic):
    both = (ablation(), ablation(beside=(NORM,)))
    effects = model_of(synthetic, factorial(0.5, 2.0), ablations=both).ablations
    assert [effect.ratio for effect in effects] == pytest.approx([0.5, 2.0, 1.0])
    assert [effect.beside for effect in effects] == ["sgd", "sgd + norm", "sgd"]
    assert [effect.averaged for effect in effects] == [False, False, True]
    assert effects[2].log_ratios == pytest.approx((0.0, 0.0))


def test_several_problems_count_the_same_however_many_seeds_they_have(synthetic):
    many = losses("p/one", present=lambda seed: 1.0, absent=lambda seed: 2.0)
    few = [row for row in losses("p/two", present=lambda seed: 8.0, absent=lambda seed: 2.0) if row[2] < 2]
    third = losses("p/three", present=lambda seed: 2.0, absent=lambda seed: 2.0)
    *single, overall = model_of(synthetic, many + few + third).ablations
    assert [effect.problem for effect in (*single, overall)] == ["one", "two", "three", ""]
    assert overall.ratio == pytest.approx(math.exp((math.log(0.5) + math.log(4.0)) / 3), rel=1e-3)
    assert overall.averaged
    assert overall.log_ratios == ()


def test_two_problems_have_no_summary_whose_interval_could_hold_anything(synthetic):
    rows = [*losses("p/one", present=lambda seed: 1.0), *losses("p/two", present=lambda seed: 3.0)]
    assert [effect.problem for effect in model_of(synthetic, rows).ablations] == ["one", "two"]


def test_where_no_seed_matters_the_pairs_are_the_problems(synthetic):
    rows = [
        (metas, f"p/{place:02}", 0, 1.0 + place / 100 if metas else 2.0)
        for place in range(12)
        for metas in ((), (MEAN,))
    ]
    overall = model_of(synthetic, rows).ablations[-1]
    assert (overall.pairs, overall.verdict) == (12, "better")


def test_verdicts_are_adjusted_for_how_many_there_are(synthetic):
    def slightly(seed):
        return 2.0 * math.exp(-0.03 + 0.045 * (-1) ** seed)

    alone = model_of(synthetic, losses(present=slightly)).ablations[0]
    assert alone.p_value < 0.05
    assert alone.verdict == "better"
    names = [f"p/{place}" for place in range(6)]
    among = model_of(synthetic, [row for name in names for row in losses(name, present=slightly)]).ablations[0]
    assert among.p_value == alone.p_value
    assert among.adjusted > 0.05
    assert among.verdict == "within noise"


def test_a_problems_own_score_comes_before_the_suites(synthetic):
    (effect,) = model_of(synthetic, losses(), own=LOSS, scores=(SOLVED,)).ablations
    assert effect.measure == "loss"


def test_what_was_not_measured_is_left_out(synthetic):
    assert model_of(synthetic, losses(), scores=(RIGHT,)).ablations == ()
    assert model_of(synthetic, [row for row in losses() if not row[0]]).ablations == ()


def test_effects_survive_json(synthetic):
    model = model_of(synthetic, losses())
    assert ReportModel.from_json(json.loads(json.dumps(model.to_json()))) == model


def test_the_table_has_a_row_an_effect(synthetic):
    table = ablation_table(model_of(synthetic, losses(), seconds=1.0), 200)
    assert table.row_count == 1
    assert [str(column.header) for column in table.columns][:3] == ["problem", "what", "beside"]
    assert ablation_table(model_of(synthetic, losses()), 60).row_count == 1


def test_a_tuned_suite_measures_by_what_it_is_scored_by(synthetic):
    results = synthetic.Results()
    for metas in ((), (MEAN,)):
        results.add(SGD, "p/one", meta=metas, metrics={"loss": 1.0, "accuracy": 0.5})
    suite = SuiteSpec(
        name="s",
        title="s",
        problems=tuple(results.problems),
        optimizers=(),
        ablations=(ablation(),),
        tuning=Tuning(score=RIGHT),
    )
    (effect,) = with_ablations(results.report(), suite, results.records).ablations
    assert effect.measure == "accuracy"


def with_a_prior_stage(synthetic, curve):
    """Return effects of an arm, half of whose 100 FLOPs came before; the other's curve is of (FLOPs, loss)."""
    results = synthetic.Results()
    stages = [
        StageRecord(name=name, prior=prior, counts={"gradient": spent}, flops=50.0, seconds=seconds)
        for name, prior, spent, seconds in (("teacher", True, 45, 6.0), ("main", False, 35, 2.0))
    ]
    known = {"cost": 100.0, "evaluations": 80, "seconds": 8.0}
    reached = {SOLVED.name: 60.0}
    for seed in (0, 1):
        loss = {"metrics": {"loss": 1.0}, "evaluations_to_target": reached}
        results.add(SGD, "p/one", meta=(MEAN,), seed=seed, stages=tuple(stages), **loss, **known)
        columns = {name: [0.0] * len(curve) for name in SNAPSHOT_COLUMNS}
        columns |= {"flops": [cost for cost, _ in curve], "loss": [loss for _, loss in curve]}
        columns |= {"f": [0.0] * len(curve), "seconds": [4.0] * len(curve), "evaluations": [40.0] * len(curve)}
        trace = Trace.from_columns(columns)
        results.add(SGD, "p/one", trace, seed=seed, metrics={"loss": 2.0}, evaluations_to_target=reached, **known)
    suite = SuiteSpec(name="s", title="s", problems=(), optimizers=(), ablations=(ablation(),), scores=(LOSS, SOLVED))
    model = with_ablations(results.report(), suite, results.records, snapshots=results.snapshots.get)
    return {effect.measure: effect for effect in model.ablations}


def test_what_came_before_the_task_counts_in_one_effect_and_not_in_the_other(synthetic):
    effects = with_a_prior_stage(synthetic, [(10.0, 9.0), (49.0, 8.0), (51.0, 7.0), (100.0, 2.0)])
    assert effects["loss"].ratio == pytest.approx(1 / 2)
    alone = effects["loss, task alone"]
    assert alone.ratio == pytest.approx(1 / 8)
    assert (alone.value_present, alone.value_absent) == (1.0, 8.0)
    assert alone.flops == pytest.approx(50 / 49, rel=1e-3)
    assert alone.seconds == 0.5
    assert effects["loss"].flops == 1.0


def test_evaluations_to_a_target_leave_out_what_came_before_the_task(synthetic):
    effects = with_a_prior_stage(synthetic, [(50.0, 8.0)])
    assert effects["evaluations to relative:1e-03"].ratio == pytest.approx(1.0)
    alone = effects["evaluations to relative:1e-03, task alone"]
    assert (alone.value_present, alone.value_absent) == (15.0, 60.0)  # 45 of 60 evaluations came before


def test_the_tasks_cost_is_the_lower_median_of_a_seeds_trials_and_the_objective_is_read_off_there(synthetic):
    results = synthetic.Results()
    for repetition, flops in enumerate((10.0, 20.0, 30.0)):
        stages = (StageRecord(name="teacher", prior=True, flops=90.0), StageRecord(name="main", flops=flops))
        results.add(SGD, "p/one", meta=(MEAN,), repetition=repetition, stages=stages, f_best=1.0)
    curve = synthetic.snapshots_of([1, 2, 3], [8.0, 4.0, 2.0], flops=[15.0, 25.0, 35.0])
    results.add(SGD, "p/one", curve, batch_size=5, f_best=2.0)
    suite = SuiteSpec(name="s", title="s", problems=(), optimizers=(), ablations=(ablation(),))
    model = with_ablations(results.report(), suite, results.records, snapshots=results.snapshots.get)
    values = {effect.measure: (effect.value_present, effect.value_absent) for effect in model.ablations}
    assert values == {"f": (1.0, 2.0), "f, task alone": (1.0, 8.0)}


def test_a_baseline_without_snapshots_within_that_budget_is_left_out(synthetic):
    assert set(with_a_prior_stage(synthetic, [(60.0, 8.0)])) == {"loss", "evaluations to relative:1e-03"}
