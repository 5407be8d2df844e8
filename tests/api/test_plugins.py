"""The records that hooks yield."""

from __future__ import annotations

from typing import get_args

from optbench.api import Evaluation
from optbench.records import EVALUATED


def test_whatever_may_be_asked_is_counted_under_its_name_but_the_minimum_on_a_line():
    assert get_args(Evaluation) == (*EVALUATED, "line_minimum")
