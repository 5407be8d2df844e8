"""What the documents promise exists."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from optbench.api import Hooks, Point
from optbench.cli import COMMANDS
from optbench.numerics.line_searches import LINE_SEARCHES
from optbench.records import Score, toml_value
from optbench.registry import KINDS, load_catalogue, resolve_factory

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
DOCUMENTS = sorted(path.relative_to(ROOT).as_posix() for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")))
HOOKS = sorted(name for name in vars(Hooks) if name.startswith("optbench_"))


def blocks(text: str, language: str) -> list[str]:
    """Return the fenced blocks of `text` in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


def commands(text: str, program: str) -> list[list[str]]:
    """Return the arguments of each use of `program` in the shell blocks of `text`."""
    lines = [shlex.split(line, comments=True) for block in blocks(text, "sh") for line in block.splitlines()]
    return [line[1:] for line in lines if line and line[0] == program]


def optbench(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("optbench")
    return subprocess.run([program, *arguments], capture_output=True, text=True, cwd=cwd, check=False)


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md"])
def test_make_targets_in_documents_exist(document):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    named = {arguments[0] for arguments in commands((ROOT / document).read_text(), "make")}
    assert named
    assert named <= targets


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_between_documents_lead_somewhere(document):
    text = (ROOT / document).read_text()
    targets = {link.partition("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link}
    assert [link for link in sorted(targets) if link and not ((ROOT / document).parent / link).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_commands_in_documents_exist(document):
    used = {arguments[0] for arguments in commands((ROOT / document).read_text(), "optbench") if arguments}
    assert used <= set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_explains_itself(command):
    done = optbench(command, "--help", cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert "Usage:" in done.stdout


def complete(document: str) -> list[str]:
    """Return the Python examples of a document that are plugins."""
    return [block for block in blocks((ROOT / document).read_text(), "python") if "@hookimpl" in block]


@pytest.mark.parametrize("document", ["README.md", "docs/plugins.md"])
def test_plugins_in_documents_load_and_their_factories_can_be_found(document, tmp_path):
    for number, block in enumerate(complete(document)):
        path = tmp_path / f"example_{number}.py"
        path.write_text(block)
        catalogue = load_catalogue(plugin_files=[path], only=[])
        found = [record for kind in KINDS for record in catalogue.records(kind)]
        assert len(found) == 1, block
        assert callable(resolve_factory(found[0].record.factory))
        assert not catalogue.broken


def test_the_reporter_and_the_metric_in_the_guide_run(tmp_path):
    ran = {}
    for block in complete("docs/plugins.md"):
        exec(block, ran)
    point = Point(parameters=torch.tensor([0.0, 1.0, 0.0, 0.0]))
    assert ran["zeros"]()(None, point) == 0.75
    results = {
        "measure": "evaluations",
        "target": 1e-8,
        "trials": 3,
        "low": 0.0,
        "high": 1.0,
        "problems": 3,
        "solved": 2,
    }
    rest = dict.fromkeys(("slowdown", "cost", "mean", "area")) | {"solved_by_kind": {}, "wins": 0}
    scores = [Score(optimizer=name, hits=hits, **results, **rest) for name, hits in (("one", 1), ("two", 2))]
    optimizers = tuple(SimpleNamespace(id=name, label=f"({name})") for name in ("one", "two"))
    model = SimpleNamespace(optimizers=optimizers, scores=scores, target_near=lambda wanted: wanted)
    (path,) = ran["tally"](top=1)(model, tmp_path / "new")
    assert path.read_text() == "(two): 2 of 3 trials reach 1e-08"


@pytest.mark.parametrize("hook", HOOKS)
def test_each_hook_is_documented_for_plugin_authors(hook):
    assert f"### `{hook}(" in (ROOT / "docs" / "plugins.md").read_text()


def test_the_readme_fits_one_screen_with_a_plugin_of_fifteen_lines():
    (plugin,) = blocks(README, "python")
    assert len(plugin.splitlines()) <= 15
    assert len(re.sub(r"<!-- table -->.*<!-- /table -->", "", README, flags=re.DOTALL).splitlines()) <= 80


def test_the_readmes_plugin_runs_with_the_readmes_command(tmp_path):
    (plugin,) = blocks(README, "python")
    (arguments,) = [arguments for arguments in commands(README, "optbench") if "--plugin" in arguments]
    (tmp_path / arguments[-1]).write_text(plugin)
    done = optbench(*arguments, "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    row = json.loads(done.stdout)
    assert row["optimizer"].endswith("/sign-descent")
    assert row["options"] == {"lr": 0.001}
    assert row["f_best"] < row["f0"]


def test_the_optimizer_with_our_line_searches_runs_with_the_documents_command(tmp_path):
    text = (ROOT / "docs" / "line-searches.md").read_text()
    (plugin,) = blocks(text, "python")
    (arguments,) = [arguments for arguments in commands(text, "optbench") if "--plugin" in arguments]
    (tmp_path / arguments[-1]).write_text(plugin)
    done = optbench(*arguments, "--budget", "50", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    row = json.loads(done.stdout)
    assert row["optimizer"] == "heavy-ball/heavy-ball"
    assert row["f_best"] < 0.5 * row["f0"]


def readme_names() -> list[str]:
    """Return the optimizers and problems of the README's trials, without options; the example plugin's is its own."""
    trials = [arguments[1:3] for arguments in commands(README, "optbench") if arguments[0] == "run"]
    trials += [shlex.split(code)[2:4] for code in re.findall(r"`(optbench run [^`]+)`", README)]
    return sorted({name.partition("(")[0] for trial in trials for name in trial} - {"sign-descent"})


@pytest.mark.parametrize("name", readme_names())
def test_names_in_the_readme_stand_for_something(name, tmp_path):
    done = optbench("show", name, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_the_changelog_has_a_section_for_what_is_not_released():
    assert "## [Unreleased]" in (ROOT / "CHANGELOG.md").read_text()


def searches_in_the_document() -> dict[str, dict[str, str]]:
    """Return the sections of docs/line-searches.md about a search, each with its options and their defaults."""
    text = (ROOT / "docs" / "line-searches.md").read_text()
    sections = re.findall(r"^### `([a-z-]+)`\n(.*?)(?=^##|\Z)", text, flags=re.MULTILINE | re.DOTALL)
    return {name: dict(re.findall(r"^\| `(\w+)` \| (\S+) \|", body, flags=re.MULTILINE)) for name, body in sections}


def test_each_line_search_is_documented_with_its_options_and_defaults():
    options = {
        name: {key: option.default for key, option in part.options.items()} for name, part in LINE_SEARCHES.items()
    }
    written = {
        name: {key: type(options[name][key])(value) for key, value in table.items()}
        for name, table in searches_in_the_document().items()
    }
    assert written == options


def options_of_meta_algorithms() -> dict[str, dict[str, str]]:
    """Return the options with their defaults, as the guide writes them, by the meta-algorithm's name."""
    sections = re.split(r"^## ", (ROOT / "docs/meta-algorithms.md").read_text(), flags=re.MULTILINE)[1:]
    found: dict[str, dict[str, str]] = {}
    for section in sections:
        for names, defaults in re.findall(r"^\| (`[^|]+`) \| ([^|]+) \|", section, flags=re.MULTILINE):
            options, values = (cells.replace("`", "").split(", ") for cells in (names, defaults))
            row = {options[0]: ", ".join(values)} if len(options) == 1 else dict(zip(options, values, strict=True))
            found.setdefault(section.partition("\n")[0], {}).update(row)
    return found


def test_each_meta_algorithm_is_documented_with_its_options_and_defaults():
    written = {
        found.name: {name: option.default for name, option in found.record.options.items()}
        for found in load_catalogue().records("meta-algorithms")
        if found.plugin == "meta"
    }
    documented = options_of_meta_algorithms()
    assert documented.keys() == written.keys()
    for name, options in written.items():
        told = {option: toml_value(default).strip('"') for option, default in options.items()}
        numbers = {option for option, default in options.items() if isinstance(default, float)}
        shown = {key: toml_value(float(text)) if key in numbers else text for key, text in documented[name].items()}
        assert shown == told, name


def rows_of_learning() -> list[tuple[str, str]]:
    """Return the first two cells of each row of docs/learning.md that begins with a name."""
    text = (ROOT / "docs" / "learning.md").read_text()
    rows = re.findall(r"^\| `([a-z0-9-]+)` \|([^|]*)\|", text, flags=re.MULTILINE)
    return [(name, cell.strip(" `")) for name, cell in rows]


def test_each_initializer_and_each_net_is_documented_with_what_it_takes():
    catalogue = load_catalogue(only=["optbench"])
    nets = {item.name for item in catalogue.records("problems") if item.record.kind == "learning"}
    written = dict(rows_of_learning())
    expected = {
        item.name: ", ".join(f"{name}={toml_value(option.default)}" for name, option in item.record.options.items())
        for item in catalogue.records("initializers")
    }
    assert {name: written[name] for name in expected if name in written} == expected
    assert {name for name in written if name.startswith(("mlp", "conv", "res", "auto", "rec", "depth-"))} == nets
