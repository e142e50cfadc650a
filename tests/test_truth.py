"""Cells of known size: peak, net, gross and sites are right to the byte.

Two judges. The numbers of `truth_cases` come from reasoning and speak of buffers of 4 KiB and more; the oracle is an
independent count of everything, the 8-byte buffers that NumPy makes of Python scalars included.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from oracle import (
    LARGE,
    Log,
    agree,
    consistent,
    large_by_text,
    large_sites,
    near,
    reuses_temporaries,
    run_plain,
    sites_agree,
)
from tracing import engine, large, smallest
from truth_cases import CHAINS, LEAVE_ALONE, PLAIN, SMALL, TIMES, Case, N, X, enlarged, prepare

import npmem_magic
from npmem_magic.record import pure
from npmem_magic.trace import Trace

REUSES = reuses_temporaries()
CASES = PLAIN + [reused if REUSES else fresh for reused, fresh in CHAINS]

READS = "w = np.load(stored)"

# (code, net in bytes, source of a site that is among the large ones). The other numbers are the oracle's.
LIBRARY = [
    ("a = np.fromiter(range(10_000), float)", 80_000, "np.fromiter(range(10_000), float)"),
    ("a = np.fromiter((k for k in range(10_000)), float)", 80_000, "np.fromiter((k for k in range(10_000)), float)"),
    ("a = np.loadtxt(['1 2 3'] * 3000)", 72_000, "np.loadtxt(['1 2 3'] * 3000)"),
    ("f = pd.DataFrame({'a': x, 'b': y})", 2 * X, "pd.DataFrame({'a': x, 'b': y})"),
    ("f = pd.Series(x, copy=True)", X, "pd.Series(x, copy=True)"),
    ("w = series + 1", X, "series + 1"),
    ("w = series.cumsum()", X, "series.cumsum()"),
    ("t = float((series > 0.5).mean())", 0, "series > 0.5"),
    ("w = frame['a'].to_numpy(copy=True)", X, "frame['a'].to_numpy(copy=True)"),
    ("w = ne.evaluate('x * 2 + y')", X, "ne.evaluate('x * 2 + y')"),
    ("w = ne.evaluate('x > y')", N, "ne.evaluate('x > y')"),
    (READS, X, "np.load(stored)"),
    ("w = np.load(path)", X, "np.load(path)"),
    ("w = np.fromfile(flat)", X, "np.fromfile(flat)"),
    ("w = np.memmap(flat, mode='r', dtype=float) + 1", X, "np.memmap(flat, mode='r', dtype=float) + 1"),
    ("w = masked + 1", X + N, "masked + 1"),
    ("w = np.ma.masked_less(x, 0.5)", X + N, "np.ma.masked_less(x, 0.5)"),
    ("t = np.histogram(x, 10)[0].sum()", 0, "np.histogram(x, 10)"),
    ("w = np.unique(idx)", X // 5, "np.unique(idx)"),
    ("w = np.linspace(0, 1, 100_000)", X, "np.linspace(0, 1, 100_000)"),
    ("w = np.triu(table)", X, "np.triu(table)"),
    ("t = float(np.linalg.norm(table - 1))", 0, "table - 1"),
    ("w = np.vectorize(float)(s)", SMALL, "np.vectorize(float)(s)"),
    ("w = next(np.full(k, 1.5) for k in (2000,))", 16_000, "np.full(k, 1.5)"),
]

WORKERS = """\
def work(n):
    part = np.ones(n)
    return part + part

with ThreadPoolExecutor(1) as pool:
    parts = list(pool.map(work, [100_000] * 4))
