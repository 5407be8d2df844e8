"""The shape of a suite file, for pydantic: strict types, unknown keys refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from optbench.records import DEFAULT_TARGETS, TARGETED, Method
from optbench.records.nearest import suggestion
from optbench.suites import spellings
from optbench.suites.mistakes import Mistake, key_path

Count = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Flops = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Tolerance = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Device = Annotated[str, AfterValidator(spellings.device)]
DType = Annotated[str, AfterValidator(spellings.dtype)]
Target = Annotated[str, AfterValidator(spellings.target)]
EndingTarget = Annotated[str, AfterValidator(spellings.ending_target)]
Counted = Annotated[str, AfterValidator(spellings.counted)]
Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Memory = Annotated[int, BeforeValidator(spellings.memory)]
Seeds = Annotated[Any, AfterValidator(spellings.seeds)]
Grid = dict[str, Annotated[list[Any], Field(min_length=1)]]
Groups = Annotated[list[str], Field(min_length=1)]
Swept = Literal[
    "state_bytes", "peak_live_bytes", "transient_bytes", "peak_process_bytes", "peak_device_bytes", "step_seconds"
]

AblateMode = Literal["combinations", "one-at-a-time", "all-but-one"]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class BudgetTable(_Table):
    """`[budget]`, of the suite or of a problem."""

    evaluations: Count | None = None
    steps: Count | None = None
    examples: Count | None = None
    flops: Flops | None = None
    seconds: Seconds | None = None
    targets: list[EndingTarget] | None = None


class LimitsTable(_Table):
    """`[limits]`."""

    seconds: Seconds | None = None
    memory: Memory | None = None


class CostTable(_Table):
    """`[cost]`: what an evaluation of each kind costs, in units of the author's choice."""

    weights: Annotated[dict[Counted, Weight], Field(min_length=1), AfterValidator(spellings.weights)]


class ScalingTable(_Table):
    """`[scaling]`."""

    option: str = "n"
    quantities: Annotated[list[Swept], Field(min_length=1)] = ["state_bytes", "peak_live_bytes"]
    project: list[Count] = []


class TuningTable(_Table):
    """`[tuning]`."""

    method: Method = "grid"
    trials: Count = 10
    seeds: Count = 1
    repeats: Count = 1
    select: str = "f"
    score: str | None = None
    untuned: bool = True
    stored: str | None = None


class AblationTable(_Table):
    """`[ablation]`."""

    scores: Annotated[list[str], Field(min_length=1)]


class SearchTable(_Table):
    """`search.OPTION` of an optimizer."""

    low: Number | None = None
    high: Number | None = None
    scale: Literal["linear", "log"] | None = None
    points: Annotated[int, Field(ge=2)] | None = None
    values: Annotated[list[Any], Field(min_length=2)] | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        """Tell whether it is a range or a list; raises ValueError."""
        if self.values is not None and self.model_fields_set != {"values"}:
            message = "given values and a range; allowed: one of the two"
            raise ValueError(message)
        return self


class EntryTable(_Table):
    """What `[[problem]]` and `[[optimizer]]` have in common."""

    use: str
    grid: Grid = {}
    groups: Groups = ["main"]


class OptimizerTable(EntryTable):
    """`[[optimizer]]`."""

    tune: bool | list[str] | None = None
    search: dict[str, SearchTable] = {}
    ablate: Annotated[list[str], Field(min_length=1)] = []
    ablate_mode: AblateMode = "combinations"


class ProblemTable(EntryTable):
    """`[[problem]]`."""

    dtype: DType | None = None
    budget: BudgetTable = BudgetTable()
    select: str | None = None
    score: str | None = None


