"""From records to a report: `build_report` aggregates, the tables show it in a terminal. No HTML here."""

from optbench.report.ablation_table import ablation_table
from optbench.report.ablations import with_ablations
from optbench.report.arms import ProblemArms
from optbench.report.build import build_report, reading_order
from optbench.report.change_table import change_table, problem_table
from optbench.report.changes import Pair, arms, paired_arms, problem_labels
from optbench.report.compared import Measure, bytes_of, evaluations_to, headline_target, metric, seconds_to
from optbench.report.effect_values import unpaired_problems
from optbench.report.effects import effects
from optbench.report.learning import with_learning
from optbench.report.learning_table import learning_table
from optbench.report.naming import Info, labels, slugs
from optbench.report.notes import MARK
from optbench.report.pairing_table import comparison_table, solved_table
from optbench.report.scaling_table import scaling_table
from optbench.report.stage_tables import stages_table, two_results_table
from optbench.report.stages import with_stages
from optbench.report.standings import site_run
from optbench.report.terminal import gate_table, remarks, terminal_table
from optbench.report.tuned import Labelled, label_tuned
from optbench.report.tuning import with_tuning
from optbench.report.tuning_table import tuning_table

__all__ = [
    "MARK",
    "Info",
    "Labelled",
    "Measure",
    "Pair",
    "ProblemArms",
    "ablation_table",
    "arms",
    "build_report",
    "bytes_of",
    "change_table",
    "comparison_table",
    "effects",
    "evaluations_to",
    "gate_table",
    "headline_target",
    "label_tuned",
    "labels",
    "learning_table",
    "metric",
    "paired_arms",
    "problem_labels",
    "problem_table",
    "reading_order",
    "remarks",
    "scaling_table",
    "seconds_to",
    "site_run",
    "slugs",
    "solved_table",
    "stages_table",
    "terminal_table",
    "tuning_table",
    "two_results_table",
    "unpaired_problems",
    "with_ablations",
    "with_learning",
    "with_stages",
    "with_tuning",
]
