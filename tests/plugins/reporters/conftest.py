"""Made-up results for the tests of this folder."""

import importlib.util
import shutil
import sys
from pathlib import Path

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="session")
def synthetic():
    """Return the module tests/report/synthetic.py; test folders are no packages."""
    path = Path(__file__).parents[2] / "report" / "synthetic.py"
    spec = importlib.util.spec_from_file_location("optbench_synthetic_results", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def results(synthetic):
    """Return an empty set of results."""
    return synthetic.Results()


@pytest.fixture(scope="session")
def browser():
    """Return Chromium, the system's own: no test fetches one."""
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine")
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def visit(browser):
    """Return a function that opens a report; complaints, exceptions and requests outside the folder fail the test."""
    contexts, complaints = [], []

    def visit(folder, fragment="", name="index.html", **options):
        context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}, "offline": True, **options})
        page = context.new_page()
        contexts.append(context)
        page.on(
            "console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None
        )
        page.on("pageerror", lambda error: complaints.append(str(error)))
        inside = (f"file://{folder}/", "data:", "blob:")
        page.on("request", lambda request: None if request.url.startswith(inside) else complaints.append(request.url))
        page.goto(f"file://{folder}/{name}{fragment}")
        return page

    yield visit
    for context in contexts:
        context.close()
    assert complaints == []
