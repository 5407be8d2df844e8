"""A plugin file with one record of each kind; installed plugins are left out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from optbench.records import (
    EVENT_COLUMNS,
    Budget,
    Component,
    Entry,
    Environment,
    Status,
    SuiteSpec,
    Trace,
    TrialRecord,
    TrialSpec,
)
from optbench.store import ResultKey, Store

SOURCE = """
from pathlib import Path
from optbench.api import *

HERE = Path(__file__).parent
PARTS = {"wolfe": Part(factory=dict, summary="Bracketing.", options={"c2": Option(default=0.9, doc="slope")})}

@hookimpl
def optbench_optimizers():
    yield OptimizerPlugin(
        name="method", factory=f"{__name__}:Method", summary="A method [of ours].", cite="Somebody (1999)",
        evaluations=frozenset({"value", "gradient"}), state_memory="O(m n)",
        options={
            "history": Option(default=10, doc="pairs kept", low=1, search="log"),
            "beta": Option(default="fr", doc="formula", choices=("fr", "pr")),
            "search": Option(default="wolfe", doc="line search", components=f"{__name__}:PARTS"),
        },
    )
    yield OptimizerPlugin(name="same", factory=f"{__name__}:Method", summary="One of two.")

@hookimpl
def optbench_problems():
    depth = Option(default=1.0, doc="how deep")
    yield ProblemPlugin(name="valley", factory=f"{__name__}:Valley", summary="A valley.", options={"depth": depth})
    yield ProblemPlugin(name="same", factory=f"{__name__}:Missing", summary="One of two.")

class Valley:
    def __init__(self, *, device, dtype, streams, depth):
        self.size, self.f_star, self.f_star_source = 2, -depth, "best known"
        self.f_star_from_start, self.local_minima = 3.5, (3.5, 0.1 + 0.2)

    def start(self, streams):
        import torch

        return Point(parameters=torch.zeros(2))

    def value(self, x):
        return x.sum()

@hookimpl
def optbench_metrics():
    yield MetricPlugin(name="f", factory=f"{__name__}:f", summary="The objective.")

@hookimpl
def optbench_suites():
    yield SuitePlugin(name="small", path=HERE / "small.toml", summary="Small.")
"""
SUITE = """
title = "Small"
budget.steps = 5
metrics = ["f"]
[[problem]]
use = "valley"
[[optimizer]]
use = "method"
grid.history = [5, 10]
"""


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the arguments that load the plugin file alone."""
    monkeypatch.setenv("OPTBENCH_PLUGINS", "")
    (tmp_path / "small.toml").write_text(SUITE, encoding="utf-8")
    path = tmp_path / "ours.py"
    path.write_text(SOURCE, encoding="utf-8")
    return ["--plugin", str(path)]


ENVIRONMENT = Environment(
    machine="here", system="s", architecture="a", cpu="c", cores=1, memory=1, python="3", libraries={}, commit="abc"
)
CURVE = Trace.from_columns({name: [1.0, 2.0] for name in EVENT_COLUMNS} | {"value": [1.0, 1e-7]})
PROBLEMS, ARMS, TARGET = 6, ("one", "two"), "relative:1e-05"


def component(name: str, family: str = "gone") -> Component:
    return Component(name=f"{family}/{name}")


def suite(arms: tuple[str, ...], seeds: tuple[int, ...]) -> SuiteSpec:
    return SuiteSpec(
        name="mine",
        title="Mine",
        problems=tuple(Entry(use=component(f"p{index}")) for index in range(PROBLEMS)),
        optimizers=tuple(Entry(use=component(arm)) for arm in arms),
        seeds=seeds,
        targets=(TARGET,),
        budget=Budget(evaluations=100),
    )


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Return a function that adds a run to a store; its plugins are gone, as after an upgrade."""
    monkeypatch.setenv("OPTBENCH_PLUGINS", "")
    monkeypatch.chdir(tmp_path)

    def add(
        name: str,
        factor: float = 1.0,
        *,
        arms: tuple[str, ...] = ARMS,
        seeds: tuple[int, ...] = (0, 1),
        machine: str = "here",
        family: str = "gone",
        **fields: Any,
    ) -> str:
        environment = replace(ENVIRONMENT, machine=machine)
        with Store.open(tmp_path / name) as store:
            run = store.begin_run(suite(arms, seeds).to_json(), "optbench suite mine", environment)
            for arm in arms:
                for index in range(PROBLEMS):
                    for seed in seeds:
                        spec = TrialSpec(problem=component(f"p{index}"), optimizer=component(arm, family), seed=seed)
                        cost = (40 + 10 * index + seed) * (factor if arm == "one" else 1.0)
                        record = TrialRecord(
                            spec=spec,
                            status=Status.TARGET,
                            evaluations_to_target={TARGET: cost},
                            seconds_to_target={TARGET: cost / 1000},
                            **fields,
                        )
                        key = ResultKey(spec.id, "time", environment.fingerprint, str(run))
                        store.add(run, key, record, {"events": CURVE})
        return name

    return add
