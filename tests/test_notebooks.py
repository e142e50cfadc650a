"""Every notebook runs top to bottom in a real kernel, small and without errors, and is kept without outputs; its
exercises take the solution that stands below them, and not what they start with."""

from __future__ import annotations

import ast
import functools
import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import demo
import nbformat
import psutil
import pytest

NOTEBOOKS = sorted(demo.HERE.glob("*.ipynb"))
EACH = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
SECONDS, RESIDENT = 60, 2 * 1024**3  # what a notebook may take: processor time, and memory in RAM
_CLOCK = "import time\n\nprint(time.process_time())"


@dataclass(frozen=True)
class Exercise:
    """One exercise of a notebook: what it starts with, what checks it, and the solution folded below."""

    start: str
    check: str
    solution: str


def exercises(notebook: nbformat.NotebookNode) -> Iterator[Exercise]:
    """The exercises: a cell that begins with ``# Exercise``, the next cell that checks, the next folded program."""
    cells = iter(notebook.cells)
    for cell in cells:
        if cell.cell_type == "code" and cell.source.startswith("# Exercise"):
            check = next(each.source for each in cells if "exercise.check(" in each.source)
            folded = next(each.source for each in cells if "<details>" in each.source)
            yield Exercise(cell.source, check, "\n\n".join(re.findall(r"```python\n(.*?)```", folded, re.DOTALL)))


@dataclass(frozen=True)
class Executed:
    """A notebook that was run, the solutions after it; `resident` is the most its kernel had in RAM, in bytes."""

    notebook: nbformat.NotebookNode
    verdicts: tuple[str, ...]
    seconds: float
    resident: int


class Watch(threading.Thread):
    """Notes the largest resident set of this process's children until told to stop."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most, self.ended, self.known = 0, threading.Event(), set(psutil.Process().children(recursive=True))

    def run(self) -> None:
        while not self.ended.wait(0.1):
            for process in set(psutil.Process().children(recursive=True)) - self.known:
                try:
                    self.most = max(self.most, process.memory_info().rss)
                except psutil.Error:
                    continue  # it has just ended


@functools.cache
def executed(path: Path) -> Executed:
    """Each notebook is run once, however many tests look at it."""
    notebook = nbformat.read(path, as_version=4)
    length = len(notebook.cells)
    more = [_CLOCK, *(text for each in exercises(notebook) for text in (each.solution, each.check))]
    watch = Watch()
    watch.start()
    try:
        done = demo.execute(path, more=[nbformat.v4.new_code_cell(text) for text in more])
    finally:
        watch.ended.set()
        watch.join()
    clock, *solved = done.cells[length:]
    done.cells = done.cells[:length]
    return Executed(done, tuple(map(verdict, solved[1::2])), float(clock.outputs[0]["text"]), watch.most)


def outputs(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [output for cell in notebook.cells for output in cell.get("outputs", ())]


def verdict(cell: nbformat.NotebookNode) -> str:
    """What a cell that ends with ``exercise.check(...)`` says, as text."""
    return next(each["data"]["text/plain"] for each in reversed(cell.outputs) if "data" in each)


@pytest.fixture
def quickstart() -> nbformat.NotebookNode:
    return executed(demo.HERE / "00-quickstart.ipynb").notebook


def test_there_are_notebooks() -> None:
    assert "00-quickstart.ipynb" in [path.name for path in NOTEBOOKS]


@EACH
def test_notebook_is_kept_clean(path: Path) -> None:
    nbformat.validate(nbformat.read(path, as_version=4))
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        assert not cell.get("outputs") and cell.get("execution_count") is None and cell["metadata"] == {}


@EACH
def test_notebook_opens_anywhere(path: Path) -> None:
    """Every cell has an id of its own, and no metadata asks for a kernel or a tool that others lack."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    identities = [cell["id"] for cell in notebook["cells"]]
    assert len(set(identities)) == len(identities)
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    assert set(notebook["metadata"]) == {"kernelspec", "language_info"}


@EACH
def test_notebook_runs_on_a_small_machine(path: Path) -> None:
    done = executed(path)
    assert done.seconds < SECONDS
    assert 0 < done.resident < RESIDENT


@EACH
def test_notebook_shows_reports_and_no_complaint(path: Path) -> None:
    shown = outputs(executed(path).notebook)
    assert demo.reports(executed(path).notebook)
    complaints = [each["text"] for each in shown if each["output_type"] == "stream" and each["name"] == "stderr"]
    assert complaints == []


@EACH
def test_exercises_have_a_start_a_check_and_a_folded_solution(path: Path) -> None:
    found = list(exercises(nbformat.read(path, as_version=4)))
    assert found
    for each in found:
        ast.parse(each.solution)
        assert each.solution and defined(each.solution) & defined(each.start)


def defined(source: str) -> set[str]:
    return {node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)}


@EACH
def test_solutions_pass_and_what_the_exercise_starts_with_does_not(path: Path) -> None:
    done = executed(path)
    assert done.verdicts
    for told in done.verdicts:
        assert told.startswith("Passed."), told
    begun = [verdict(cell) for cell in done.notebook.cells if "exercise.check(" in cell.source]
    assert len(begun) == len(done.verdicts)
    for told in begun:
        assert told.startswith("Not yet."), told


def test_quickstart_shows_a_report_of_every_magic_in_both_forms(quickstart: nbformat.NotebookNode) -> None:
    marked = [output for output in outputs(quickstart) if "npmem_magic" in output.get("metadata", {})]
    assert all({"text/plain", "text/html"} <= set(output["data"]) for output in marked)
    kinds = {output["metadata"]["npmem_magic"]["kind"] for output in marked}
    assert kinds >= {"memtrace", "dtypeinfo", "memcompare", "memsize", "memdoctor"}
    assert "np.where(mask, z, 0)" in demo.reports(quickstart)[0] and "MiB" in demo.reports(quickstart)[0]


def test_quickstart_numbers_are_those_of_the_arithmetic(quickstart: nbformat.NotebookNode) -> None:
    """At the peak signal, dff, z and two rounds of spikes are alive (float64), and the mask (bool)."""
    printed = "".join(output["text"] for output in outputs(quickstart) if output["output_type"] == "stream")
    found = [re.search(rf"{what} +([\d,]+) bytes", printed) for what in ("peak", "net", "gross")]
    peak, net, gross = (int(each[1].replace(",", "")) for each in found if each)
    array = 200 * 30_000 * 8
    # The events, a few counts and the baseline come on top of the whole arrays: less than half an array in all.
    assert 0 <= peak - (5 * array + array // 8) < array // 2
    assert 0 <= net - (2 * array + array // 8) < array // 2
    assert gross > peak


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
