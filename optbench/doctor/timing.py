"""Lines on what disturbs times while the machine is watched."""

from __future__ import annotations

from optbench.doctor.line import Level, Line, good, graded, unknown
from optbench.doctor.noise import noise_of
from optbench.doctor.observing import Observations, Resolution
from optbench.measure.reliability import TOLERANCES
from optbench.records.text import range_text
from optbench.runner.machine import Processors

_SLOW_CLOCKS = {"hpet", "acpi_pm", "pit", "jiffies", "refined-jiffies"}
_SLOW_GOVERNORS = {"powersave", "ondemand", "conservative", "schedutil", "userspace"}
_SHOWN = 3  # processes, of those that use most


def load(seen: Observations) -> Line:
    """Processor time that others use: bad where it leaves no whole processor to a trial."""
    used = others_used(seen)
    average = "" if seen.load is None else f"load average {seen.load:.2f}; "
    if used is None:
        return unknown("load", f"{average}the system does not tell how busy its processors are")
    processors = seen.setting.all_processors
    text = f"{average}others use {used:.2f} of {processors} processors{_queue(seen)}{_busiest(seen)}"
    advice = "stop other programs, or measure on a machine of its own"
    fine = max(0.1, 0.01 * processors)
    # A trial takes one processor, optbench's parent next to none.
    return graded("load", text, advice, ((used, fine, max(fine, processors - 1.25)),))


def others_used(seen: Observations) -> float | None:
    """Return how many processors everybody but this process used, on average."""
    before, after = seen.before.processors, seen.after.processors
    if before is None or after is None:
        return None
    own = seen.after.own_cpu - seen.before.own_cpu
    return max(0.0, (after.busy - before.busy - own) / seen.seconds)


def _queue(seen: Observations) -> str:
    others = [max(0, count - 1) for count in seen.runnable]
    return f", {sum(others) / len(others):.1f} other threads want one" if others else ""


def _busiest(seen: Observations) -> str:
    used = []
    for pid, process in seen.after.others.items():
        earlier = seen.before.others.get(pid)
        share = (process.seconds - (earlier.seconds if earlier else 0.0)) / seen.seconds
        used.append((share, f"{process.name} ({pid}) {share:.2f}"))
    shown = [text for share, text in sorted(used, reverse=True)[:_SHOWN] if share >= 0.05]
    return f": {', '.join(shown)}" if shown else ""


def waiting(seen: Observations) -> Line:
    """Time in which the kernel could have run but somebody else did: on this system, or beside it on the host."""
    waited = max(0.0, 1 - seen.on_cpu / seen.running)
    preemptions = (seen.after.preemptions - seen.before.preemptions) / seen.seconds
    stolen = _stolen(seen.before.processors, seen.after.processors)
    text = f"the reference kernel waited {100 * waited:.1f} % of its time, {preemptions:.0f} times a second"
    told = "" if stolen is None else f"; the hypervisor took {100 * stolen:.1f} %"
    advice = "stop other programs; on a virtual machine, ask for processors of its own"
    return graded("waiting", text + told, advice, ((waited, 0.01, TOLERANCES.waiting), (stolen or 0.0, 0.005, 0.03)))


def _stolen(before: Processors | None, after: Processors | None) -> float | None:
    if before is None or after is None:
        return None
    total = sum((after.busy, after.idle, after.stolen)) - sum((before.busy, before.idle, before.stolen))
    return (after.stolen - before.stolen) / total if total > 0 else None


def frequency(seen: Observations) -> Line:
    """The governor, turbo, and the frequency of the processor that runs the kernel."""
    around = seen.setting
    if not around.governors and not seen.frequencies and around.turbo is None:
        return unknown("frequency", "this machine does not tell; usual for a virtual machine")
    facts, advice = [f"governor {' and '.join(around.governors) or 'unknown'}"], []
    if set(around.governors) & _SLOW_GOVERNORS:
        advice.append("cpupower frequency-set -g performance")
    if seen.frequencies:
        current, highest = [now for now, _ in seen.frequencies], max(most for _, most in seen.frequencies)
        seen_ones = range_text(*(f"{end / 1e9:.2f}" for end in (min(current), max(current))))
        facts.append(f"{seen_ones} GHz under load, {highest / 1e9:.2f} at most")
        if min(current) < 0.95 * max(current):
            advice.append("let the machine cool and check its power supply: the frequency moves under a steady load")
    if around.turbo is not None:
        facts.append(f"turbo {'on' if around.turbo else 'off'}")
    if around.turbo:
        advice.append("turn turbo off for steadier times: it depends on heat and on the other cores")
    return Line("frequency", Level.WARNING if advice else Level.GOOD, "; ".join(facts), "; ".join(advice))


def throttling(seen: Observations) -> Line:
    """Whether a processor was slowed down for heat meanwhile."""
    before, after = seen.before.throttles, seen.after.throttles
    if before is None or after is None:
        return unknown("throttling", "this machine does not tell; usual for a virtual machine")
    text = f"times slowed for heat: {after - before} meanwhile, {after} since the system started"
    return graded(
        "throttling", text, "cool the machine; times taken meanwhile are worthless", ((after - before, 0, 0),)
    )


def clocks(seen: Observations) -> Line:
    """Resolution and cost of the clocks that trials are timed with."""
    source = seen.setting.clock_source
    text = f"wall {_clock(seen.clock)}; CPU {_clock(seen.cpu_clock)}; source {source or 'unknown'}"
    advice = (
        "use the processor's own counter as the system's clock source (boot with clocksource=tsc where it is steady)"
    )
    slow = float(source in _SLOW_CLOCKS)
    steps = ((seen.clock.step, 1e-6, 1e-4), (seen.cpu_clock.step, 1e-6, 1e-2))
    return graded("clocks", text, advice, (*steps, (seen.clock.cost, 1e-6, 1e-5), (slow, 0, 1)))


def _clock(resolution: Resolution) -> str:
    return f"{_time(resolution.step)} steps, {_time(resolution.cost)} a reading"


def _time(seconds: float) -> str:
    for scale, unit in ((1e-3, "ms"), (1e-6, "µs")):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def reference(seen: Observations) -> Line:
    """How much the times of a fixed piece of work scatter and move."""
    noise = noise_of(seen.slices)
    text = (
        f"median {_time(noise.median)}, spread {100 * noise.spread:.1f} %; slowest half second "
        f"{100 * noise.drift:.1f} % slower; {100 * noise.disturbed:.1f} % of the readings disturbed"
    )
    advice = "repeat trials (`repetitions` of a suite) and compare medians with their spread; the lines above tell why"
    figures = ((noise.spread, 0.05, 0.15), (noise.drift, 0.1, 0.25), (noise.disturbed, 0.05, 0.2))
    return graded("reference kernel", text, advice, figures)


def hyperthreading(seen: Observations) -> Line:
    """Whether processors share cores: a busy sibling halves a trial's speed."""
    smt = seen.setting.smt
    if smt is None:
        return unknown("hyperthreading", "this machine does not tell")
    if not smt:
        return good("hyperthreading", "off, or not visible: each processor has a core of its own")
    advice = "keep the machine otherwise idle, or turn it off: echo off > /sys/devices/system/cpu/smt/control"
    return Line("hyperthreading", Level.WARNING, "processors share cores: a busy sibling slows a trial", advice)
