"""A suite file becomes a SuiteSpec, or all of its mistakes are told at once."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from optbench.api import UserError
from optbench.records import DEFAULT_TARGETS, Budget, Component, Limits, Scaling, SuiteSpec
from optbench.registry import Catalogue
from optbench.suites import SuiteError, find_suite, load_suite

Write = Callable[[str], Path]
MINIMAL = """
title = "Mine"
budget.steps = 10
[[problem]]
use = "quadratic"
[[optimizer]]
use = "lbfgs"
"""


def test_what_a_file_leaves_out_has_a_default(catalogue: Catalogue, write: Write) -> None:
    spec = load_suite(write(MINIMAL), catalogue)
    assert (spec.name, spec.title, spec.summary) == ("mine", "Mine", "")
    assert (spec.seeds, spec.repetitions, spec.devices, spec.dtypes) == ((0,), 1, ("cpu",), ("float64",))
    assert (spec.threads, spec.targets, spec.metrics, spec.memory) == (1, DEFAULT_TARGETS, (), True)
    assert (spec.budget, spec.limits) == (Budget(steps=10), Limits())
    assert spec.problems[0].use == Component(name="fake/quadratic", options={"n": 2})


def test_every_key_reaches_the_suite(catalogue: Catalogue, write: Write) -> None:
    spec = load_suite(
        write("""
        title = "Mine"
        summary = "All keys."
        seeds = 3
        repetitions = 2
        devices = ["cpu", "cuda", "cuda:1"]
        dtypes = ["float32", "float64"]
        threads = 4
        targets = ["relative:0.001", "gradient:1E-6", "absolute:2.5e-3"]
        metrics = ["f"]
        memory = false
        [budget]
        evaluations = 100
        examples = 1000
        seconds = 2
        targets = ["relative:1e-8"]
        [limits]
        seconds = 10
        memory = "4 GiB"
        [[problem]]
        use = "quadratic"
        groups = ["a", "b"]
        dtype = "float32"
        [[optimizer]]
        use = "lbfgs + average"
        groups = ["b"]
        """),
        catalogue,
    )
    assert (spec.seeds, spec.repetitions, spec.threads, spec.memory) == ((0, 1, 2), 2, 4, False)
    assert spec.devices == ("cpu", "cuda", "cuda:1")
    assert spec.dtypes == ("float32", "float64")
    assert spec.targets == ("relative:1e-03", "gradient:1e-06", "absolute:2.5e-03")
    assert spec.metrics == ("fake/f",)
    assert spec.budget == Budget(evaluations=100, examples=1000, seconds=2.0, targets=("relative:1e-08",))
    assert spec.limits == Limits(seconds=10.0, memory=4 * 2**30)
    assert (spec.problems[0].groups, spec.problems[0].dtype) == (("a", "b"), "float32")
    assert [meta.name for meta in spec.optimizers[0].meta_algorithms] == ["fake/average"]


def test_grids_expand_by_product(catalogue: Catalogue, write: Write) -> None:
    text = MINIMAL.replace('"quadratic"', '"quadratic"\ngrid.n = [2, 4, 8]').replace(
        '"lbfgs"', '"lbfgs"\ngrid.history = [5, 10]'
    )
    spec = load_suite(write(text), catalogue)
    assert [entry.use.options["n"] for entry in spec.problems] == [2, 4, 8]
    assert [entry.use.options["history"] for entry in spec.optimizers] == [5, 10]


def test_a_problems_budget_takes_what_it_leaves_out_from_the_suites(catalogue: Catalogue, write: Write) -> None:
    text = MINIMAL.replace("budget.steps = 10", 'budget.steps = 10\nbudget.targets = ["gradient:1e-6"]')
    text = text.replace('"quadratic"', '"quadratic"\nbudget.seconds = 3\nbudget.targets = []')
    spec = load_suite(write(text), catalogue)
    assert spec.problems[0].budget == Budget(steps=10, seconds=3.0)
    assert spec.budget == Budget(steps=10, targets=("gradient:1e-06",))


def test_all_mistakes_are_told_at_once_with_their_place_and_the_nearest_name(
    catalogue: Catalogue, write: Write
) -> None:
    path = write("""
        title = "Mine"
        seeds = 0
        devices = ["gpu"]
        dtypes = ["float8"]
        targets = ["relatif:1e-3"]
        metrics = ["ff"]
        sedes = 3
        [budget]
        step = 10
        [limits]
        memory = "4 gigs"
        [[problem]]
        use = "quadratik"
        [[problem]]
        use = "quadratic(m=3)"
        group = ["a"]
        [[optimizer]]
        use = "lbfgs(history=0) + averag"
        """)
    with pytest.raises(SuiteError) as caught:
        load_suite(path, catalogue)
    assert caught.value.source == str(path)
    told = {mistake.key: mistake.message for mistake in caught.value.mistakes}
    expected = {
        "seeds": "given 0; allowed: a number of seeds",
        "devices[0]": "given 'gpu'; allowed: cpu, cuda, cuda:N",
        "dtypes[0]": "given 'float8'; allowed: float32, float64",
        "targets[0]": "given 'relatif:1e-3'",
        "metrics[0]": "unknown metric 'ff'",
        "sedes": "nearest: seeds",
        "budget.step": "nearest: steps",
        "limits.memory": "given '4 gigs'",
        "problem[0].use": "unknown problem 'quadratik'; nearest: quadratic",
        "problem[1].use": "unknown option 'm'; options: n",
        "problem[1].group": "nearest: groups",
    }
    for key, message in expected.items():
        assert message in told[key]
    at_optimizer = [str(item) for item in caught.value.mistakes if item.key == "optimizer[0].use"]
    assert any("nearest: average" in line for line in at_optimizer)
    assert any("lowest allowed: 1" in line for line in at_optimizer)
    assert len(str(caught.value).splitlines()) == len(caught.value.mistakes) + 1


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("budget.steps = 10", "", "budget: nothing ends a trial"),
        ('title = "Mine"', "", "title: missing"),
        ('"lbfgs"', '"lbfgs"\ngroups = ["typo"]', r"optimizer\[0\]\.groups: .*groups of problems: main"),
        ('"lbfgs"', '"lbfgs(history=3)"\ngrid.history = [5]', r"optimizer\[0\]\.grid\.history: .*in `use` as well"),
        ('"lbfgs"', '"lbfgs"\ngrid.history = 5', r"optimizer\[0\]\.grid\.history: given 5; allowed: list"),
        ('"lbfgs"', '"lbfgs("', r"optimizer\[0\]\.use: expected balanced brackets"),
        ('"quadratic"', '"quadratic + average"', r"problem\[0\]\.use: .*takes no '\+'"),
        ("budget.steps = 10", "budget.steps = 1.5", "budget.steps: given 1.5"),
        ("budget.steps = 10", "budget.steps = true", "budget.steps: given True"),
        ("budget.steps = 10", "budget.steps = ", "not a TOML file"),
    ],
)
def test_one_mistake_is_one_line(catalogue: Catalogue, write: Write, old: str, new: str, message: str) -> None:
    with pytest.raises(SuiteError, match=message) as caught:
        load_suite(write(MINIMAL.replace(old, new)), catalogue)
    assert len(str(caught.value).splitlines()) == len(caught.value.mistakes) + (len(caught.value.mistakes) > 1)


def test_a_mistake_in_use_is_told_once_for_a_whole_grid(catalogue: Catalogue, write: Write) -> None:
    text = MINIMAL.replace('"lbfgs"', '"lbfgs(m=3)"\ngrid.history = [5, 10]')
    with pytest.raises(SuiteError) as caught:
        load_suite(write(text), catalogue)
    assert len(caught.value.mistakes) == 1


def test_a_suite_is_found_by_its_file(catalogue: Catalogue, write: Write, tmp_path: Path) -> None:
    assert find_suite(str(write(MINIMAL)), catalogue).name == "mine"
    with pytest.raises(UserError, match="cannot read the suite file"):
        find_suite(tmp_path / "absent.toml", catalogue)
    with pytest.raises(UserError, match=r"unknown suite 'absent'.*`optbench list suites`"):
        find_suite("absent", catalogue)


METRIC = MINIMAL.replace('title = "Mine"', 'title = "Mine"\nmetrics = ["f"]\ntargets = ["f<=0.10", "relative:1e-8"]')


def test_a_metrics_threshold_is_a_target(catalogue: Catalogue, write: Write) -> None:
    assert load_suite(write(METRIC), catalogue).targets == ("f<=0.1", "relative:1e-08")
    assert load_suite(write(METRIC.replace("f<=0.10", "fake/f>=-1.0")), catalogue).targets[0] == "fake/f>=-1"


def test_a_threshold_of_a_metric_that_is_not_evaluated_names_those_that_are(catalogue: Catalogue, write: Write) -> None:
    with pytest.raises(SuiteError) as caught:
        load_suite(write(METRIC.replace("f<=0.10", "loss<=0.1")), catalogue)
    assert "targets[0]: given 'loss<=0.1'; 'loss' is not among the suite's `metrics`: fake/f" in str(caught.value)


def test_a_metrics_threshold_ends_no_trial(catalogue: Catalogue, write: Write) -> None:
    ending = METRIC.replace("budget.steps = 10", 'budget.steps = 10\nbudget.targets = ["f<=1"]')
    with pytest.raises(SuiteError) as caught:
        load_suite(write(ending), catalogue)
    assert "budget.targets[0]: given 'f<=1'; a metric ends no trial" in str(caught.value)


WEIGHTED = MINIMAL + "[cost]\nweights = {value = 1, gradient = 2.5, hessian = 0}\n"


def test_weights_make_a_cost_of_counts(catalogue: Catalogue, write: Write) -> None:
    spec = load_suite(write(WEIGHTED), catalogue)
    assert spec.weights == {"value": 1.0, "gradient": 2.5, "hessian": 0.0}
    assert SuiteSpec.from_json(spec.to_json()) == spec
    assert load_suite(write(MINIMAL), catalogue).weights == {}


@pytest.mark.parametrize("weights", ["{values = 1}", "{}", "{value = 0}", "{value = -1}", "{value = inf}"])
def test_weights_that_weigh_nothing_are_mistakes(catalogue: Catalogue, write: Write, weights: str) -> None:
    with pytest.raises(SuiteError, match=r"cost\.weights"):
        load_suite(write(MINIMAL + f"[cost]\nweights = {weights}\n"), catalogue)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[cost]\nweights = {valu = 1}\n", "cost.weights.valu: given 'valu'; allowed: value, gradient"),
        ("[cost]\nweights = {valu = 1}\n", "nearest: value"),
        ("[cost]\nweights = {}\n", "cost.weights: given {}; allowed: at least 1"),
        ('[budget]\ntargets = ["relativ:1e-3"]\n', "nearest: relative"),
    ],
)
def test_what_is_misspelt_is_told_with_the_nearest_name(
    catalogue: Catalogue, write: Write, text: str, message: str
) -> None:
    with pytest.raises(SuiteError, match=re.escape(message)):
        load_suite(write(MINIMAL.replace("budget.steps = 10\n", "") + text), catalogue)


def test_a_misspelt_metric_of_a_target_is_told_with_the_nearest_one(catalogue: Catalogue, write: Write) -> None:
    text = MINIMAL.replace("budget", 'metrics = ["f"]\ntargets = ["F<=0.1"]\nbudget')
    with pytest.raises(SuiteError, match=r"targets\[0\].* fake/f; nearest: f$"):
        load_suite(write(text), catalogue)


def test_sizes_are_counted_for_what_an_optimizer_meets(catalogue: Catalogue, write: Write) -> None:
    text = SWEPT.replace("[[problem]]", '[[problem]]\ngroups = ["main", "few"]', 1)
    few = '[[problem]]\nuse = "quadratic(n=16)"\ngroups = ["few"]\n[[optimizer]]\nuse = "sgd"\ngroups = ["few"]\n'

    load_suite(write(text + few), catalogue)
    with pytest.raises(SuiteError, match="sgd meets quadratic at 1 of 'n'"):
        load_suite(write(SWEPT + few), catalogue)


SWEPT = (
    MINIMAL
    + """
