"""What a suite file says of tuning: spaces from plugins' records, yardsticks from metrics, every mistake at once."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from optbench.api import MetricPlugin, OptimizerPlugin, Option, ProblemPlugin, UserError, hookimpl
from optbench.records import Dimension, SuiteSpec, Tuning, Yardstick
from optbench.registry import Catalogue, build_catalogue
from optbench.suites import SuiteError, SuitePlanner, added_entry, load_suite, override_tuning

WHERE = "package.module:Name"
HEAD = """
title = "T"
budget.steps = 10
metrics = ["validation-loss", "accuracy"]
targets = ["relative:1e-06"]
[[problem]]
use = "net"
"""


class Plugin:
    """An optimizer with an option of each kind, a problem, two metrics."""

    @hookimpl
    def optbench_optimizers(self) -> Iterable[Any]:
        options = {
            "lr": Option(default=1e-3, doc="", low=0.0, search="log"),
            "decay": Option(default=0.0, doc="", low=0.0, search="log", span=(1e-6, 1e-2)),
            "momentum": Option(default=0.0, doc="", low=0.0, high=1.0, bounds="[)"),
            "history": Option(default=10, doc="", low=1, high=20),
            "nesterov": Option(default=False, doc=""),
            "beta": Option(default="fr", doc="", choices=("fr", "pr")),
            "warmup": Option(default=5, doc="", low=0),
            "betas": Option(default=[0.9, 0.999], doc="", low=0.0, high=1.0),
        }
        yield OptimizerPlugin(name="sgd", factory=WHERE, summary="", options=options)
        yield OptimizerPlugin(name="newton", factory=WHERE, summary="")

    @hookimpl
    def optbench_problems(self) -> Iterable[Any]:
        yield ProblemPlugin(name="net", factory=WHERE, summary="", kind="learning")
        yield ProblemPlugin(name="bowl", factory=WHERE, summary="", random=False)

    @hookimpl
    def optbench_metrics(self) -> Iterable[Any]:
        yield MetricPlugin(name="validation-loss", factory=WHERE, summary="")
        yield MetricPlugin(name="accuracy", factory=WHERE, summary="", higher_is_better=True)


@pytest.fixture
def catalogue() -> Catalogue:
    return build_catalogue({"fake": Plugin()})


@pytest.fixture
def load(write: Callable[[str], Path], catalogue: Catalogue) -> Callable[[str], SuiteSpec]:
    return lambda text: load_suite(write(HEAD + text), catalogue)


def space(spec: SuiteSpec) -> dict[str, Dimension]:
    return {part.option: part for part in spec.optimizers[0].space}


def told(load: Any, text: str) -> str:
    with pytest.raises(SuiteError) as caught:
        load(text)
    return str(caught.value)


def test_what_the_plugin_says_how_to_search_is_tuned(load: Any) -> None:
    found = space(load('[tuning]\n[[optimizer]]\nuse = "sgd"'))
    assert set(found) == {"lr", "decay"}
    assert (found["lr"].low, found["lr"].high, found["lr"].floor) == (pytest.approx(1e-5), pytest.approx(0.1), None)
    assert (found["decay"].low, found["decay"].high) == (1e-6, 1e-2)


def test_what_is_written_is_not_tuned(load: Any) -> None:
    spec = load('[tuning]\n[[optimizer]]\nuse = "sgd(lr=0.1)"\ngrid.decay = [0.0, 0.1]')
    assert [entry.space for entry in spec.optimizers] == [(), ()]


def test_options_are_named_and_their_ranges_replaced(load: Any) -> None:
    text = """
    [tuning]
    trials = 96
    [[optimizer]]
    use = "sgd"
    tune = ["lr", "momentum", "history", "nesterov", "beta", "betas"]
    search.lr = {low = 1e-2, points = 3}
    search.betas = {values = [[0.9, 0.99], [0.9, 0.999]]}
    search.history = {low = 2, high = 8}
    """
    found = space(load(text))
    assert (found["lr"].low, found["lr"].high, found["lr"].points) == (1e-2, pytest.approx(0.1), 3)
    assert (found["momentum"].scale, found["momentum"].floor) == ("linear", 0.0)
    assert found["momentum"].ceiling == math.nextafter(1.0, 0.0)
    assert (found["history"].low, found["history"].whole, found["history"].ceiling) == (2, True, 20)
    assert found["nesterov"].values == (False, True)
    assert found["beta"].values == ("fr", "pr")
    assert found["betas"].values == ([0.9, 0.99], [0.9, 0.999])


def test_a_class_that_no_plugin_registers_is_tuned_as_the_suite_says(load: Any) -> None:
    spec = load(
        '[tuning]\n[[optimizer]]\nuse = "json:JSONDecoder"\nsearch.lr = {low = 0.001, high = 1.0, scale = "log"}'
    )
    assert [(part.option, part.scale) for part in spec.optimizers[0].space] == [("lr", "log")]


def test_yardsticks_know_which_way_is_better_and_problems_may_have_their_own(load: Any) -> None:
    text = """
    select = "relative:1e-6"
    [[problem]]
    use = "bowl"
    [tuning]
    select = "validation-loss"
    score = "accuracy"
    [[optimizer]]
    use = "sgd"
    """
    spec = load(text)
    loss, accuracy = (
        Yardstick(name="fake/validation-loss"),
        Yardstick(name="fake/accuracy", higher_is_better=True),
    )
    assert (spec.tuning.select, spec.tuning.score) == (loss, accuracy)
    assert (spec.problems[0].select, spec.problems[0].score) == (Yardstick(name="relative:1e-06"),) * 2
    assert (spec.problems[1].select, spec.problems[1].score) == (None, None)


def test_a_suite_that_tunes_round_trips_through_json(load: Any) -> None:
    spec = load('[tuning]\nrepeats = 3\n[[optimizer]]\nuse = "sgd"\ntune = ["lr", "beta"]')
    assert SuiteSpec.from_json(spec.to_json()) == spec
    assert spec.tuning == Tuning(repeats=3)


def test_each_optimizer_is_a_task_and_runs_untuned_too(load: Any, catalogue: Catalogue) -> None:
    text = '[tuning]\nUNTUNED\n[[optimizer]]\nuse = "sgd"\n[[optimizer]]\nuse = "newton"\n'
    planner = SuitePlanner(load(text.replace("UNTUNED", "")), catalogue)
    assert [trial.optimizer.short for trial in planner.trials] == ["sgd", "newton"]
    (task,) = planner.tasks
    assert (task.trial.optimizer.short, task.seeded) == ("sgd", True)
    alone = SuitePlanner(load(text.replace("UNTUNED", "untuned = false")), catalogue)
    assert [trial.optimizer.short for trial in alone.trials] == ["newton"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[[optimizer]]\nuse = "sgd"\ntune = ["lr"]', "optimizer[0].tune: given without [tuning]"),
        ('select = "f"\n[[optimizer]]\nuse = "sgd"', "problem[0].select: given without [tuning]"),
        ('[tuning]\n[[optimizer]]\nuse = "sgd"\ntune = ["momentun"]', "nearest: momentum"),
        ('[tuning]\n[[optimizer]]\nuse = "sgd(lr=1.0)"\ntune = ["lr"]', "lr has a value in this entry as well"),
        ('[tuning]\n[[optimizer]]\nuse = "newton"\ntune = true', "optimizer[0].tune: given true"),
        ('[tuning]\n[[optimizer]]\nuse = "sgd"\ntune = ["warmup"]', "nothing says where to look for warmup"),
        ('[tuning]\n[[optimizer]]\nuse = "sgd"\ntune = ["betas"]', "betas is no number"),
        ('[tuning]\n[[optimizer]]\nuse = "sgd"\nsearch.momentum.high = 2.0', "high = 2; allowed: 0 <= low < high < 1"),
        ('[tuning]\n[[optimizer]]\nuse = "sgd"\nsearch.momentum.high = 1.0', "high = 1; allowed: 0 <= low < high < 1"),
        ('[tuning]\n[[optimizer]]\nuse = "sgd"\nsearch.lr.low = 0.0', "above 0 on a scale by log"),
        ('[tuning]\n[[optimizer]]\nuse = "sgd"\nsearch.lr.lo = 0.1', "optimizer[0].search.lr.lo: unknown key"),
        ('[tuning]\n[[optimizer]]\nuse = "sgd"\nsearch.lr = {low = 0.1, values = [1, 2]}', "a range; allowed: one of"),
        ('[tuning]\n[[optimizer]]\nuse = "sgd"\ntune = ["lr"]\nsearch.decay.low = 0.1', "an option that is not tuned"),
        ('[tuning]\ntrials = 5\nseeds = 2\n[[optimizer]]\nuse = "sgd"', "tuning.trials: given 5 with seeds = 2"),
        ('[tuning]\ntrials = 1\n[[optimizer]]\nuse = "newton"', "at least 2 settings"),
        ('[tuning]\ntrials = 3\n[[optimizer]]\nuse = "sgd"', "a grid of 2 × 2 settings is beyond the budget of 3"),
        ('[tuning]\nselect = "acuracy"\n[[optimizer]]\nuse = "sgd"', "nearest: accuracy"),
        ('[tuning]\nselect = "relative:1e-3"\n[[optimizer]]\nuse = "sgd"', "metrics and targets: validation-loss"),
        ('[tuning]\nmethod = "gird"\n[[optimizer]]\nuse = "sgd"', "tuning.method: given 'gird'"),
        ('[tuning]\nstored = "none.toml"\n[[optimizer]]\nuse = "sgd"', "none.toml: No such file"),
        ('[tuning]\nstored = "x"\ntrials = 3\n[[optimizer]]\nuse = "sgd"', "tuning.trials: given with `stored`"),
    ],
)
def test_mistakes_are_told_with_what_is_allowed(load: Any, text: str, message: str) -> None:
    assert message in told(load, text)


def test_mistakes_of_tuning_are_told_with_the_others(load: Any) -> None:
    text = '[tuning]\nrepeats = 0\n[[optimizer]]\nuse = "sgd"\ntune = ["momentun"]\n[[optimizer]]\nuse = "newtn"'
    assert {"tuning.repeats", "optimizer[0].tune", "optimizer[1].use"} <= {
        part.strip().partition(":")[0] for part in told(load, text).splitlines()
    }


STORED = """
found-by = "the suite slow"
[[setting]]
problem = "fake/net"
optimizer = "fake/sgd(momentum=0.0)"
options = {lr = 0.02, decay = 1e-4}
edge = ["lr above"]
"""


def test_stored_settings_are_read_and_go_to_their_optimizer(load: Any, tmp_path: Path) -> None:
    (tmp_path / "found.toml").write_text(STORED)
    spec = load('[tuning]\nstored = "found.toml"\n[[optimizer]]\nuse = "sgd"')
    (stored,) = spec.tuning.stored
    assert (stored.options, stored.edge, spec.tuning.found_by) == (
        {"lr": 0.02, "decay": 1e-4},
        ("lr above",),
        "the suite slow",
    )
    assert SuiteSpec.from_json(spec.to_json()) == spec


def test_a_pair_without_a_stored_setting_is_a_mistake(load: Any, tmp_path: Path) -> None:
    (tmp_path / "found.toml").write_text(STORED)
    text = '[tuning]\nstored = "found.toml"\n[[problem]]\nuse = "bowl"\n[[optimizer]]\nuse = "sgd"'
    assert "found.toml has nothing for sgd on bowl" in told(load, text)
    text = '[tuning]\nstored = "found.toml"\n[[optimizer]]\nuse = "sgd(momentum=0.5)"'
    assert "has nothing for sgd on net" in told(load, text)


def test_a_file_of_other_content_is_told(load: Any, tmp_path: Path) -> None:
    (tmp_path / "found.toml").write_text(STORED.replace("fake/sgd", "fake/gone"))
    assert "unknown optimizer 'fake/gone'" in told(load, '[tuning]\nstored = "found.toml"\n[[optimizer]]\nuse = "sgd"')
    (tmp_path / "found.toml").write_text("title = 3")
    assert "is not what `optbench tuned` writes" in told(
        load, '[tuning]\nstored = "found.toml"\n[[optimizer]]\nuse = "sgd"'
    )


TUNED = '[tuning]\ntrials = 10\n[[optimizer]]\nuse = "sgd"'


def test_keys_are_replaced_from_the_command_line(load: Any) -> None:
    changed = override_tuning(load(TUNED), "trials=6, repeats=3").tuning
    assert (changed.trials, changed.repeats, changed.seeds) == (6, 3, 1)


def test_a_suite_whose_tuning_is_off_runs_what_is_written(load: Any, catalogue: Catalogue) -> None:
    planner = SuitePlanner(override_tuning(load(TUNED), "off"), catalogue)
    assert (len(planner.trials), planner.tasks) == (1, ())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("trials=3", "at least 4"),  # two options have a grid of 2 × 2
        ("seeds=3", "a multiple of 3"),
        ("trial=3", "nearest: trials"),
        ("trials=x", "allowed: trials, seeds, repeats"),
    ],
)
def test_what_can_not_replace_a_key_is_told(load: Any, text: str, message: str) -> None:
    with pytest.raises(UserError, match=re.escape(message)):
        override_tuning(load(TUNED), text)


def test_a_suite_without_tuning_has_none_to_replace(load: Any) -> None:
    with pytest.raises(UserError, match="the suite tunes nothing"):
        override_tuning(load('[[optimizer]]\nuse = "sgd"'), "off")


def test_an_optimizer_that_is_added_is_tuned_as_its_plugin_says(load: Any, catalogue: Catalogue) -> None:
    added = added_entry(load(TUNED), "sgd(decay=0.1, momentum=0.5)", catalogue)
    assert [part.option for part in added.space] == ["lr"]
    assert added_entry(load('[[optimizer]]\nuse = "sgd"'), "sgd", catalogue).space == ()
