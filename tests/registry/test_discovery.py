"""Plugins are found one by one; a broken one is reported and takes nothing else down."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from optbench.api import UserError
from optbench.registry import load_catalogue

GOOD = """
from optbench.api import OptimizerPlugin, hookimpl

@hookimpl
def optbench_optimizers():
    yield OptimizerPlugin(name="good", factory="somewhere:Good", summary="Fine.")
"""
FAKES = ("alpha", "beta", "gamma")
Install = Callable[..., None]


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("raise RuntimeError('boom')", "RuntimeError: boom"),
        ("import sys; sys.exit('bye')", "SystemExit: bye"),
        ("import no_such_module_anywhere", "no_such_module_anywhere"),
    ],
)
def test_a_plugin_that_fails_at_import_is_reported_and_the_others_stay(
    install: Install, source: str, reason: str
) -> None:
    install("alpha", "broken", source)
    install("beta", "fine", GOOD)
    catalogue = load_catalogue(only=FAKES)
    assert catalogue.names("optimizers") == ("good",)
    (broken,) = catalogue.broken
    assert (broken.plugin, broken.distribution, broken.where) == ("broken", "alpha", "import")
    assert reason in broken.reason


@pytest.mark.parametrize(
    ("version", "accepted"), [("(1, 0)", True), ("(2, 0)", False), ("(1, 7)", False), ("'1'", False)]
)
def test_the_api_version_of_a_plugin_is_checked(install: Install, version: str, accepted: bool) -> None:
    install("alpha", "versioned", f"OPTBENCH_API = {version}\n{GOOD}")
    catalogue = load_catalogue(only=FAKES)
    assert bool(catalogue.names("optimizers")) is accepted
    assert [item.where for item in catalogue.broken] == ([] if accepted else ["API"])


def test_a_hook_with_an_unknown_argument_is_rolled_back(install: Install) -> None:
    install("alpha", "argument", GOOD.replace("optbench_optimizers()", "optbench_optimizers(extra)"))
    catalogue = load_catalogue(only=FAKES)
    assert catalogue.names("optimizers") == ()
    assert catalogue.plugins == ()
    assert [(item.where, "extra" in item.reason) for item in catalogue.broken] == [("register", True)]


def test_a_plugin_that_was_rolled_back_does_not_hold_its_name(install: Install) -> None:
    install("alpha", "same", GOOD.replace("optbench_optimizers()", "optbench_optimizers(extra)"))
    install("beta", "same", GOOD)
    (info,) = load_catalogue(only=FAKES).plugins
    assert info.distribution == "beta"


def test_a_module_with_two_entry_points_is_one_plugin(install: Install, tmp_path: Path) -> None:
    install("alpha", "fine", GOOD)
    with (tmp_path / "alpha-1.0.dist-info" / "entry_points.txt").open("a") as entries:
        entries.write("second = fake_alpha_fine\n")
    catalogue = load_catalogue(only=FAKES)
    assert [item.name for item in catalogue.plugins] == ["fine"]
    assert [(item.plugin, item.reason) for item in catalogue.broken] == [
        ("second", "the same module is loaded as plugin 'fine' already")
    ]


def test_a_misspelt_hook_is_reported_with_the_nearest_name(install: Install) -> None:
    install("alpha", "typo", GOOD + "\n@hookimpl\ndef optbench_optimisers():\n    yield 1\n")
    catalogue = load_catalogue(only=FAKES)
    assert catalogue.names("optimizers") == ("good",)
    (broken,) = catalogue.broken
    assert broken.where == "optbench_optimisers"
    assert "optbench_optimizers" in broken.reason


def test_a_hook_without_its_mark_is_reported(install: Install) -> None:
    install("alpha", "unmarked", "def optbench_problems():\n    return []\n")
    assert "@hookimpl" in load_catalogue(only=FAKES).broken[0].reason


def test_plugins_are_allowed_and_blocked_by_entry_point_or_distribution(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    for distribution, plugin in (("alpha", "one"), ("alpha", "two"), ("beta", "three")):
        install(distribution, plugin, GOOD.replace('"good"', f'"{plugin}"'))

    def loaded(**options: Any) -> set[str]:
        return {item.name for item in load_catalogue(**options).plugins}

    assert loaded(only=("alpha",)) == {"one", "two"}
    assert loaded(only=("one", "beta")) == {"one", "three"}
    assert loaded(only=("alpha", "beta"), block=("one", "beta")) == {"two"}
    monkeypatch.setenv("OPTBENCH_PLUGINS", "two, three")
    assert loaded() == {"two", "three"}
    monkeypatch.setenv("OPTBENCH_BLOCK", "beta")
    assert loaded() == {"two"}
    monkeypatch.setenv("OPTBENCH_PLUGINS", "")
    assert loaded() == set()


def test_two_distributions_with_one_plugin_name_keep_the_first_and_report_the_second(install: Install) -> None:
    install("alpha", "same", GOOD)
    install("beta", "same", GOOD)
    catalogue = load_catalogue(only=FAKES)
    assert [item.distribution for item in catalogue.plugins] == ["alpha"]
    assert "distribution alpha" in catalogue.broken[0].reason


def test_a_plugin_states_its_distribution_version_hooks_and_counts(install: Install) -> None:
    install("alpha", "fine", GOOD, version="2.5")
    (info,) = load_catalogue(only=FAKES).plugins
    assert (info.name, info.distribution, info.version) == ("fine", "alpha", "2.5")
    assert info.hooks == ("optbench_optimizers",)
    assert info.counts == {"optimizers": 1}
    assert info.path is not None
    assert info.path.name == "fake_alpha_fine.py"


def test_a_plugin_file_is_importable_under_a_name_that_depends_on_its_path_only(tmp_path: Path) -> None:
    path = tmp_path / "my_method.py"
    path.write_text(GOOD.replace('"somewhere:Good"', 'f"{__name__}:Good"') + "\nclass Good: ...\n", encoding="utf-8")
    registered = load_catalogue(only=(), plugin_files=[path, path]).get("optimizers", "my-method/good")
    module = registered.record.factory.partition(":")[0]
    assert module.startswith("optbench_local_my_method_")
    assert module in sys.modules
    assert (registered.plugin, registered.distribution, registered.path) == ("my-method", "", path)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("\n\nraise ValueError('boom')", "line 3: ValueError: boom"),
        ("x = 1\ndef broken(:\n", "line 2: SyntaxError"),
        ("OPTBENCH_API = (9, 0)", "plugin API 9.0"),
        ("def optbench_optimisers(): ...", "optbench_optimizers"),
    ],
)
def test_a_given_file_that_is_broken_is_the_users_mistake(tmp_path: Path, source: str, message: str) -> None:
    path = tmp_path / "mine.py"
    path.write_text(source, encoding="utf-8")
    with pytest.raises(UserError, match=r"mine\.py") as caught:
        load_catalogue(only=(), plugin_files=[path])
    assert message in str(caught.value)


def test_a_given_file_that_is_missing_is_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no plugin file .*absent\.py"):
        load_catalogue(only=(), plugin_files=[tmp_path / "absent.py"])


def test_a_given_file_may_not_take_the_name_of_an_installed_plugin(install: Install, tmp_path: Path) -> None:
    install("alpha", "mine", GOOD)
    path = tmp_path / "mine.py"
    path.write_text(GOOD, encoding="utf-8")
    with pytest.raises(UserError, match="distribution alpha"):
        load_catalogue(only=FAKES, plugin_files=[path])
