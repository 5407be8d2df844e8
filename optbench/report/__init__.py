"""From records to a report: `build_report` aggregates; `terminal_table` and `gate_table` show it. No HTML here."""

from optbench.report.build import build_report
from optbench.report.terminal import gate_table, terminal_table

__all__ = ["build_report", "gate_table", "terminal_table"]
