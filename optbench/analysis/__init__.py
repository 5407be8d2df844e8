"""Analysis of results: arrays in, arrays out, numpy only. Costs are `inf` where unsolved and `nan` where not run."""

from optbench.analysis.curves import Curve, best_so_far, cost_to_target, curve_on_grid, log_grid
from optbench.analysis.intervals import lower_quantile, relative_spread, wilson_interval
from optbench.analysis.profiles import cost_ratios, data_profile, performance_profile
from optbench.analysis.scaling import Exponent, fit_exponent
from optbench.analysis.weights import weighted_cost

__all__ = [
    "Curve",
    "Exponent",
    "best_so_far",
    "cost_ratios",
    "cost_to_target",
    "curve_on_grid",
    "data_profile",
    "fit_exponent",
    "log_grid",
    "lower_quantile",
    "performance_profile",
    "relative_spread",
    "weighted_cost",
    "wilson_interval",
]
