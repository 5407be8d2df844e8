"""Every plugin that comes with optbench passes every check, by the entry points that users and trials take."""

from __future__ import annotations

from optbench.registry import load_catalogue
from optbench.testing import parametrize_with_checks
from optbench.testing.collection import CHECKED

CATALOGUE = load_catalogue()
SHIPPED = [item for kind in CHECKED for item in CATALOGUE.records(kind) if item.distribution == "optbench"]


def test_every_kind_is_there():
    assert {item.plugin for item in SHIPPED} >= {"descent", "newton", "quasinewton", "stochastic", "peers", "meta"}


def test_the_import_of_a_module_is_one_test_for_all_of_its_records():
    cases = parametrize_with_checks(SHIPPED, catalogue=CATALOGUE).args[1]
    assert sum(case.id.endswith("-loads-lazily") for case in cases) == len({item.module for item in SHIPPED})


@parametrize_with_checks(SHIPPED, catalogue=CATALOGUE)
def test_conformance(check):
    check()