"""


def namespace(folder: Path, n: int = N) -> dict[str, Any]:
    """`prepare` with pandas, numexpr, masked arrays and files."""
    pd, ne = pytest.importorskip("pandas"), pytest.importorskip("numexpr")
    names = prepare(n)
    x = names["x"]
    np.save(folder / "x.npy", x)
    x.tofile(folder / "x.bin")
    names |= {"pd": pd, "ne": ne, "ThreadPoolExecutor": ThreadPoolExecutor}
    names |= {"path": str(folder / "x.npy"), "flat": str(folder / "x.bin")}
    names |= {"series": pd.Series(x.copy()), "frame": pd.DataFrame({"a": x.copy()})}
    assert len(names["frame"]["a"]) == len(x)  # pandas makes its tables of blocks, 8 bytes each, at the first look
    names["masked"] = np.ma.masked_array(x.copy(), mask=names["even"].copy())
    return names


def measured(code: str, folder: Path | None = None) -> tuple[Trace, Log]:
    """The trace of `code` and the oracle's log of the same code, after one run that fills NumPy's own caches.

    For the pure ledger the code and what it works on are `enlarged`.
    """
    n = N if engine() == "native" else TIMES * N
    code = code if n == N else enlarged(code)
    fresh = [prepare(n) if folder is None else namespace(folder, n) for _ in range(3)]
    run_plain(code, fresh[0])
    log = run_plain(code, fresh[1])
    try:
        return npmem_magic.trace(code, namespace=fresh[2], sampler="off"), log
    finally:
        for names in fresh:  # else the collector frees arrays held by a function's globals in a later trace
            names.clear()


def holds(trace: Trace, log: Log, python: int) -> None:
    """The pure ledger's totals, where Python's own bytes are a part of what the cell costs."""
    count = log.count()
    assert near(trace.net, count.net)
    assert 0 <= trace.peak - count.peak <= python + pure.WITHIN_BYTES
    consistent(trace)


def test_the_oracle_sees_what_numpy_asks_for() -> None:
    log = run_plain("a = np.ones(1000)\nb = a + a\ndel a", {"np": np, "float": float})
    assert log.count(LARGE).peak == 16_000
    assert log.count(LARGE).net == 8000
    assert log.count(LARGE).gross == 16_000


@pytest.mark.parametrize("case", LEAVE_ALONE, ids=lambda case: case.code[:30])
def test_a_cell_without_numpy_costs_nothing(case: Case) -> None:
    """To the native ledger; the pure one counts Python's objects."""
    trace, _ = measured(case.code)
    assert (trace.peak, trace.net, trace.gross) == (0, 0, 0)
    assert (trace.expressions, trace.at_peak) == ((), ())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.code)
def test_cell(case: Case, ledger: str) -> None:
    trace, log = measured(case.code)
    if ledger == "pure" and case in LEAVE_ALONE:  # it counts Python's objects, too: see test_pure
        return consistent(trace)
    agree(trace, log)
    sites_agree(trace, log)
    if ledger == "pure":
        return  # the table's numbers are those of smaller arrays
    large = log.count(LARGE)
    assert (large.peak, large.net, large.gross) == (case.peak, case.net, case.gross), "the table is wrong"
    assert large_by_text(case.code, log) == case.sites, "the table is wrong"


@pytest.mark.parametrize("case", [case for case in CASES if len(case.sites) == 1], ids=lambda case: case.code)
def test_the_only_site_carries_the_peak(case: Case) -> None:
    trace, log = measured(case.code)
    (site,) = (site for site in trace.expressions if site.peak >= LARGE)
    large = log.count(LARGE)
    assert site.source in case.sites
    assert 0 <= site.peak - large.alive_at_peak < 100, "the 8-byte buffers of Python scalars at the same place"
    assert trace.peak < LARGE or trace.peak_line == site.line


@pytest.mark.parametrize(("code", "net", "source"), LIBRARY, ids=[code for code, _, _ in LIBRARY])
def test_library(code: str, net: int, source: str, ledger: str, tmp_path: Path) -> None:
    trace, log = measured(code, tmp_path)
    assert ledger == "pure" or log.count(LARGE).net == net, "the table is wrong"
    if (ledger, code) == ("pure", READS):  # through Python's bytes, 256 KiB and those before them
        return holds(trace, log, python=2 << 18)
    agree(trace, log)
    sites_agree(trace, log)
    assert (source if ledger == "native" else enlarged(source)) in large_sites(trace)


