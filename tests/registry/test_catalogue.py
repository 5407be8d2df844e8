"""The catalogue names records, validates them, and calls a hook only when its kind is asked for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from optbench.api import OptimizerPlugin, Option, ProblemPlugin, UserError, hookimpl
from optbench.records import Component, Status, TrialRecord, TrialSpec
from optbench.registry import Catalogue, build_catalogue


def optimizer(name: str = "descent", **fields: Any) -> OptimizerPlugin:
    return OptimizerPlugin(**{"name": name, "factory": "package.module:Name", "summary": "A method.", **fields})


class Optimizers:
    """A plugin that yields the given records."""

    def __init__(self, *records: Any) -> None:
        self.records, self.calls = records, 0

    @hookimpl
    def optbench_optimizers(self) -> Iterable[Any]:
        self.calls += 1
        yield from self.records


class Exploding:
    """A plugin whose hook raises midway."""

    @hookimpl
    def optbench_optimizers(self) -> Iterable[Any]:
        yield optimizer("first")
        raise ZeroDivisionError

    @hookimpl
    def optbench_problems(self) -> Iterable[Any]:
        raise SystemExit(3)


def only_reason(*records: Any) -> str:
    """Return why the last record is refused, after checking that the first records stay."""
    catalogue = build_catalogue({"fake": Optimizers(*records)})
    assert len(catalogue.records("optimizers")) == len(records) - 1
    (broken,) = catalogue.broken
    return broken.reason


def test_a_bare_name_and_a_qualified_name_find_the_same_record() -> None:
    catalogue = build_catalogue({"fake": Optimizers(optimizer())})
    assert catalogue.get("optimizers", "descent") is catalogue.get("optimizers", "fake/descent")


def test_a_name_of_two_plugins_must_be_written_in_full() -> None:
    catalogue = build_catalogue({"one": Optimizers(optimizer()), "two": Optimizers(optimizer(), optimizer("own"))})
    with pytest.raises(UserError, match=r"one/descent .* and two/descent") as caught:
        catalogue.get("optimizers", "descent")
    assert "in full" in str(caught.value)
    assert catalogue.get("optimizers", "two/descent").plugin == "two"
    assert catalogue.names("optimizers") == ("one/descent", "own", "two/descent")


def test_an_unknown_name_comes_with_the_nearest_ones_and_the_command_that_lists_them() -> None:
    catalogue = build_catalogue({"fake": Optimizers(optimizer("gradient-descent"))})
    with pytest.raises(UserError, match=r"nearest: gradient-descent.*`optbench list optimizers`"):
        catalogue.get("optimizers", "gradient-decent")


def test_a_name_of_another_kind_is_told() -> None:
    catalogue = build_catalogue({"fake": Optimizers(optimizer())})
    with pytest.raises(UserError, match="one of the optimizers"):
        catalogue.get("problems", "descent")


def test_a_hook_is_called_once_and_only_for_its_kind() -> None:
    plugin = Optimizers(optimizer())
    catalogue = build_catalogue({"fake": plugin})
    catalogue.records("problems")
    assert plugin.calls == 0
    catalogue.records("optimizers")
    catalogue.get("optimizers", "descent")
    assert plugin.calls == 1


def test_a_hook_that_raises_loses_its_own_records_only() -> None:
    catalogue = build_catalogue({"bad": Exploding(), "good": Optimizers(optimizer())})
    assert catalogue.names("optimizers") == ("descent",)
    assert catalogue.names("problems") == ()
    assert [(item.plugin, item.where) for item in catalogue.broken] == [
        ("bad", "optbench_optimizers"),
        ("bad", "optbench_problems"),
    ]


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"name": "descent"}, "expected OptimizerPlugin, got dict"),
        (ProblemPlugin(name="p", factory="m:P", summary=""), "expected OptimizerPlugin, got ProblemPlugin"),
        (optimizer("Upper"), "lower-case"),
        (optimizer("descent"), "second optimizer of this name"),
        (optimizer("other", factory="module.Name"), "factory 'module.Name'"),
        (optimizer("other", evaluations=frozenset({"hesian"})), "unknown 'hesian'"),
        (optimizer("other", needs=frozenset({"wings"})), "unknown 'wings'"),
        (optimizer("other", state_memory="linear"), "state_memory"),
        (optimizer("other", host_syncs=-1), "host_syncs: expected a number of waits from 0 on, or None, got -1"),
        (optimizer("other", host_syncs=True), "got True"),
        (optimizer("other", host_syncs=0, host_syncs_per={"step": 1}), "'step'; allowed: evaluation, factorisation"),
        (optimizer("other", host_syncs=0, host_syncs_per={"evaluation": -1}), "from 0 on, got -1"),
        (
            optimizer("other", host_syncs=0, host_syncs_with={"lr": {0.1: None}}),
            "host_syncs_with: expected a number of waits from 0 on, got None",
        ),
        (optimizer("other", options={"lr": 0.1}), "expected Option, got float"),
        (optimizer("other", options={"lr": Option(default=None, doc="")}), "none of bool"),
        (optimizer("other", options={"not ok": Option(default=1, doc="")}), "identifier"),
        (optimizer("other", options={"lr": Option(default=0.1, doc="", low=1.0)}), "lowest allowed: 1.0"),
        (optimizer("other", options={"lr": Option(default=0.1, doc="", span=(0.1, 1.0))}), "span goes with `search`"),
        (optimizer("other", options={"lr": Option(default=0.1, doc="", search="log", span=(0.0, 1.0))}), "above 0"),
        (optimizer("other", options={"lr": Option(default=0.1, doc="", low=0.1, bounds="()")}), "above 0.1"),
        (optimizer("other", options={"lr": Option(default=0.1, doc="", bounds="[[")}), "bounds='[[': expected one of"),
        (optimizer("other", options={"m": Option(default=5, doc="", low=0, bounds="(]")}), "open ones for a float"),
        (optimizer("other", options={"beta": Option(default="pr", doc="", choices=("fr",))}), "allowed: fr"),
    ],
)
def test_a_bad_record_is_reported_and_the_plugins_others_stay(record: Any, reason: str) -> None:
    assert reason in only_reason(optimizer("descent"), record)


def test_a_listener_that_raises_is_reported_and_the_others_are_told() -> None:
    class Listener:
        def __init__(self) -> None:
            self.seen: list[str] = []

        @hookimpl
        def optbench_trial_finished(self, record: TrialRecord) -> None:
            self.seen.append(record.status)

    class Broken:
        @hookimpl
        def optbench_trial_finished(self) -> None:
            message = "full disk"
            raise OSError(message)

    first, last = Listener(), Listener()
    catalogue: Catalogue = build_catalogue({"first": first, "broken": Broken(), "last": last})
    spec = TrialSpec(problem=Component(name="a/b"), optimizer=Component(name="c/d"))
    (failed,) = catalogue.notify(TrialRecord(spec=spec, status=Status.OK))
    assert (failed.plugin, failed.reason) == ("broken", "OSError: full disk")
    assert first.seen == last.seen == [Status.OK]
    assert catalogue.broken == (failed,)
