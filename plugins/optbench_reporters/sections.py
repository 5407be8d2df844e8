"""The sections of a report's page, in one table: when they are shown, what they ask, and what draws them.

A section has a template of its name in templates/sections, a script of its name in static/sections if it is alive, and
functions that draw its figures for papers. A figure is a question with what is drawn and how it is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING

from optbench.records import ReportModel
from optbench_reporters.figure import Figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from optbench_reporters.figures.style import Canvas


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of the page."""

    id: str
    title: str
    shown: Callable[[ReportModel], bool]
    figures: Mapping[str, Figure] = field(default_factory=dict)  # by id
    draw: tuple[str, ...] = ()  # each "module:function" in figures, from a Canvas to (name, figure)
    scripts: tuple[str, ...] = ()  # in static/sections; none: the template says everything

    def figures_of(self, canvas: Canvas) -> Iterator[tuple[str, Drawing]]:
        """Yield (name, figure) of what papers and readers without scripts get."""
        for drawer in self.draw:
            module, _, function = drawer.partition(":")
            yield from getattr(import_module(f"optbench_reporters.figures.{module}"), function)(canvas)


def sections_of(model: ReportModel) -> tuple[Section, ...]:
    """Return the sections of a report, in the order of the page: who wins comes first, where the suite ranks at all."""
    if not model.trials:
        return (METHOD,)
    first = (GATES, OVERVIEW, PAIRS, ABLATIONS, MEMORY, TIME, TUNING)
    rest = (PROFILES, PROBLEMS, CONVERGENCE)
    last = (OUTCOMES, METHOD)
    learns = all(problem.kind == "learning" for problem in model.problems)
    order = (*first, LEARNING, *rest, *last) if learns else (*first, *rest, LEARNING, *last)
    return tuple(section for section in order if section.shown(model))


def _table(*figures: Figure) -> dict[str, Figure]:
    return {figure.id: figure for figure in figures}


def _always(_: ReportModel) -> bool:
    return True


def _ranks(model: ReportModel) -> bool:
    return model.ranking and bool(model.targets)


GATES = Section(id="gates", title="Gates", shown=lambda model: bool(model.gates))

PAIRS = Section(id="pairs", title="Pairs", shown=lambda model: bool(model.comparisons))

ABLATIONS = Section(
    id="ablations",
    title="Ablation",
    shown=lambda model: bool(model.ablations),
    draw=("ablations:ablation_figures",),
    scripts=("ablations",),
)

MEMORY = Section(
    id="memory",
    title="Memory",
    shown=lambda model: any(fit.is_memory for fit in model.scaling),
    draw=("scaling:memory_figures",),
    scripts=("scaling",),
    figures=_table(
        Figure(
            id="scaling",
            question="How does memory grow with the number of parameters?",
            caption=(
                "Both axes are logarithmic: a straight line is a power, its slope the exponent. Dots were measured;"
                " hollow dots on dotted lines were worked out without running; × is the growth of the process. A "
                "broad, pale line lies beneath another."
            ),
            how=(
                "Lines that run in parallel grow alike: twice the parameters take twice the memory on a line of "
                "slope 1, four times on one of slope 2. Peak: what came alive while the optimizer ran, at most, "
                "evaluations of the problem included; state: what it keeps between steps. For solvers that own "
                "their loop only the growth of the process is known. An optimizer without state has no line there."
            ),
            height=420,
        )
    ),
)

TIME = Section(
    id="time",
    title="Time",
    shown=lambda model: not all(fit.is_memory for fit in model.scaling),
    draw=("scaling:time_figures",),
    scripts=("scaling",),
    figures=_table(
        Figure(
            id="scaling-time",
            question="How does the time of a step grow with the number of parameters?",
            caption=(
                "Both axes are logarithmic: a straight line is a power, its slope the exponent. Evaluations of the "
                "problem are left out; hollow dots mark times in doubt. A broad, pale line lies beneath another."
            ),
            how=(
                "At small sizes a step costs what its operations cost to call, whatever the size: lines begin flat."
                " Where the vectors or the matrix leave a cache, a line bends upwards. Solvers that own their loop "
                "are timed by iteration."
            ),
            height=420,
        )
    ),
)

TUNING = Section(
    id="tuning",
    title="Tuning",
    shown=lambda model: bool(model.tuned),
    draw=("tuning:tuning_figures",),
    scripts=("tuning",),
)  # a figure for each problem, see tuning_rows

