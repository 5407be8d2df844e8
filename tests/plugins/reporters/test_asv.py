"""The reporter `asv`: what asv itself makes of what it writes."""

from __future__ import annotations

import importlib.util
import json
import math
import subprocess
import sys
from dataclasses import replace

import pytest
from optbench_reporters.asv import AsvReporter, stable_name

from optbench.api import UserError
from optbench.records import Component

TARGET = "relative:1e-05"
COMMIT, DATE = "a" * 40, "2026-01-31T10:00:00+00:00"
CONFIG = {
    "version": 1,
    "project": "toy",
    "repo": ".",
    "branches": ["main"],
    "environment_type": "existing",
    "pythons": ["same"],
    "benchmark_dir": "benchmarks",
    "results_dir": "results",
    "html_dir": "html",
    "regressions_thresholds": {".*(evaluations|bytes).*": 0.01},
    "regressions_first_commits": {".*seconds.*": None},  # plotted, but no gate
}


def report(synthetic, factor=1.0, commit=COMMIT, date=DATE, arms=("gd", "lbfgs"), missing=()):
    """Return a report of `arms` on two problems; `factor` is on the evaluations of lbfgs."""
    results = synthetic.Results()
    for arm in arms:
        for problem, base in (("p", 40), ("r", 90)):
            if (arm, problem) in missing:
                continue
            cost = base * (factor if arm == "lbfgs" else 3)
            trace = synthetic.events_of([1, cost], [1.0, 1e-9])
            results.add(
                Component(name=f"x/{arm}", options={"m": 5}),
                f"y/{problem}",
                trace,
                f_star=0.0,
                f_star_source="exact",
                evaluations=int(cost),
                state_bytes=80,
                evaluations_to_target={TARGET: cost},
            )
    model = results.report()
    return replace(model, environment=replace(model.environment, commit=commit, committed=date))


def write(model, place):
    return AsvReporter(results=str(place), target=1e-5, times=True)(model, place)


def test_values_stand_in_the_order_of_the_product_nan_where_nothing_ran(synthetic, tmp_path):
    *_, path = write(report(synthetic, missing=[("gd", "r")]), tmp_path)
    values, params, _ = json.loads(path.read_text())["results"]["made-up.evaluations_to_1e-05"]
    found = dict(zip([(o, p) for o in params[0] for p in params[1]], values, strict=True))
    assert found[params[0][0], "'p'"] == 120
    assert math.isnan(found[params[0][0], "'r'"])
    assert found[params[0][1], "'r'"] == 90


def test_parameters_of_earlier_runs_and_figures_of_other_suites_stay(synthetic, tmp_path):
    write(report(synthetic), tmp_path)
    write(replace(report(synthetic, arms=("bfgs",)), name="other"), tmp_path)
    write(report(synthetic, arms=("bfgs",)), tmp_path)
    benchmarks = json.loads((tmp_path / "benchmarks.json").read_text())
    assert {"made-up.state_bytes", "other.state_bytes"} <= set(benchmarks)
    assert len(benchmarks["made-up.state_bytes"]["params"][0]) == 3
    (result,) = [path for path in (tmp_path / "bench").iterdir() if path.name != "machine.json"]
    assert {"made-up.state_bytes", "other.state_bytes"} <= set(json.loads(result.read_text())["results"])


@pytest.mark.parametrize(
    ("commit", "date", "said"), [(None, None, "no commit"), (COMMIT + "+", DATE, "differed"), (COMMIT, None, "no date")]
)
def test_a_run_of_no_clean_commit_is_refused(synthetic, tmp_path, commit, date, said):
    with pytest.raises(UserError, match=said):
        write(report(synthetic, commit=commit, date=date), tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_file_that_is_not_asvs_is_left_alone(synthetic, tmp_path):
    (tmp_path / "benchmarks.json").write_text("[]")
    with pytest.raises(UserError, match=r"benchmarks\.json"):
        write(report(synthetic), tmp_path)
    assert (tmp_path / "benchmarks.json").read_text() == "[]"


def test_a_default_option_is_no_part_of_a_name(synthetic):
    results = synthetic.Results()
    results.add(Component(name="x/lbfgs", options={"m": 5, "new": 1}), "y/p", synthetic.events_of([1], [1.0]))
    results.optimizer_info = {"x/lbfgs": {"defaults": {"m": 10, "new": 1}}}
    (item,) = results.report().optimizers
    assert stable_name(item.parts, item.expression) == "lbfgs(m=5)"


def test_figures_of_two_plugins_that_share_a_name_are_not_mixed(synthetic, tmp_path):
    results = synthetic.Results()
    for plugin, cost in (("x", 30), ("mine", 50), ("z", 70)):
        arm = Component(name=f"{plugin}/{'gd' if plugin != 'z' else 'bfgs'}")
        problem = f"{plugin}/p" if plugin != "z" else "x/p"
        results.add(arm, problem, synthetic.events_of([1, cost], [1.0, 1e-9]), f_star=0.0, f_star_source="exact")
    model = results.report()
    environment = replace(model.environment, commit=COMMIT, committed=DATE)
    *_, path = write(replace(model, environment=environment), tmp_path)
    _, params, _ = json.loads(path.read_text())["results"]["made-up.evaluations_to_1e-05"]
    assert [set(names) for names in params] == [{"'x/gd'", "'mine/gd'", "'bfgs'"}, {"'x/p'", "'mine/p'"}]


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("asv") is None, reason="asv is not installed")
def test_asv_publish_finds_the_planted_doubling_and_nothing_else(synthetic, tmp_path):
    def git(*arguments):
        done = subprocess.run(
            ["git", "-c", "user.name=x", "-c", "user.email=x@y", *arguments],
            cwd=tmp_path,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    git("init", "--quiet", "--initial-branch", "main")
    (tmp_path / "asv.conf.json").write_text(json.dumps(CONFIG))
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "__init__.py").write_text("")
    for number in range(12):
        (tmp_path / "file").write_text(str(number))
        git("add", ".")
        git("commit", "--quiet", "-m", f"change {number}")
        commit, date = git("rev-parse", "HEAD"), git("show", "-s", "--format=%cI")
        write(report(synthetic, 2.0 if number >= 7 else 1.0, commit, date), tmp_path / "results")
    done = subprocess.run(
        [sys.executable, "-m", "asv", "publish", "--no-pull"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / "html" / "regressions.json").read_text())["regressions"]
    assert {row[0] for row in found} == {
        f"made-up.evaluations_to_1e-05({arm}, '{problem}')" for arm in ("'lbfgs(m=5)'",) for problem in ("p", "r")
    }
