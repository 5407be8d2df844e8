"""What problems state of their structure."""

from __future__ import annotations

import math
from typing import Any

import pytest

from optbench.api import Panel, UserError


@pytest.mark.parametrize(
    "stated", [{"bound": None}, {"bound": 0.0}, {"bound": "2"}, {"l1": -1.0}, {"l1": math.nan}, {"l1": True}], ids=str
)
def test_a_panel_with_what_is_no_weight_or_length_is_told_in_one_line(stated: dict[str, Any]) -> None:
    ((name, given),) = stated.items()
    with pytest.raises(UserError, match=rf"Panel\({name}={given!r}\).*a number") as told:
        Panel(**stated)
    assert "\n" not in str(told.value)


def test_a_panel_without_either_is_a_plain_quadratic() -> None:
    assert (Panel().l1, Panel(l1=0).bound) == (0.0, math.inf)
