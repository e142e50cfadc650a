"""What the benchmark's numbers rest on: medians, tables, a truth that an independent count confirms. No peer runs."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from oracle import run_plain

import npmem_magic

BENCH = Path(__file__).resolve().parent.parent / "benchmarks"
NAMES = {path.stem for path in BENCH.glob("[a-z]*.py")}


@pytest.fixture
def bench() -> Iterator[Callable[[str], ModuleType]]:
    """Imports a file of benchmarks/ as `python benchmarks` would; nothing of it stays imported."""
    assert not NAMES & set(sys.modules)
    sys.path.insert(0, str(BENCH))
    try:
        yield importlib.import_module
    finally:
        sys.path.remove(str(BENCH))
        for name in NAMES & set(sys.modules):
            del sys.modules[name]


def test_summary_is_the_median_of_ratios_without_the_warm_up(bench: Callable[[str], ModuleType]) -> None:
    cost = bench("cost")
    found = cost.summary([(1.0, 99.0), (1.0, 1.0), (2.0, 6.0), (10.0, 20.0)])
    assert (found.ratio, found.plain, found.pairs) == (2.0, 2.0, 3)
    assert cost.summary([(1.0, 99.0)]).ratio == 99.0


def test_turns_change_and_end(bench: Callable[[str], ModuleType]) -> None:
    cost, order = bench("cost"), []

    def run(name: str, seconds: float) -> Callable[[], float]:
        return lambda: order.append(name) or seconds

    found = cost.take_turns(run("plain", 1.0), run("on", 1.5), cost.Patience(3, 1e9, 1.0), False)
    assert (found.ratio, found.pairs) == (1.5, 3)
    assert order == ["plain", "on", "on", "plain"] * 2
    del order[:]
    few = cost.take_turns(run("plain", 1.0), run("on", 1.5), cost.Patience(9, 0.0, 1.0), False)
    assert few.pairs == 1 and order == ["plain", "on"]
    assert cost.take_turns(run("plain", 1.0), run("on", 1.5), cost.Patience(9, 0.0, 1.0), True).pairs == 9


def test_a_run_that_was_ended_is_a_lower_bound(bench: Callable[[str], ModuleType]) -> None:
    cost, turns = bench("cost"), bench("turns")

    def on() -> float:
        raise turns.TooSlow

    found = cost.take_turns(lambda: 0.5, on, cost.Patience(9, 1.0, 10.0), False)
    assert found.at_least and cost.shown(found) == "> 20"


def test_cost_table(bench: Callable[[str], ModuleType]) -> None:
    cost = bench("cost")
    found = {
        "native": {"loop": cost.Cost(1.0123, 0.05, 9), "fib": cost.Cost(1.2, 0.01, 9)},
        "mprun": {"loop": cost.Cost(412.4, 0.07, 1), "fib": "no"},
    }
    assert cost.rows(found, 9) == [
        ["cell", "plain, ms", "npmem native", "%mprun"],
        ["a Python loop of 1,000,000", "60", "1.012", "412 (1)"],
        ["recursive fib(24)", "10", "1.200", "failed"],
    ]


def test_truth_table(bench: Callable[[str], ModuleType]) -> None:
    truth = bench("truth")
    assert [truth.shown(each) for each in (0, 48, -8192, 2**20, -3 * 2**18)] == [
        "0",
        "+48 B",
        "-8,192 B",
        "+1.0",
        "-0.8",
    ]
    assert truth.error([5, 100, 7], 7) == 0
    rows = truth.rows({"native": {"sort": 0}, "memit": {"sort": "why"}}, {"native": "a", "memit": "b"})
    assert rows == [["cell", "truth, MiB", "a", "b"], ["`np.sort`", "64", "0", "failed"]]


def test_markdown(bench: Callable[[str], ModuleType]) -> None:
    report = bench("report")
    assert report.table([["a", "b"], ["x|y", "1"]]) == "| a | b |\n| --- | ---: |\n| x\\|y | 1 |"
    assert report.processor("model name\t: Maker(R) Chip(TM) CPU 9 @ 2.00GHz\n") == "Maker Chip 9"


def test_reasons_name_no_path(bench: Callable[[str], ModuleType]) -> None:
    install = bench("install")
    complaint = "noise\n  ERROR: no such file: /one/two/three.so\nhint: look elsewhere\n"
    assert install.last_words(complaint) == "ERROR: no such file: three.so"
    assert install.last_words("") == "it said nothing"


def test_every_tool_is_described(bench: Callable[[str], ModuleType]) -> None:
    peers = bench("peers")
    assert all(tool.how and tool.form in ("cell", "script", "function") for tool in peers.TOOLS.values())
    assert len(bench("cells").CELLS) == 8 and len(bench("truth").CASES) == 12


def test_the_package_knows_nothing_of_it() -> None:
    package = BENCH.parent / "npmem_magic"
    assert [path.name for path in package.rglob("*.py") if "benchmarks" in path.read_text(encoding="utf-8")] == []


def test_the_cells_run(bench: Callable[[str], ModuleType]) -> None:
    cells = bench("cells")
    cells.ELEMENTS = 1000
    for cell in cells.CELLS:
        exec(compile(cell.text.replace("000_000", "0").replace("0_000", "0"), cell.key, "exec"), cells.prepare())


def test_the_truth_is_what_numpy_asks_for(bench: Callable[[str], ModuleType]) -> None:
    """Sizes on paper, an independent count in NumPy's allocator, and the trace: one number."""
    truth = bench("truth")
    names = truth.prepare()
    for case in truth.CASES:
        assert run_plain(case.text, dict(names)).count().peak == case.peak, case.title
        assert npmem_magic.trace(case.text, namespace=dict(names), sampler="off").peak == case.peak, case.title
