"""The records that hooks yield."""

from __future__ import annotations

from typing import get_args

from optbench.api import Evaluation, OptimizerPlugin
from optbench.records import EVALUATED


def test_whatever_may_be_asked_is_counted_under_its_name_but_what_counts_as_a_hessian_vector_product():
    assert get_args(Evaluation) == (*EVALUATED, "line_minimum", "gauss_newton_vector")


def test_an_optimizer_depends_on_the_seed_always_or_with_some_of_its_options():
    def record(**fields):
        return OptimizerPlugin(name="mine", factory="package.module:Name", summary="", **fields)

    assert not record().depends_on_seed({})
    assert record(deterministic=False).depends_on_seed({})
    sometimes = record(random_options={"order": ("random",)})
    assert sometimes.depends_on_seed({"order": "random"})
    assert not sometimes.depends_on_seed({"order": "cyclic"})


def test_a_peak_may_be_declared_for_one_value_of_an_option() -> None:
    orders = {"curvature": {"gauss-newton": "O(n^2)"}}
    dearer = OptimizerPlugin(name="mine", factory="package.module:Name", summary="", peak_memory_with=orders)
    assert dearer.peak_memory_of({"max_cg": 0, "curvature": "gauss-newton"}) == "O(n^2)"
    assert dearer.peak_memory_of({"max_cg": 0, "curvature": "hessian"}) == dearer.peak_memory == "O(n)"
