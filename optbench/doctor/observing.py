"""Watching a machine: the reference kernel runs all the time, counters are read before and after."""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from optbench.doctor.noise import READING
from optbench.doctor.setting import Setting
from optbench.measure.surroundings import load_average, preemptions
from optbench.runner.machine import Machine, Processors

_SLICE_SECONDS = 0.5
_CLOCK_READINGS = 2000


@dataclass(frozen=True)
class Process:
    """Another process: its name and the processor time that it used so far, in seconds."""

    name: str
    seconds: float


def _others() -> dict[int, Process]:
    """Return every process but this one, by its number."""
    import psutil

    own = psutil.Process().pid
    found = {}
    for process in psutil.process_iter(["name", "cpu_times"]):
        times = process.info["cpu_times"]
        if process.pid != own and times is not None:
            found[process.pid] = Process(process.info["name"] or "?", times.user + times.system)
    return found


@dataclass(frozen=True, kw_only=True)
class Instruments:
    """What a machine is watched with."""

    work: Callable[[], object]  # one run of the reference kernel
    machine: Machine
    others: Callable[[], Mapping[int, Process]] = _others
    preemptions: Callable[[], int] = preemptions  # how often this process had to give its processor away
    load: Callable[[], float | None] = load_average
    clock: Callable[[], float] = time.perf_counter
    cpu_clock: Callable[[], float] = time.thread_time  # of the thread that runs the kernel
    own_cpu: Callable[[], float] = time.process_time  # of this whole process


def real_instruments(machine: Machine) -> Instruments:
    """Return those of this process, in which torch runs on one thread from now on."""
    import torch

    from optbench.measure.reference import kernel

    torch.set_num_threads(1)
    return Instruments(work=torch.no_grad()(kernel().run), machine=machine)


@dataclass(frozen=True)
class Moment:
    """Counters at one moment; None where this machine does not tell."""

    clock: float
    own_cpu: float
    processors: Processors | None
    preemptions: int
    throttles: int | None
    throttled_periods: int | None
    pages_swapped: int | None
    others: Mapping[int, Process]


@dataclass(frozen=True)
class Resolution:
    """A clock's smallest step and what reading it costs, in seconds."""

    step: float
    cost: float


@dataclass(frozen=True, kw_only=True)
class Observations:
    """What was seen of a machine within some seconds."""

    setting: Setting
    before: Moment
    after: Moment
    slices: tuple[tuple[float, ...], ...]  # seconds of single runs of the reference kernel
    running: float  # seconds in which the kernel ran or waited for a processor
    on_cpu: float  # seconds of them on a processor
    runnable: tuple[int, ...]  # threads that ran or waited, at the end of each slice
    frequencies: tuple[tuple[float, float], ...]  # of the fastest processor in each slice: Hz, highest possible Hz
    clock: Resolution
    cpu_clock: Resolution
    load: float | None  # average of the minute before
    memory_free: int | None  # bytes
    swap_used: int | None  # bytes

    @property
    def seconds(self) -> float:
        """How long the machine was watched."""
        return self.after.clock - self.before.clock


def observe(instruments: Instruments, setting: Setting, seconds: float, tell: Callable[[float], None]) -> Observations:
    """Watch the machine for some seconds; `tell` is called with the share of them that has passed."""
    machine = instruments.machine
    load, memory_free, swap_used = instruments.load(), machine.memory_free(), machine.swap_used()
    resolutions = (resolution(instruments.clock), resolution(instruments.cpu_clock))
    instruments.work()  # brings the kernel into the caches
    slices, runnable, frequencies, running, on_cpu = [], [], [], 0.0, 0.0
    before = _moment(instruments)
    while (passed := instruments.clock() - before.clock) < seconds:
        tell(passed / seconds)
        runs, wall, cpu = _slice(instruments, min(_SLICE_SECONDS, seconds - passed))
        slices.append(runs)
        running, on_cpu = running + wall, on_cpu + cpu
        runnable.append(machine.runnable())
        frequencies.append(max(machine.frequencies(), default=None))
    after = _moment(instruments)
    return Observations(
        setting=setting,
        before=before,
        after=after,
        slices=tuple(slices),
        running=running,
        on_cpu=on_cpu,
        runnable=tuple(count for count in runnable if count is not None),
        frequencies=tuple(pair for pair in frequencies if pair is not None),
        clock=resolutions[0],
        cpu_clock=resolutions[1],
        load=load,
        memory_free=memory_free,
        swap_used=swap_used,
    )


def _moment(instruments: Instruments) -> Moment:
    machine = instruments.machine
    return Moment(
        clock=instruments.clock(),
        own_cpu=instruments.own_cpu(),
        processors=machine.processors(),
        preemptions=instruments.preemptions(),
        throttles=machine.throttles(),
        throttled_periods=machine.container.throttled_periods(),
        pages_swapped=machine.pages_swapped(),
        others=instruments.others(),
    )


def _slice(instruments: Instruments, seconds: float) -> tuple[tuple[float, ...], float, float]:
    """Run the kernel for some seconds, but at least for one reading.

    Returns the seconds of each run, those of the slice, and those of it on a processor. The CPU clock is read at the
    ends of the slice only: it is a system call, at which the scheduler likes to let others run, so that a run between
    two of them would seem never to wait.
    """
    clock, cpu_clock, work = instruments.clock, instruments.cpu_clock, instruments.work
    runs: list[float] = []
    start, used = clock(), cpu_clock()
    end = start + seconds
    while len(runs) < READING or clock() < end:
        began = clock()
        work()
        runs.append(clock() - began)
    on_cpu = cpu_clock() - used
    return tuple(runs), clock() - start, on_cpu


def resolution(clock: Callable[[], float]) -> Resolution:
    """Return the smallest step between readings of a clock, and the median one: a reading, unless the clock is coarse.

    The median, since whoever takes the processor between two readings would double the mean.
    """
    readings = [clock() for _ in range(_CLOCK_READINGS)]
    steps = [after - before for before, after in itertools.pairwise(readings)]
    return Resolution(min((step for step in steps if step > 0), default=float("inf")), statistics.median(steps))
