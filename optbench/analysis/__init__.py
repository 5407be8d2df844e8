"""Analysis of results: arrays in, arrays out, numpy only. Costs are `inf` where unsolved and `nan` where not run."""

from optbench.analysis.curves import Curve, best_so_far, cost_to_target, curve_on_grid, log_grid
from optbench.analysis.intervals import lower_quantile, wilson_interval
from optbench.analysis.profiles import cost_ratios, data_profile, performance_profile

__all__ = [
    "Curve",
    "best_so_far",
    "cost_ratios",
    "cost_to_target",
    "curve_on_grid",
    "data_profile",
    "log_grid",
    "lower_quantile",
    "performance_profile",
    "wilson_interval",
]
