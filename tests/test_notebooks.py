"""Every notebook runs top to bottom in a real kernel, is kept without outputs, and shows what its text promises."""

from __future__ import annotations

import functools
import json
import re
import subprocess
import sys
from pathlib import Path

import demo
import nbformat
import pytest

NOTEBOOKS = sorted(demo.HERE.glob("*.ipynb"))


@functools.cache
def executed(path: Path) -> nbformat.NotebookNode:
    """Each notebook is run once, however many tests look at it."""
    return demo.execute(path)


@pytest.fixture
def quickstart() -> nbformat.NotebookNode:
    return executed(demo.HERE / "00-quickstart.ipynb")


def test_there_are_notebooks() -> None:
    assert "00-quickstart.ipynb" in [path.name for path in NOTEBOOKS]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_kept_clean(path: Path) -> None:
    nbformat.validate(nbformat.read(path, as_version=4))
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        assert not cell.get("outputs") and cell.get("execution_count") is None and cell["metadata"] == {}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(path: Path) -> None:
    executed(path)


def test_quickstart_shows_a_report_per_magic(quickstart: nbformat.NotebookNode) -> None:
    shown = demo.reports(quickstart)
    assert len(shown) == 2
    assert "np.where(mask, z, 0)" in shown[0] and "MiB" in shown[0]


def test_quickstart_reports_carry_both_forms(quickstart: nbformat.NotebookNode) -> None:
    outputs = [output for cell in quickstart.cells for output in cell.get("outputs", ())]
    marked = [output for output in outputs if "npmem_magic" in output.get("metadata", {})]
    assert marked and all({"text/plain", "text/html"} <= set(output["data"]) for output in marked)
    assert {output["metadata"]["npmem_magic"]["kind"] for output in marked} == {"memtrace"}


def test_quickstart_numbers_are_those_of_the_arithmetic(quickstart: nbformat.NotebookNode) -> None:
    """At the peak signal, dff, z and two rounds of spikes are alive (float64), and the mask (bool)."""
    outputs = [output for cell in quickstart.cells for output in cell.get("outputs", ())]
    results = [output["data"]["text/plain"] for output in outputs if "data" in output]
    peak, net, gross = (int(number) for number in re.findall(r"\d+", next(r for r in results if r.startswith("("))))
    array = 200 * 30_000 * 8
    # The events, a few counts and the baseline come on top of the whole arrays: less than half an array in all.
    assert 0 <= peak - (5 * array + array // 8) < array // 2
    assert 0 <= net - (2 * array + array // 8) < array // 2
    assert gross > peak
    assert "True" in results  # the trace loaded equals the one saved


def test_kernel_is_the_one_of_this_environment(tmp_path: Path) -> None:
    path = tmp_path / "who.ipynb"
    cell = nbformat.v4.new_code_cell("import sys, npmem_magic\nprint(sys.prefix, npmem_magic.__file__, sep='\\n')")
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
    said = demo.execute(path).cells[0].outputs[0]["text"].split("\n")
    import npmem_magic

    assert said[:2] == [sys.prefix, npmem_magic.__file__]


def test_a_failing_cell_fails_the_notebook(tmp_path: Path) -> None:
    path = tmp_path / "bad.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 / 0")]), path)
    with pytest.raises(demo.CellExecutionError, match="ZeroDivisionError"):
        demo.execute(path)


def test_demo_prints_the_report_and_names_its_page() -> None:
    done = subprocess.run(
        [sys.executable, str(demo.HERE / "demo.py")], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "np.where(mask, z, 0)" in done.stdout
    page = Path(done.stdout.rsplit(": ", 1)[1].strip())
    assert page.suffix == ".html" and "np.where" in page.read_text(encoding="utf-8")
