"""Is this machine fit to measure on: watch it for some seconds, then judge what was seen, line by line."""

from optbench.runner.doctor.diagnosis import Diagnosis, Verdict, diagnose
from optbench.runner.doctor.line import Level, Line
from optbench.runner.doctor.observing import Instruments, Observations, observe, real_instruments
from optbench.runner.doctor.surroundings import Surroundings, read_surroundings

__all__ = [
    "Diagnosis",
    "Instruments",
    "Level",
    "Line",
    "Observations",
    "Surroundings",
    "Verdict",
    "diagnose",
    "observe",
    "read_surroundings",
    "real_instruments",
]
