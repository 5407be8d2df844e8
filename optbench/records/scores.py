"""How an optimizer does over all problems, and beside the leading one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

MEASURES = ("evaluations", "gradients", "seconds")
COST = "cost"  # the measure that a suite's weights add
FLOPS = "flops"  # the measure of problems that state their model FLOPs
SHIFTS = {
    "evaluations": 10.0,
    "gradients": 10.0,
    "seconds": 0.01,
    FLOPS: 1e6,
    COST: 10.0,
}  # of the shifted geometric means
LEVEL_VERDICTS = ("within noise", "equivalent")
AREA_FACTOR = 64.0  # where the area under a performance profile ends


@dataclass(frozen=True, kw_only=True)
class Score:
    """An optimizer over all problems, by one measure at one target."""

    optimizer: str
    measure: str
    target: float
    trials: int  # seeds over all problems
    hits: int
    low: float  # 95 % Wilson interval of hits / trials
    high: float
    problems: int  # that it was run on
    solved: int  # problems that at least half of the seeds solve
    solved_by_kind: Mapping[str, tuple[int, int]]  # kind -> (solved, run)
    slowdown: float | None  # median over its problems of cost / best cost; None: more than half are unsolved
    wins: int  # problems on which nothing is cheaper
    cost: float | None  # median over the problems that it solves
    mean: float | None  # shifted geometric mean; an unsolved problem counts the most that any optimizer spent there
    area: float | None  # under the performance profile over log₂ τ up to AREA_FACTOR, between 0 and 1


@dataclass(frozen=True, kw_only=True)
class Versus:
    """An optimizer against the leading one, by one measure at one target, paired by problem or by problem and seed."""

    optimizer: str
    leader: str
    measure: str
    target: float
    ratio: float | None  # its cost over the leader's, typically; with its 95 % interval
    low: float | None
    high: float | None
    verdict: str  # of the optimizer: "slower", "within noise", …
    pairs: int


def ranked(scores: Iterable[Score]) -> tuple[Score, ...]:
    """Return scores by one measure at one target, best first: solved share, then slowdown."""
    return tuple(sorted(scores, key=_rank))


def _rank(score: Score) -> tuple[float, float]:
    share = score.hits / score.trials if score.trials else -1.0
    return -share, float("inf") if score.slowdown is None else score.slowdown
