"""Lines on limits, memory, devices and folders."""

from __future__ import annotations

from optbench.doctor.line import Harm, Level, Line, good, graded, unknown
from optbench.doctor.observing import Observations
from optbench.doctor.setting import Gpus, Setting

_GIB = 2**30


def threads(seen: Observations) -> Line:
    """Processors that may be used against the thread pools of the libraries."""
    around = seen.setting
    pools = ", ".join(f"{name} {size}" for name, size in sorted(around.pools.items()))
    text = f"{around.processors} of {around.all_processors} processors usable; thread pools here: {pools}"
    if around.processors == 1 and around.all_processors > 1:
        return Line(
            "threads", Level.WARNING, text, "give optbench a second processor: its parent process needs one, too"
        )
    if around.variables.get("OMP_PROC_BIND", "false").lower() not in {"false", ""}:
        advice = "unset OMP_PROC_BIND: with it, trials that run at once share one processor"
        return Line("threads", Level.WARNING, f"{text}; OMP_PROC_BIND is set", advice)
    allowed = _allowed(around)
    if any(size > allowed for size in around.pools.values()):
        advice = f"set OMP_NUM_THREADS={allowed}; trials are safe, they get the suite's `threads` whatever is set here"
        return Line("threads", Level.WARNING, f"{text}; more than there are processors", advice)
    return good("threads", text)


def _allowed(around: Setting) -> int:
    quota = around.processors if around.cpu_quota is None else around.cpu_quota
    return max(1, min(around.processors, int(quota)))


def container(seen: Observations) -> Line:
    """Limits of the control groups, and whether they bit meanwhile."""
    around = seen.setting
    before, after = seen.before.throttled_periods, seen.after.throttled_periods
    stopped = 0 if before is None or after is None else after - before
    quota, limit = around.cpu_quota, around.memory_limit
    facts = [
        "no limit on processors" if quota is None else f"{quota:g} processors",
        "no limit on memory" if limit is None else f"{limit / _GIB:.1f} GiB of memory",
    ]
    if stopped:
        facts.append(f"stopped for having used its share: {stopped} times meanwhile")
    missing = 0.0 if quota is None else max(0.0, 2 - quota)  # a trial and its parent
    advice = "raise the container's limit on processors: what exceeds it is stopped for up to a tenth of a second"
    return graded("container", "; ".join(facts), advice, ((stopped, 0, 0), (missing, 0, 0.99)))


def swap(seen: Observations) -> Line:
    """Whether memory lies in swap, and whether pages moved meanwhile."""
    before, after = seen.before.pages_swapped, seen.after.pages_swapped
    if seen.swap_used is None or before is None or after is None:
        return unknown("swap", "this machine does not tell")
    moved, used = after - before, seen.swap_used
    swappiness = seen.setting.swappiness
    text = f"{used / _GIB:.2f} GiB in use, {moved} pages moved meanwhile"
    text += "" if swappiness is None else f", swappiness {swappiness}"
    advice = "free memory, then bring back what lies in swap: swapoff -a && swapon -a; sysctl vm.swappiness=1"
    return graded("swap", text, advice, ((moved, 0, 0), (used, 0, float("inf"))))


def memory(seen: Observations) -> Line:
    """Memory that trials can have."""
    if seen.memory_free is None:
        return unknown("memory", "this machine does not tell")
    limit = seen.setting.memory_limit
    free = seen.memory_free if limit is None else min(seen.memory_free, limit)
    level = Level.GOOD if free >= 2 * _GIB else Level.WARNING if free >= _GIB / 2 else Level.BAD
    advice = "" if level is Level.GOOD else "free memory: large trials end as out of memory"
    return Line("memory", level, f"{free / _GIB:.1f} GiB free for trials", advice, Harm.EVERYTHING)


def memory_counters(seen: Observations) -> Line:
    """Whether the peak memory of a process can be measured exactly."""
    around = seen.setting
    lacking = []
    if not around.resets_peak:
        lacking.append("the system can't reset a process's peak (/proc/self/clear_refs)")
    if not around.sets_allocator:
        lacking.append("the C library keeps freed blocks (no mallopt)")
    if not lacking:
        return good("memory counters", "the peak memory of a process can be measured exactly")
    advice = "compare live bytes of tensors, which are exact everywhere; use Linux with glibc for peaks of processes"
    return Line("memory counters", Level.WARNING, "; ".join(lacking), advice)


def gpu(seen: Observations) -> Line:
    """Whether GPUs can be used, and whether others use them."""
    gpus = seen.setting.gpus
    if not gpus.cards:
        return good("gpu", f"{gpus.usable} usable, the driver tells nothing" if gpus.usable else "none")
    text = f"{gpus.usable} usable of {', '.join(card.name for card in gpus.cards)}{_use(gpus)}"
    if not gpus.usable:
        return Line("gpu", Level.WARNING, text, "install a CUDA build of torch, or look at CUDA_VISIBLE_DEVICES")
    if any(card.busy is not None and card.busy >= 0.1 for card in gpus.cards):
        return Line("gpu", Level.BAD, text, "stop what uses the GPU; figures of the CPU are not concerned")
    if gpus.users:
        return Line("gpu", Level.WARNING, text, "stop what holds memory on the GPU")
    if not all(card.persistent for card in gpus.cards):
        return Line("gpu", Level.WARNING, f"{text}; persistence mode off", "nvidia-smi -pm 1")
    return good("gpu", text)


def _use(gpus: Gpus) -> str:
    busy = [card.busy for card in gpus.cards if card.busy is not None]
    told = f"; busy {100 * max(busy):.0f} %" if busy else ""
    return told + (f"; used by {', '.join(gpus.users)}" if gpus.users else "")


def python(seen: Observations) -> Line:
    """Whether the interpreter itself slows what is measured."""
    if burdens := seen.setting.burdens:
        return Line("python", Level.BAD, f"slowed by {', '.join(burdens)}", "measure with a plain interpreter")
    return good("python", "no debug build, no tracing")


def folders(seen: Observations) -> Line:
    """Whether the folders that optbench writes to can be written."""
    places = seen.setting.places
    refused = [place for place in places if not place.writable]
    if refused:
        text = f"can't write {', '.join(str(place.path) for place in refused)}"
        return Line("folders", Level.BAD, text, "; ".join(place.remedy for place in refused), Harm.EVERYTHING)
    text = ", ".join(f"{place.path} ({place.free / _GIB:.1f} GiB free)" for place in places)
    full = [place for place in places if place.free < _GIB]
    if full:
        return Line("folders", Level.WARNING, text, "; ".join(place.remedy for place in full), Harm.EVERYTHING)
    return good("folders", text)
