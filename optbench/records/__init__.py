"""Frozen records that travel between the stages; standard library only, each round-trips through JSON."""

from optbench.records.ablation import ABLATION_HEADINGS, Ablation, AblationEffect
from optbench.records.canonical import canonical_json, content_hash, finite
from optbench.records.cells import FAILED, Cell, Failure, Quantiles, StageCell, Threshold, TwoResults
from optbench.records.change import Changes, Effect, Outcome, ProblemEffect, Side
from optbench.records.curves import LearningCurve, ReportCurve, SeedCurve
from optbench.records.entrants import ReportOptimizer, ReportOption, ReportPart, ReportProblem
from optbench.records.environment import Environment
from optbench.records.expressions import Call, ExpressionError, parse, parse_one, toml_value
from optbench.records.gate import QUANTITIES, TARGETED, Gate, GateResult
from optbench.records.job import Facts, Job, Rehearsals
from optbench.records.packing import pack, unpack
from optbench.records.pairing import PAIRING_HEADINGS, Pairing, PairingResult, SolvedCount
from optbench.records.report import ReportModel
from optbench.records.scaling import BYTES, STEP, SWEPT, ScalingFit, ScalingPoint
from optbench.records.scores import AREA_FACTOR, COST, FLOPS, MEASURES, SHIFTS, Score, Versus, ranked
from optbench.records.site import Site, SiteRun, Standing
from optbench.records.space import Dimension, Position, Space, first_grid, grid_sizes, grid_spacings, setting
from optbench.records.stage import Account, StageFacts, StageRecord, account
from optbench.records.suite import DEFAULT_TARGETS, LEAST_SIZES, Entry, Scaling, SuiteSpec
from optbench.records.targets import TARGET_KINDS, Target
from optbench.records.trace import COUNT_COLUMNS, EVENT_COLUMNS, SNAPSHOT_COLUMNS, TIME_COLUMNS, Trace
from optbench.records.trial import (
    CONDITIONS,
    COUNTED,
    EVALUATED,
    MEMORY_FIELDS,
    Budget,
    Component,
    Limits,
    Pass,
    Status,
    TrialRecord,
    TrialSpec,
)
from optbench.records.tuned import Range, TunedCell, TuningAgreement, TuningChoice
from optbench.records.tuning import (
    OBJECTIVE,
    TUNED,
    Method,
    StoredSetting,
    Tuning,
    TuningTask,
    Yardstick,
    find_stored,
    untuned_parts,
)

__all__ = [
    "ABLATION_HEADINGS",
    "AREA_FACTOR",
    "BYTES",
    "CONDITIONS",
    "COST",
    "COUNTED",
    "COUNT_COLUMNS",
    "DEFAULT_TARGETS",
    "EVALUATED",
    "EVENT_COLUMNS",
    "FAILED",
    "FLOPS",
    "LEAST_SIZES",
    "MEASURES",
    "MEMORY_FIELDS",
    "OBJECTIVE",
    "PAIRING_HEADINGS",
    "QUANTITIES",
    "SHIFTS",
    "SNAPSHOT_COLUMNS",
    "STEP",
    "SWEPT",
    "TARGETED",
    "TARGET_KINDS",
    "TIME_COLUMNS",
    "TUNED",
    "Ablation",
    "AblationEffect",
    "Account",
    "Budget",
    "Call",
    "Cell",
    "Changes",
    "Component",
    "Dimension",
    "Effect",
    "Entry",
    "Environment",
    "ExpressionError",
    "Facts",
    "Failure",
    "Gate",
    "GateResult",
    "Job",
    "LearningCurve",
    "Limits",
    "Method",
    "Outcome",
    "Pairing",
    "PairingResult",
    "Pass",
    "Position",
    "ProblemEffect",
    "Quantiles",
    "Range",
    "Rehearsals",
    "ReportCurve",
    "ReportModel",
    "ReportOptimizer",
    "ReportOption",
    "ReportPart",
    "ReportProblem",
    "Scaling",
    "ScalingFit",
    "ScalingPoint",
    "Score",
    "SeedCurve",
    "Side",
    "Site",
    "SiteRun",
    "SolvedCount",
    "Space",
    "StageCell",
    "StageFacts",
    "StageRecord",
    "Standing",
    "Status",
    "StoredSetting",
    "SuiteSpec",
    "Target",
    "Threshold",
    "Trace",
    "TrialRecord",
    "TrialSpec",
    "TunedCell",
    "Tuning",
    "TuningAgreement",
    "TuningChoice",
    "TuningTask",
    "TwoResults",
    "Versus",
    "Yardstick",
    "account",
    "canonical_json",
    "content_hash",
    "find_stored",
    "finite",
    "first_grid",
    "grid_sizes",
    "grid_spacings",
    "pack",
    "parse",
    "parse_one",
    "ranked",
    "setting",
    "toml_value",
    "unpack",
    "untuned_parts",
]
