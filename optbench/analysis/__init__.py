"""Analysis of results: arrays in, arrays out, numpy only. Costs are `inf` where unsolved and `nan` where not run."""

from optbench.analysis.agreement import OrderAgreement, order_agreement
from optbench.analysis.bands import Band, profile_band
from optbench.analysis.bootstrap import bootstrap_t_interval, percentile_interval
from optbench.analysis.budgets import best_of_weights, weighted_lower_quantile
from optbench.analysis.comparison import LEAST_SEEDS, Comparison, Verdict, compare, log_ratios
from optbench.analysis.curves import Curve, best_so_far, curve_on_grid, log_grid
from optbench.analysis.intervals import lower_quantile, relative_spread, wilson_interval
from optbench.analysis.means import shifted_geometric_mean
from optbench.analysis.profiles import (
    convergence_costs,
    cost_ratios,
    data_profile,
    performance_profile,
    reference_values,
)
from optbench.analysis.runtimes import (
    expected_running_time,
    runtime_ecdf,
    runtimes_to_targets,
    simulated_restarts,
)
from optbench.analysis.scaling import Exponent, fit_exponent
from optbench.analysis.scores import ecdf_area, profile_area
from optbench.analysis.significance import RankTest, equivalence_test, holm, sign_test, signed_rank_test
from optbench.analysis.student import Interval, t_interval, t_test, welch_interval
from optbench.analysis.weights import weighted_cost

__all__ = [
    "LEAST_SEEDS",
    "Band",
    "Comparison",
    "Curve",
    "Exponent",
    "Interval",
    "OrderAgreement",
    "RankTest",
    "Verdict",
    "best_of_weights",
    "best_so_far",
    "bootstrap_t_interval",
    "compare",
    "convergence_costs",
    "cost_ratios",
    "curve_on_grid",
    "data_profile",
    "ecdf_area",
    "equivalence_test",
    "expected_running_time",
    "fit_exponent",
    "holm",
    "log_grid",
    "log_ratios",
    "lower_quantile",
    "order_agreement",
    "percentile_interval",
    "performance_profile",
    "profile_area",
    "profile_band",
    "reference_values",
    "relative_spread",
    "runtime_ecdf",
    "runtimes_to_targets",
    "shifted_geometric_mean",
    "sign_test",
    "signed_rank_test",
    "simulated_restarts",
    "t_interval",
    "t_test",
    "weighted_cost",
    "weighted_lower_quantile",
    "welch_interval",
    "wilson_interval",
]
