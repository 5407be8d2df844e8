"""One step of gradient descent by each line search: 200 parameters in float64, evaluations included."""

from __future__ import annotations

import pytest

from optbench.numerics.line_searches import LINE_SEARCHES


@pytest.mark.parametrize("search", sorted(LINE_SEARCHES))
def bench_line_search(optbench_steps, benchmark, search):
    benchmark.group = "line search"
    optbench_steps(
        f'gradient-descent(line_search="{search}")', "tridiagonal-quadratic(n=200)", steps=5, warm=2, rounds=7
    )
