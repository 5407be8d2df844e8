"""From records to a report: `build_report` aggregates, `terminal_table` shows it in a terminal. No HTML here."""

from optbench.report.build import build_report
from optbench.report.terminal import terminal_table

__all__ = ["build_report", "terminal_table"]
