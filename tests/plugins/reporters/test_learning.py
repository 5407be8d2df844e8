"""The learning section: a figure a problem with data, a row a metric."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from optbench_reporters.html import HtmlReporter

from optbench.records import LearningCurve


def test_each_problem_with_data_has_a_figure_of_its_metrics(synthetic: Any, tmp_path: Path) -> None:
    plain = synthetic.full_results(seeds=1, problems=2).report()
    problem = plain.problems[1].id
    curves = tuple(
        LearningCurve(
            optimizer=plain.optimizers[index].id,
            problem=problem,
            metric=metric,
            examples=(10.0, 100.0),
            seconds=(0.1, None),
            median=(0.5, 0.9),
            low=(0.4, None),
            high=(0.6, 0.95),
        )
        for index in (0, 2)
        for metric in ("test-accuracy", "train-loss")
    )
    HtmlReporter()(replace(plain, learning=curves), tmp_path)
    page, figure = (tmp_path / "index.html").read_text(), tmp_path / "figures" / f"learning-{problem}.svg"
    assert f'src="figures/{figure.name}"' in page
    assert page.count("learning-") == page.count(f"learning-{problem}")
    texts = {item.text for item in ET.parse(figure).iter() if item.tag.endswith("text")}
    labels = {plain.optimizers[index].label for index in (0, 2)}
    assert {"test-accuracy", "train-loss", "examples seen", "seconds", *labels} <= texts
