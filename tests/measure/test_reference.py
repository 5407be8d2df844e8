from __future__ import annotations

import itertools

import pytest
import torch

from optbench.measure.reference import ReferenceKernel, kernel, reference_seconds


@pytest.fixture(scope="module")
def reference() -> ReferenceKernel:
    return ReferenceKernel()


def clock_of(durations):
    """Return a clock by which successive intervals last `durations`, and one more call of it fails."""
    times = itertools.chain.from_iterable(
        (10.0 * index, 10.0 * index + duration) for index, duration in enumerate(durations)
    )
    return lambda: next(times)


def test_the_least_of_the_repetitions_counts(reference):
    assert reference.seconds(clock_of([0.3, 0.125, 0.5]), repetitions=3) == 0.125


def test_a_first_run_is_not_timed(reference, monkeypatch):
    runs = []
    monkeypatch.setattr(reference, "run", lambda: runs.append(None))
    reference.seconds(clock_of([1.0, 1.0]), repetitions=2)
    assert len(runs) == 3


def test_each_run_does_the_same_work(reference):
    first = reference.run()
    assert first > 0
    assert [reference.run() for _ in range(3)] == [first] * 3
    assert ReferenceKernel().run() == first


def test_building_it_leaves_the_global_generator_alone():
    state = torch.get_rng_state()
    ReferenceKernel()
    assert torch.equal(torch.get_rng_state(), state)


def test_the_work_does_not_depend_on_the_default_dtype(reference):
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        other = ReferenceKernel()
    finally:
        torch.set_default_dtype(before)
    assert other.run() == reference.run()


def test_runs_allocate_no_buffers(reference):
    def places():
        return [value.data_ptr() for value in vars(reference).values() if isinstance(value, torch.Tensor)]

    before = places()
    reference.run()
    assert places() == before


@pytest.mark.parametrize("threads", [1, 2])
def test_it_runs_on_one_thread_and_restores_the_callers_count(reference, monkeypatch, threads):
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    seen = []
    monkeypatch.setattr(reference, "run", lambda: seen.append(torch.get_num_threads()))
    try:
        reference.seconds(clock_of([1.0]), repetitions=1)
        after = torch.get_num_threads()
    finally:
        torch.set_num_threads(before)
    assert set(seen) == {1}
    assert after == threads


def test_the_kernel_of_a_process_is_built_once():
    assert kernel() is kernel()
    assert reference_seconds(clock_of([0.5, 0.25]), repetitions=2) == 0.25
