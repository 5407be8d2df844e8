"""The suites that come with optbench name what is installed and compare what their summaries promise."""

from __future__ import annotations

from pathlib import Path

import pytest

from optbench.registry import Catalogue, load_catalogue, missing_library
from optbench.suites import SuitePlanner, load_suite

FOLDER = Path(__file__).parents[2] / "suites" / "optbench_suites"


@pytest.fixture(scope="module")
def installed() -> Catalogue:
    return load_catalogue(only=("optbench",))


def plan(name: str, installed: Catalogue) -> SuitePlanner:
    return SuitePlanner(load_suite(FOLDER / f"{name}.toml", installed), installed)


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.toml")))
def test_a_shipped_suite_loads_and_only_what_lacks_its_library_is_refused(name: str, installed: Catalogue) -> None:
    planner = plan(name, installed)
    assert planner.trials or planner.tasks
    assert {why for _, why in planner.refused} <= {
        missing_library(item.record) for item in installed.records("optimizers")
    }


def test_quick_compares_six_optimizers_on_each_full_batch_problem(installed: Catalogue) -> None:
    solvers: dict[str, set[str]] = {}
    for trial in plan("quick", installed).trials:
        if not trial.problem.options.get("batch_size"):
            solvers.setdefault(trial.problem.short, set()).add(trial.optimizer.name)
    assert len(solvers) == 14
    assert all(len(names) >= 6 for names in solvers.values())


def test_quick_runs_three_seeds_where_training_is_random_and_one_elsewhere(installed: Catalogue) -> None:
    seeds: dict[bool, set[int]] = {True: set(), False: set()}
    for trial in plan("quick", installed).trials:
        seeds[trial.problem.short == "mlp-digits"].add(trial.seed)
    assert seeds == {True: {0, 1, 2}, False: {0}}


def test_smoke_is_small_and_has_a_minibatch_network_with_and_without_averaging(installed: Catalogue) -> None:
    trials = plan("smoke", installed).trials
    nets = [trial for trial in trials if trial.problem.options.get("batch_size")]
    assert len(trials) <= 10
    assert {tuple(meta.short for meta in trial.meta_algorithms) for trial in nets} == {(), ("polyak",)}


def test_deep_quick_has_a_stored_setting_of_six_optimizers_on_five_nets_none_at_an_edge(installed: Catalogue) -> None:
    spec = load_suite(FOLDER / "deep-quick.toml", installed)
    tasks = SuitePlanner(spec, installed).tasks
    assert (len({str(task.trial.problem) for task in tasks}), len(tasks)) == (5, 30)
    assert len(spec.seeds) >= 3
    assert spec.tuning is not None
    assert "the suite deep" in spec.tuning.found_by
    assert [item.edge for item in spec.tuning.stored] == [()] * 30


@pytest.mark.parametrize("name", ["meta", "meta-quick"])
def test_meta_ablates_every_meta_algorithm_on_twelve_seeds_all_arms_tuned_alike(
    name: str, installed: Catalogue
) -> None:
    spec = load_suite(FOLDER / f"{name}.toml", installed)
    switched = {part.name for ablation in spec.ablations for part in ablation.factor}
    every = {record.qualified for record in installed.records("meta-algorithms")}
    assert {other.rpartition("/")[2] for other in every - switched} == {"path"}  # warm against cold: see below
    assert len(spec.seeds) >= 12
    arms = [(entry.recipe, entry.groups, entry.space) for entry in spec.optimizers]
    for ablation in spec.ablations:
        present = [arm for arm in arms if arm[0] == ablation.present]
        assert present
        assert all((ablation.absent, *alike) in arms for _, *alike in present)


@pytest.mark.parametrize(("name", "pairs"), [("meta", 3), ("meta-quick", 2)])
def test_meta_compares_warm_starts_along_a_path_with_cold_ones_on_twelve_values(
    name: str, pairs: int, installed: Catalogue
) -> None:
    spec = load_suite(FOLDER / f"{name}.toml", installed)
    assert len(spec.pairings) == pairs
    for pair in spec.pairings:
        (first, warm), (second, cold) = pair.first, pair.second
        assert (first, warm.options["start"], cold.options["start"]) == (second, "warm", "cold")
        assert warm.options["values"] == cold.options["values"]
        (groups,) = (arm.groups for arm in spec.optimizers if arm.recipe == pair.first)
        assert len([entry for entry in spec.problems if entry.groups == groups]) == 12


def test_meta_quick_has_a_stored_setting_for_each_tuned_arm(installed: Catalogue) -> None:
    spec = load_suite(FOLDER / "meta-quick.toml", installed)
    tasks = SuitePlanner(spec, installed).tasks
    assert spec.tuning is not None
    assert len(spec.tuning.stored) >= len(tasks) >= 16  # a task without one is a mistake of the suite
