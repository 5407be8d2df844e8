"""A watched report is written whenever results came in, and once more when nothing is missing."""

from optbench.cli._watch import watch


def course(stamps, missing):
    """Run `watch` on what it sees at each look and on what is missing at each rendering; return what it did."""
    looks, renders, did = iter(stamps), iter(missing), []

    def look():
        did.append("look")
        return next(looks)

    def render():
        did.append("render")
        return next(renders)

    watch(look, render, lambda: did.append("wait"))
    return did


def test_it_renders_at_once_and_ends_when_nothing_is_missing_and_nothing_came_in():
    assert course([1, 1], [0]) == ["look", "render", "wait", "look"]


def test_it_renders_again_only_where_something_came_in():
    assert course([1, 1, 2, 2], [3, 0]).count("render") == 2


def test_results_that_come_in_after_the_last_one_was_there_are_rendered():
    assert course([1, 2, 2], [0, 0]).count("render") == 2