LEARNING = Section(
    id="learning",
    title="Learning",
    shown=lambda model: bool(model.learning),
    draw=("learning:learning_figures",),
    scripts=("learning",),
    figures=_table(
        Figure(
            id="learn",
            question="What does each optimizer learn on one problem?",
            caption=(
                "Lines: median over trials at equal numbers of examples; bands: 10–90 %. Seconds are the median at "
                "those points, the measuring left out."
            ),
            how=(
                "A trial that diverged is left out from there on. Over examples optimizers are compared by what they "
                "make of the same data, over seconds by what a step costs, too. The axis of the metric is logarithmic"
                " where its values lie far apart. Drag to zoom, double-click to go back."
            ),
            height=440,
        )
    ),
)

OVERVIEW = Section(id="overview", title="Overview", shown=_ranks, scripts=("cards", "table", "versus"))

PROFILES = Section(
    id="profiles",
    title="Profiles",
    shown=_ranks,
    draw=("profiles:profile_figures",),
    scripts=("profiles",),
    figures=_table(
        Figure(
            id="profile",
            question="How often is it close to the best?",
            caption=(
                "Performance profile: share of problems solved within a factor τ of the best optimizer on each problem."
            ),
            how=(
                "The left edge is how often an optimizer is the fastest; the right edge is how often it solves the "
                "problem at all. Higher is better everywhere. Only compare a curve with the best curve: the order "
                "of the others can change when an optimizer is removed (Gould and Scott, 2016), so switch “best of”"
                " to check."
            ),
        ),
        Figure(
            id="dataprofile",
            question="How much can I solve with a given budget?",
            caption=("Data profile: share of problems solved within a given absolute cost."),
            how=(
                "Pick your budget on the horizontal axis and read which curve is highest there. Unlike the "
                "performance profile, this does not depend on which other optimizers are shown."
            ),
        ),
        Figure(
            id="ecdf",
            question="How far does a budget get me on the way?",
            caption=(
                "ECDF of runtimes: share of all pairs of a problem and an accuracy that are reached within a given "
                "cost."
            ),
            how=(
                "All accuracies count alike, the loose and the tight ones, so that an optimizer which is soon near "
                "the minimum but never reaches it still scores. Read it like the data profile beside it."
            ),
        ),
    ),
)

PROBLEMS = Section(
    id="problems",
    title="Problems",
    shown=_ranks,
    draw=("heat:heat_figures",),
    scripts=("heat",),
    figures=_table(
        Figure(
            id="heat",
            question="Where does each optimizer win or fail?",
            caption=(
                "Cost over the best cost on the same problem, among the optimizers shown; the darker, the closer to"
                " the best."
            ),
            how=(
                "Read along a row who wins on this problem, down a column where an optimizer is good. Arrow keys "
                "move between cells; Enter opens the problem’s curves below. A hatched cell was run but not solved "
                "at this accuracy by half of the seeds; an empty one was not run."
            ),
            height=100,
        )
    ),
)

CONVERGENCE = Section(
    id="convergence",
    title="Convergence",
    shown=lambda model: model.ranking or not model.scaling,
    draw=("convergence:convergence_figures", "multiples:multiples_figures"),
    scripts=("convergence", "ends", "multiples"),
    figures=_table(
        Figure(
            id="conv",
            question="How does the error fall on one problem?",
            caption=(
                "Lines: median over seeds; bands: 10–90 % of seeds; × marks a seed that diverged, crashed or timed "
                "out; a bar on a line marks where a stage of training begins. Seeds are joined at equal "
                "evaluations."
            ),
            how=(
                "Both axes are logarithmic, so a constant convergence rate bends downwards. A flat end means that "
                "the run stopped improving before its budget ran out. The dotted line is the accuracy chosen on the"
                " left. Drag to zoom, double-click to go back."
            ),
            height=440,
        ),
        Figure(
            id="multiples",
            question="Is it consistent across problems?",
            caption=(
                "A panel for each optimizer: a thin line is a problem (the median over its seeds), the thick one "
                "the median over problems."
            ),
            how=(
                "A tight bundle means that the optimizer needs about the same everywhere; lines that stay flat are "
                "problems on which it does not get ahead. All panels have the same axes, in evaluations."
            ),
            height=100,
        ),
    ),
)

OUTCOMES = Section(id="outcomes", title="Outcomes", shown=_always)

METHOD = Section(id="method", title="Method", shown=_always)