@pytest.mark.usefixtures("ledger")
def test_memmap_costs_nothing(tmp_path: Path) -> None:
    trace, log = measured("m = np.memmap(flat, mode='r', dtype=float)\nk = np.load(path, mmap_mode='r')", tmp_path)
    agree(trace, log)
    assert trace.peak < smallest()
    assert large(trace) == []


def test_reuse_of_a_temporary_is_shown() -> None:
    """`x + 1` and `x - 1` are the two temporaries; `+ 2` and the division write into them where NumPy can."""
    if not REUSES:
        pytest.skip("this build of Python and NumPy never reuses a temporary")
    trace, _ = measured("w = (x + 1) / (x - 1 + 2)")
    by_source = {site.source: site for site in trace.expressions if site.peak >= LARGE}
    assert set(by_source) == {"x + 1", "x - 1"}
    assert by_source["x + 1"].net == X  # the division wrote here, and w keeps it
    assert by_source["x - 1"].net == 0


@pytest.mark.usefixtures("ledger")
@pytest.mark.xfail(sys.version_info < (3, 12), reason="a trace function adds a reference on 3.11", strict=True)
def test_resize_finds_no_more_references_than_without_us() -> None:
    names: dict[str, Any] = {"np": np}
    npmem_magic.trace("a = np.ones(1000)\na.resize(2000)", namespace=names, sampler="off")
    assert names["a"].size == 2000


@pytest.mark.usefixtures("ledger")
def test_columns_point_at_the_expression() -> None:
    code = "a = 1\nw = np.sqrt(x) + np.exp(y)"
    trace, _ = measured(code)
    assert len(large(trace)) == 2
    for site in large(trace):
        assert (site.line, site.end_line, site.function) == (2, 2, "<cell>")
        assert code.splitlines()[1][site.col : site.end_col] == site.source


@pytest.mark.usefixtures("ledger")
def test_columns_are_bytes_of_utf8() -> None:
    code = "größe = np.zeros(100_000); ß = np.zeros((100, 1000), complex)"
    trace, _ = measured(code)
    text = trace.source.encode()
    first, second = sorted(large(trace), key=lambda site: site.col)
    assert text[first.col : first.end_col].decode() == first.source == trace.source[8:].partition(";")[0]
    assert text[second.col : second.end_col].decode() == second.source == trace.source.rpartition(" ß = ")[2].rstrip()
    assert near(second.gross, 2 * first.gross)


@pytest.mark.parametrize("count", [1, 4])
def test_workers_are_counted(count: int, ledger: str, tmp_path: Path) -> None:
    code = f"with ThreadPoolExecutor({count}) as pool: parts = list(pool.map(np.empty, [100_000] * 8))"
    trace, log = measured(code, tmp_path)
    agree(trace, log)
    assert ledger == "pure" or (trace.peak, trace.net, trace.gross) == (8 * X, 8 * X, 8 * X)


def test_work_of_a_cell_in_a_worker_is_charged_to_its_line(ledger: str, tmp_path: Path) -> None:
    trace, log = measured(WORKERS, tmp_path)
    agree(trace, log)
    assert ledger == "pure" or trace.net == 4 * X
    sites = {site.source: (site.function, site.line) for site in large(trace)}
    assert sites == {"np.ones(n)": ("work", 2), "part + part": ("work", 3)}


def test_the_same_number_on_every_run(ledger: str) -> None:
    code = "w = np.sqrt(x * x + y * y).sum() + np.median(x)"
    first, second = measured(code)[0], measured(code)[0]
    consistent(first)
    if ledger == "pure":  # Python's own objects vary
        assert near(first.peak, second.peak) and near(first.net, second.net) and near(first.gross, second.gross)
        return
    assert (first.peak, first.net, first.gross) == (second.peak, second.net, second.gross)
    assert first.at_peak == second.at_peak
    assert first.timeline[1].tolist() == second.timeline[1].tolist()
