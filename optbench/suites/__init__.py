"""Suite files: read, checked as a whole, narrowed by what the user asks for, and planned into trials."""

from optbench.suites.loading import find_suite, load_suite, suite_path
from optbench.suites.mistakes import Mistake, SuiteError
from optbench.suites.planner import SuitePlanner
from optbench.suites.projecting import planned_projections
from optbench.suites.selection import override, select
from optbench.suites.tunings import added_entry, override_tuning

__all__ = [
    "Mistake",
    "SuiteError",
    "SuitePlanner",
    "added_entry",
    "find_suite",
    "load_suite",
    "override",
    "override_tuning",
    "planned_projections",
    "select",
    "suite_path",
]
