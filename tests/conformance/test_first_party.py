"""Every plugin that comes with optbench passes every check, by the entry points that users and trials take."""

from __future__ import annotations

import pytest

from optbench.registry import load_catalogue
from optbench.testing import parametrize_with_checks
from optbench.testing.collection import CHECKED

CATALOGUE = load_catalogue()
SHIPPED = [item for kind in CHECKED for item in CATALOGUE.records(kind) if item.distribution == "optbench"]

# Nets on other data, or larger ones, whose models are also those of problems that are always checked.
LIKE_OTHERS = {
    *("mlp-mnist1d", "mlp-mnist5k", "mlp-fashion-mnist", "mlp-shapes", "convnet-mnist5k", "convnet-fashion-mnist"),
    *("resnet-fashion-mnist", "autoencoder-curves", "recurrent-addition", "recurrent-programs"),
    *("mlp", "convnet", "resnet", "autoencoder"),
    *("fashion-mnist", "mnist-1d", "curves", "shapes"),  # data sets that are large, or slow to make
}


def test_every_kind_is_there():
    assert {item.plugin for item in SHIPPED} >= {"descent", "newton", "quasinewton", "stochastic", "peers", "meta"}


def test_the_import_of_a_module_is_one_test_for_all_of_its_records():
    cases = parametrize_with_checks(SHIPPED, catalogue=CATALOGUE).args[1]
    assert sum(case.id.endswith("-loads-lazily") for case in cases) == len({item.module for item in SHIPPED})


@parametrize_with_checks([item for item in SHIPPED if item.name not in LIKE_OTHERS], catalogue=CATALOGUE)
def test_conformance(check):
    check()


@pytest.mark.slow
@parametrize_with_checks([item for item in SHIPPED if item.name in LIKE_OTHERS], catalogue=CATALOGUE)
def test_conformance_of_nets_like_others(check):
    check()