[scaling]
option = "n"
quantities = ["state_bytes"]
project = [100, 200]
"""
).replace('"quadratic"', '"quadratic"\ngrid.n = [2, 4, 8]')


def test_a_sweep_reaches_the_suite_and_round_trips(catalogue: Catalogue, write: Write) -> None:
    spec = load_suite(write(SWEPT), catalogue)

    assert spec.scaling == Scaling(option="n", quantities=("state_bytes",), project=(100, 200))
    assert SuiteSpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec
    assert load_suite(write(MINIMAL), catalogue).scaling is None


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('option = "n"', 'option = "m"', "scaling.option: given 'm'; no problem has this option; their options: n"),
        ('"state_bytes"', '"seconds"', "scaling.quantities[0]: given 'seconds'; allowed: 'state_bytes'"),
        ("project =", "projekt =", "scaling.projekt: unknown key; allowed: option, quantities, project"),
        ('title = "Mine"', 'title = "Mine"\nmemory = false', "memory: given false; [scaling] needs"),
        ('["state_bytes"]', '["step_seconds"]', "scaling.project: given without a quantity of memory"),
        ('["state_bytes"]', "[]", "scaling.quantities: given []; allowed: at least 1"),
        ('"state_bytes"', '"peak_live_byte"', "nearest: peak_live_bytes"),
        ("[2, 4, 8]", "[2, 4, 4]", "scaling: lbfgs meets quadratic at 2 of 'n'; allowed: at least 3 values"),
    ],
)
def test_a_sweep_that_can_not_be_made_is_told(
    catalogue: Catalogue, write: Write, old: str, new: str, message: str
) -> None:
    with pytest.raises(SuiteError, match=re.escape(message)):
        load_suite(write(SWEPT.replace(old, new)), catalogue)


def test_a_resolved_suite_is_the_suite_that_it_was_written_from(
    catalogue: Catalogue, write: Write, tmp_path: Path
) -> None:
    spec = load_suite(write(MINIMAL), catalogue)
    path = tmp_path / "suite.json"
    path.write_text(json.dumps(spec.to_json()), encoding="utf-8")
    assert find_suite(path, catalogue) == spec


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"name": 1}', "\x00"])
def test_what_is_no_resolved_suite_is_told_in_a_line(catalogue: Catalogue, tmp_path: Path, text: str) -> None:
    path = tmp_path / "suite.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=r"not what a report of this version gives along") as caught:
        find_suite(path, catalogue)
    assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match="cannot read the suite file"):
        find_suite(tmp_path / "absent.json", catalogue)


ARMS = MINIMAL.replace('"quadratic"', '"quadratic"\ngrid.n = [2, 4]').replace(
    "budget.steps", 'arms = ["n"]\nbudget.steps'
)


def test_options_that_tell_arms_apart_reach_the_suite_and_round_trip(catalogue: Catalogue, write: Write) -> None:
    spec = load_suite(write(ARMS), catalogue)
    assert spec.arms == ("n",)
    assert SuiteSpec.from_json(spec.to_json()) == spec


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('["n"]', '["m"]', "arms[0]: given 'm'; no problem has this option"),
        ("[2, 4]", "[2, 2]", "arms[0]: given 'n'; no problem has several values of it, as in grid.n = […]"),
        ('use = "lbfgs"', 'use = "lbfgs"\nablate = ["average"]', "arms: given with [optimizer.ablate], which compares"),
        ("[[problem]]", '[[compare]]\nfirst = "lbfgs"\nsecond = "lbfgs"\n[[problem]]', "arms: given with [compare]"),
    ],
)
def test_what_tells_no_arms_apart_is_told(catalogue: Catalogue, write: Write, old: str, new: str, message: str) -> None:
    with pytest.raises(SuiteError, match=re.escape(message)):
        load_suite(write(ARMS.replace(old, new)), catalogue)
