"""Frozen records that travel between the stages; standard library only, each round-trips through JSON."""

from optbench.records.canonical import canonical_json, content_hash, finite
from optbench.records.environment import Environment
from optbench.records.expressions import Call, ExpressionError, parse, parse_one, toml_value
from optbench.records.gate import QUANTITIES, TARGETED, Gate, GateResult
from optbench.records.job import Facts, Job
from optbench.records.report import (
    FAILED,
    MEASURES,
    Cell,
    Failure,
    Quantiles,
    ReportCurve,
    ReportModel,
    ReportOptimizer,
    ReportProblem,
    Score,
)
from optbench.records.suite import DEFAULT_TARGETS, Entry, SuiteSpec
from optbench.records.targets import TARGET_KINDS, Target
from optbench.records.trace import COUNT_COLUMNS, EVENT_COLUMNS, SNAPSHOT_COLUMNS, TIME_COLUMNS, Trace
from optbench.records.trial import (
    CONDITIONS,
    COUNTED,
    MEMORY_FIELDS,
    Budget,
    Component,
    Limits,
    Pass,
    Status,
    TrialRecord,
    TrialSpec,
)

__all__ = [
    "CONDITIONS",
    "COUNTED",
    "COUNT_COLUMNS",
    "DEFAULT_TARGETS",
    "EVENT_COLUMNS",
    "FAILED",
    "MEASURES",
    "MEMORY_FIELDS",
    "QUANTITIES",
    "SNAPSHOT_COLUMNS",
    "TARGETED",
    "TARGET_KINDS",
    "TIME_COLUMNS",
    "Budget",
    "Call",
    "Cell",
    "Component",
    "Entry",
    "Environment",
    "ExpressionError",
    "Facts",
    "Failure",
    "Gate",
    "GateResult",
    "Job",
    "Limits",
    "Pass",
    "Quantiles",
    "ReportCurve",
    "ReportModel",
    "ReportOptimizer",
    "ReportProblem",
    "Score",
    "Status",
    "SuiteSpec",
    "Target",
    "Trace",
    "TrialRecord",
    "TrialSpec",
    "canonical_json",
    "content_hash",
    "finite",
    "parse",
    "parse_one",
    "toml_value",
]
