"""What a tuning found, as a file."""

from __future__ import annotations

import math
import tomllib
from typing import Any

from optbench.tuning import TuningPlanner, stored_settings, stored_text


def test_the_choice_of_the_best_repeat_is_written_once_with_its_edge(made_up: Any) -> None:
    def loss(spec: Any) -> float:
        return math.log10(spec.optimizer.options["lr"]) ** 2 - (spec.seed == 2_000_000) * 5.0

    suite = made_up.suite({"trials": 4, "repeats": 3, "method": "random"})
    planner = TuningPlanner(made_up.Plain(tasks=[made_up.task()]), suite)
    arms = planner.outcome(made_up.World(loss).run(planner)).arms
    settings = stored_settings([*arms, *arms])
    written = tomllib.loads(stored_text(settings, suite, "2026-01-31"))
    (chosen,) = written["setting"]
    assert chosen["options"] == arms[0].choices[1].options
    assert chosen["edge"] == list(arms[0].choices[1].edge)
    assert chosen["problem"] == "made-up/valley(n=2)"
    assert chosen["optimizer"] == "made-up/descent(momentum=0.0)"
    assert written["found-by"] == (
        "the suite s on 2026-01-31 (random, 4 trials, best of 3, selected by validation-loss)"
    )


def test_a_search_that_is_not_over_writes_nothing(made_up: Any) -> None:
    planner = TuningPlanner(made_up.Plain(tasks=[made_up.task()]), made_up.suite({"trials": 4}))
    records = made_up.World(lambda _: 1.0).run(planner)
    assert stored_settings(planner.outcome(records[:2]).arms) == []
