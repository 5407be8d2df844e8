"""Is this machine fit to measure on: watch it for some seconds, then judge what was seen, line by line."""

from optbench.doctor.diagnosis import Diagnosis, Verdict, diagnose
from optbench.doctor.line import Level, Line
from optbench.doctor.observing import Instruments, Observations, observe, real_instruments
from optbench.doctor.setting import Setting, read_setting

__all__ = [
    "Diagnosis",
    "Instruments",
    "Level",
    "Line",
    "Observations",
    "Setting",
    "Verdict",
    "diagnose",
    "observe",
    "read_setting",
    "real_instruments",
]
