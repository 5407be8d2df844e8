"""From records to a report: `build_report` aggregates, the tables show it in a terminal. No HTML here."""

from optbench.report.ablation_table import ablation_table
from optbench.report.ablations import with_ablations
from optbench.report.build import build_report
from optbench.report.learning import with_learning
from optbench.report.notes import MARK
from optbench.report.pairing_table import comparison_table, solved_table
from optbench.report.scaling_table import scaling_table
from optbench.report.terminal import gate_table, remarks, terminal_table
from optbench.report.tuned import label_tuned
from optbench.report.tuning import with_tuning
from optbench.report.tuning_table import tuning_table

__all__ = [
    "MARK",
    "ablation_table",
    "build_report",
    "comparison_table",
    "gate_table",
    "label_tuned",
    "remarks",
    "scaling_table",
    "solved_table",
    "terminal_table",
    "tuning_table",
    "with_ablations",
    "with_learning",
    "with_tuning",
]
