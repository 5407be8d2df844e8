"""A run of trials in children: every ending has its status, nothing takes the rest down, nothing runs twice."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from optbench.records import Status


def test_every_way_to_end_has_its_status_and_the_rest_of_the_run_is_complete(run: Any) -> None:
    names = ("raises", "exits", "crashes", "dies", "returnsnan", "allocates", "asksformore", "descent")

    records = dict(zip(names, run(*names), strict=True))

    assert {name: str(record.status) for name, record in records.items()} == {
        "raises": "error",
        "exits": "crashed",
        "crashes": "crashed",
        "dies": "killed",
        "returnsnan": "diverged",
        "allocates": "oom",
        "asksformore": "error",
        "descent": "budget",
    }
    assert "ValueError: no good (temper.py:" in records["raises"].message
    assert "misbehave" in records["raises"].traceback
    assert records["crashes"].reason == "SIGSEGV"
    assert records["crashes"].evaluations == 1  # also a first step that kills the warm-up leaves its curve
    assert "declares gradient, value" in records["asksformore"].message


def test_a_trial_that_hangs_is_killed_at_its_limit_and_keeps_its_curve(run: Any) -> None:
    """Two steps run before it hangs."""
    began = time.monotonic()
    (record,) = run("loops", seconds=1.0)

    events = run.events[record.id]
    assert record.status is Status.TIMEOUT
    assert record.reason == "hard limit of 1 s"
    assert time.monotonic() - began < 30.0
    assert list(events["value"]) == [2.0, 0.5]
    assert (record.evaluations, record.f_best, record.f0) == (2, 0.5, 2.0)
    assert record.evaluations_to_target == {"relative:1e-01": None}
    assert record.seconds is not None
    assert record.seconds > 1.0


def test_what_a_trial_started_dies_with_it(run: Any, tmp_path: Path, server: Any) -> None:
    pid_file = tmp_path / "pid"
    os.environ["OPTBENCH_TEST_PID"] = str(pid_file)
    # The server took its environment when it started: the child learns the path from a server of its own.
    server.close()
    server._launch()
    try:
        (record,) = run("forks", seconds=0.5)
    finally:
        del os.environ["OPTBENCH_TEST_PID"]

    assert record.status is Status.TIMEOUT
    with pytest.raises(ProcessLookupError):
        for _ in range(1000):  # the kernel needs a moment to reap it
            os.kill(int(pid_file.read_text()), 0)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(-1, os.WNOHANG)
            os.sched_yield()
            if _is_zombie(int(pid_file.read_text())):
                raise ProcessLookupError


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_what_is_stored_is_not_run_again(run: Any) -> None:
    first = run("descent", "raises")
    ran = run.session.ran
    second = run("descent", "raises")

    assert (ran, run.session.ran, run.session.reused) == (2, 0, 2)
    assert [record.to_row() for record in second] == [record.to_row() for record in first]


def test_an_edited_plugin_is_measured_anew(run: Any, plugin: Path) -> None:
    run("descent")
    plugin.write_text(plugin.read_text().replace("0.25", "0.125"))
    from optbench.registry import sources

    sources._hash.cache_clear()
    (record,) = run("descent")

    assert run.session.ran == 1
    assert record.f_best == pytest.approx(2.0 * 0.75 ** (2 * 5))


def test_a_trial_is_measured_in_full(run: Any) -> None:
    (record,) = run("descent")

    assert (record.counts["gradient"], record.counts["value"], record.counts["steps"]) == (6, 0, 6)
    assert (record.evaluations, record.size, record.f0) == (6, 2, 2.0)
    assert record.f_best == pytest.approx(2.0 * 0.25**5)
    assert record.evaluations_to_target == {"relative:1e-01": 3.0}
    assert record.metrics == {"f": pytest.approx(2.0 * 0.25**5), "gradient-norm": pytest.approx(2 * 0.5**5)}
    assert record.state_bytes == 0
    assert record.peak_live_bytes is not None
    assert record.peak_live_bytes >= 32
    assert record.seconds is not None
    assert record.seconds > 0.0


def test_several_at_once_give_the_same_results_with_their_times_marked(run: Any) -> None:
    one = run("descent", "raises", "returnsnan", "exits")
    two = run("descent", "raises", "returnsnan", "exits", store="other.sqlite", jobs=3)

    assert [(record.status, record.f_best) for record in two] == [(record.status, record.f_best) for record in one]
    assert all("3 trials at once" in record.unreliable[-1] for record in two if record.f_best is not None)


def test_a_device_that_this_machine_lacks_is_skipped_with_the_reason(run: Any) -> None:
    (record,) = run("descent", device="cuda:7")

    assert (record.status, record.reason) == (
        Status.SKIPPED,
        "no device 'cuda:7' on this machine; name one that it has, such as cpu",
    )
    assert run.session.ran == 0


def test_a_memory_limit_ends_a_trial_as_oom(run: Any) -> None:
    (record,) = run("allocates")

    assert record.status is Status.OOM
    assert record.f0 == 2.0


def test_the_server_and_its_children_end_with_the_socket(run: Any) -> None:
    from optbench.runner.client import ForkServer

    with ForkServer() as server:
        assert server.devices[0] == "cpu"
        process = server._process
    assert process.returncode is not None


def test_a_module_that_kills_the_server_while_it_is_preloaded_is_left_to_the_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from optbench.runner.client import ForkServer

    (tmp_path / "optbench_deadly.py").write_text("import os; os._exit(1)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    with ForkServer(preload=("optbench_deadly",)) as server:
        assert server.devices[0] == "cpu"


def test_modes_are_told_before_the_server_is_warm_and_closing_does_not_wait_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from optbench.runner.client import ForkServer

    (tmp_path / "optbench_endless.py").write_text("import threading; threading.Event().wait()")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    with ForkServer(preload=("optbench_endless",)) as server:
        assert server.modes["float32_matmul_precision"] == "highest"
        process = server._process
        assert process.poll() is None
    assert process.returncode == -signal.SIGKILL


def test_where_no_memory_is_measured_nothing_is_said_of_it(run: Any) -> None:
    (record,) = run("descent", memory=False)

    assert (record.status, record.state_bytes, record.memory_note) == (Status.BUDGET, None, "")
