"""`run` says what is known of a trial, and which of it not to believe."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from optbench.api import MetaAlgorithmPlugin, OptimizerPlugin, Option, ProblemPlugin, hookimpl
from optbench.cli.run import facts, title
from optbench.records import Budget, Component, Status, TrialRecord, TrialSpec
from optbench.registry import build_catalogue, resolve, resolve_recipe
from optbench.registry.resolving import parse_text

RECORD = TrialRecord(
    spec=TrialSpec(problem=Component(name="x/p"), optimizer=Component(name="x/a")),
    status=Status.OK,
    seconds=0.25,
    f_best=1.5,
)


def test_a_time_in_doubt_is_marked_and_each_reason_has_a_line() -> None:
    reasons = ("load: 3 processes on 2 processors", "drift: the machine was slower")
    *_, first, second = lines = list(facts(replace(RECORD, unreliable=reasons)))
    (seconds,) = [line.split() for line in lines if line.startswith("seconds")]
    assert seconds == ["seconds", "0.25†"]
    assert (first, second) == tuple(f"† {reason}" for reason in reasons)


def test_metrics_that_failed_cast_no_doubt_on_times() -> None:
    lines = list(facts(replace(RECORD, unreliable=("metrics: error: no room",))))
    assert "† " not in " ".join(lines)
    assert any(line.split() == ["seconds", "0.25"] for line in lines)
    assert lines[-1] == "• metrics: error: no room"


def test_what_is_not_known_is_left_out() -> None:
    assert [line.split()[0] for line in facts(RECORD)] == ["status", "f_best", "seconds"]


def test_counts_and_bytes_have_their_thousands() -> None:
    lines = list(facts(replace(RECORD, evaluations=12345, state_bytes=1234567)))
    assert ["evaluations", "12,345"] in [line.split() for line in lines]
    assert ["state_bytes", "1,234,567"] in [line.split() for line in lines]


RATE = {"rate": Option(default=0.5, doc="")}


class _Provider:
    @hookimpl
    def optbench_optimizers(self) -> Iterable[Any]:
        yield OptimizerPlugin(name="descent", factory="m:D", summary="", options=RATE)

    @hookimpl
    def optbench_meta_algorithms(self) -> Iterable[Any]:
        yield MetaAlgorithmPlugin(name="mean", factory="m:M", summary="", options=RATE)

    @hookimpl
    def optbench_problems(self) -> Iterable[Any]:
        yield ProblemPlugin(name="bowl", factory="m:B", summary="", options={"n": Option(default=2, doc="")})


def test_the_heading_names_the_recipe_and_the_problem_as_one_would_write_them_and_how_they_ran() -> None:
    catalogue = build_catalogue({"one": _Provider()})
    solver, metas = resolve_recipe(catalogue, "descent(rate=0.5) + mean(rate=0.25)")
    problem = resolve(catalogue, "problems", parse_text("bowl(n=3)")[0])
    budget = Budget(evaluations=2000, seconds=60.0)
    spec = TrialSpec(problem=problem, optimizer=solver, meta_algorithms=metas, seed=7, threads=2, budget=budget)
    assert title(catalogue, spec) == (
        "descent + mean(rate=0.25) on bowl(n=3): seed 7, float64, cpu, 2 threads; budget 2,000 evaluations or 60 s"
    )


def test_a_name_that_several_plugins_give_is_written_with_its_plugin() -> None:
    catalogue = build_catalogue({"one": _Provider(), "two": _Provider()})
    solver, problem = Component(name="two/descent", options={"rate": 0.5}), Component(name="one/bowl", options={"n": 2})
    assert title(catalogue, TrialSpec(problem=problem, optimizer=solver)).startswith("two/descent on one/bowl: ")