class GateTable(_Table):
    """`[[gate]]`."""

    name: str
    statement: str
    problem: str
    optimizer: str
    quantity: Annotated[str, AfterValidator(spellings.quantity)]
    target: Target | None = None
    scale: Number = 1.0
    expected: Number | None = None
    tolerance: Tolerance | None = None
    relative_tolerance: Tolerance | None = None
    at_most: Number | None = None
    at_least: Number | None = None

    @model_validator(mode="after")
    def _comparison(self) -> Self:
        """Tell whether the keys say what to compare with; raises ValueError."""
        tolerances = [self.tolerance, self.relative_tolerance].count(None)
        bounds = [self.at_most, self.at_least].count(None)
        value = self.expected is not None and tolerances == 1 and bounds == 2
        bounded = self.expected is None and tolerances == 2 and bounds < 2
        if not (value or bounded):
            message = (
                "allowed: `expected` with one of `tolerance`, `relative_tolerance`; or `at_most`, `at_least`, both"
            )
            raise ValueError(message)
        if self.at_most is not None and self.at_least is not None and self.at_least > self.at_most:
            message = f"given at_least {self.at_least:g} above at_most {self.at_most:g}; allowed: at_least <= at_most"
            raise ValueError(message)
        if self.target is not None and self.quantity not in TARGETED:
            message = f"given a target with {self.quantity!r}; allowed with {', '.join(TARGETED)}"
            raise ValueError(message)
        return self


class CompareTable(_Table):
    """`[[compare]]`."""

    first: str
    second: str
    targets: Annotated[list[Target], Field(min_length=1)] | None = None
    min_size: Count = 1


class SuiteTable(_Table):
    """The whole file."""

    title: str
    summary: str = ""
    seeds: Seeds = (0,)
    repetitions: Count = 1
    devices: Annotated[list[Device], Field(min_length=1)] = ["cpu"]
    dtypes: Annotated[list[DType], Field(min_length=1)] = ["float64"]
    threads: Count = 1
    targets: list[Target] = list(DEFAULT_TARGETS)
    metrics: list[str] = []
    memory: bool = True
    ranking: bool = True
    arms: list[str] = []
    budget: BudgetTable = BudgetTable()
    limits: LimitsTable = LimitsTable()
    cost: CostTable | None = None
    scaling: ScalingTable | None = None
    tuning: TuningTable | None = None
    ablation: AblationTable | None = None
    problem: Annotated[list[ProblemTable], Field(min_length=1)]
    optimizer: Annotated[list[OptimizerTable], Field(min_length=1)]
    gate: list[GateTable] = []
    compare: list[CompareTable] = []


# Which table a key's parents name; indices left out.
_TABLES: dict[tuple[str, ...], type[_Table]] = {
    (): SuiteTable,
    ("budget",): BudgetTable,
    ("limits",): LimitsTable,
    ("cost",): CostTable,
    ("scaling",): ScalingTable,
    ("problem",): ProblemTable,
    ("problem", "budget"): BudgetTable,
    ("optimizer",): OptimizerTable,
    ("optimizer", "search"): SearchTable,
    ("tuning",): TuningTable,
    ("ablation",): AblationTable,
    ("gate",): GateTable,
    ("compare",): CompareTable,
}


def shape_mistakes(error: ValidationError) -> list[Mistake]:
    """Return pydantic's findings as mistakes."""
    return [
        # pydantic marks a mistake in a table's key, rather than in its value
        Mistake(key_path([part for part in details["loc"] if part != "[key]"]), _message(details))
        for details in error.errors(include_url=False)
    ]


def _message(details: ErrorDetails) -> str:
    special: dict[str, Callable[[ErrorDetails], str]] = {
        "extra_forbidden": _unknown_key,
        "missing": lambda _: "missing; this key is required",
        "value_error": lambda found: str(found["ctx"]["error"]),
        "too_short": lambda found: f"given {found['input']!r}; allowed: at least {found['ctx']['min_length']}",
        "literal_error": _unknown_word,
    }
    if details["type"] in special:
        return special[details["type"]](details)
    allowed = details["msg"].removeprefix("Input should be ").removeprefix("a valid ")
    return f"given {details['input']!r}; allowed: {allowed}"


def _unknown_word(details: ErrorDetails) -> str:
    given, expected = details["input"], str(details["ctx"]["expected"])
    near = suggestion(str(given), re.findall(r"'([^']+)'", expected))
    return "; ".join(filter(None, (f"given {given!r}; allowed: {expected}", near)))


def _unknown_key(details: ErrorDetails) -> str:
    *parents, key = details["loc"]
    allowed = tuple(_TABLES[_names(parents)[:2]].model_fields)  # the third of search.OPTION.KEY is an option's name
    parts = ("unknown key", f"allowed: {', '.join(allowed)}", suggestion(str(key), allowed))
    return "; ".join(part for part in parts if part)


def _names(location: Sequence[str | int]) -> tuple[str, ...]:
    return tuple(part for part in location if isinstance(part, str))
