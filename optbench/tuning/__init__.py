"""Search over options as a planner: propose settings, wait for their trials, choose, score on other seeds."""

from optbench.tuning.planner import Choice, TunedArm, TuningOutcome, TuningPlanner
from optbench.tuning.search import Course, Tried
from optbench.tuning.stored import stored_settings, stored_text

__all__ = [
    "Choice",
    "Course",
    "Tried",
    "TunedArm",
    "TuningOutcome",
    "TuningPlanner",
    "stored_settings",
    "stored_text",
]
