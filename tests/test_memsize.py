# ruff: noqa: E501  tables of expressions
"""Bytes before allocation: known shapes give known bytes; snippets run; bad input gets a sentence."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell

import npmem_magic
from npmem_magic import NpmemError, limits, memsize
from npmem_magic.limits import Memory
from npmem_magic.render import sheets
from npmem_magic.render.sizing import describe
from npmem_magic.sizes import parse_size

GIB = 2**30


@pytest.fixture(autouse=True)
def known_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine of 16 GiB, 8 of them free."""
    import npmem_magic.sizing as sizing  # the package; the name in npmem_magic is the function

    monkeypatch.setattr(sizing, "memory", lambda: Memory(16 * GIB, 8 * GIB, "machine"))


A = np.zeros(10**6)
NAMES = {"np": np, "a": A, "b": np.zeros(10**6), "n": 5, "small": np.zeros(3, np.uint8)}


@pytest.mark.parametrize(
    ("text", "nbytes"),
    [
        ("3075200x512 float32", 6_298_009_600), ("3075200 x 512 float32", 6_298_009_600),
        ("3075200×512 float32", 6_298_009_600), ("(3075200, 512) np.float32", 6_298_009_600),
        ("3_075_200, 512 f4", 6_298_009_600), ("[10, 10] int8", 100), ("1000", 8000), ("1e6x3", 24_000_000),
        ("10^3x2 u1", 2000), ("2**10 complex64", 8192), ("14*10*(30*60)*24x512x512 uint16", 3_170_893_824_000),
        ("3x4 >f8", 96), ("5 <U10", 200), ("5 M8[s]", 40), ("0x5", 0), ("(1000,)", 8000), ("3 bool", 3),
        ("np.zeros((1000,256,256), np.uint16)", 131_072_000), ("a[:, None] - b[None, :]", 8 * 10**12),
        ("np.ones((n, n)) float32", 100), ("(n, 3) int16", 30), ("n", 40), ("a", 8_000_000), ("a[a > 0]", 8_000_000),
        ("np.meshgrid(a, a)", 16 * 10**12), ("small * 2.0", 24), ("np.float32(3)", 4), ("a.sum()", 8),
        ("small.astype(np.float64)[:, None] * a", 24_000_000),
    ],
)  # fmt: skip
def test_known_bytes(text: str, nbytes: int) -> None:
    assert memsize(text, namespace=NAMES).nbytes == nbytes


def test_in_python() -> None:
    found = memsize((3075200, 512), np.float32)
    assert (found.nbytes, found.shape, found.dtype) == (6_298_009_600, (3075200, 512), np.dtype("f4"))
    assert found.fits and found.chunks is None
    assert memsize(10).nbytes == 80 and memsize((), "i2").nbytes == 2
    assert memsize("a * 2", "f4", namespace=NAMES).nbytes == 4_000_000
    assert repr(found) == "<MemSize (3075200, 512) float32: 6,298,009,600 bytes = 5.87 GiB>"
    assert npmem_magic.memsize is memsize


def test_the_same_in_every_common_dtype() -> None:
    by_dtype = dict(memsize("1000x1000").by_dtype)
    assert by_dtype["int64, float64, complex64"] == 8_000_000 and by_dtype["bool, int8, uint8"] == 1_000_000
    names = [name for names in by_dtype for name in names.split(", ")]
    assert all(np.dtype(name).itemsize * 10**6 == by_dtype[names] for names in by_dtype for name in names.split(", "))
    assert len(names) == 14


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "nothing to size"), ("x", "no name 'x'"), ("-3x4", "negative"), ("3.5x2", "whole number"),
        ("3x4 flot32", "Did you mean float32"), ("3x4 nonsense", "no dtype that NumPy knows"), ("10^30", "9.22e+18"),
        ("1000000000000x1000000000000x8", "factor too many"), ("a +", "neither a shape nor an expression"),
        ("foo(a)", "foo is not a function of NumPy"), ("missing + 1", "no name 'missing'"), ("'text'", "no array"),
        ("a[:, None] @ a", "ValueError"), ("np.load('x')", "not followed"), ("1/0 x 3", "ZeroDivisionError"),
        ("10**10**10 x 3", "too large"), ("x".join(["2"] * 70), "64 dimensions"), ("np.unique(a)", "depends on the values"),
        ("(3, -4)", "negative"), ("np.zeros(-3)", "negative"), ("3x x4..5", "is no number"),
    ],
)  # fmt: skip
def test_bad_input_gets_a_sentence(text: str, words: str) -> None:
    with pytest.raises(NpmemError, match=re.escape(words)):
        memsize(text, namespace=NAMES)


@pytest.mark.parametrize(("what", "dtype", "words"), [
    ((3, -1), None, "negative"), ((2.5,), None, "no whole number"), ((3,), "nonsense", "no dtype that NumPy knows"),
])  # fmt: skip
def test_bad_shapes_in_python(what: Any, dtype: Any, words: str) -> None:
    with pytest.raises(NpmemError, match=words):
        memsize(what, dtype)


@pytest.mark.parametrize(
    ("text", "nbytes"),
    [("500MB", 500_000_000), ("2GiB", 2 * GIB), ("1.5e9", 1_500_000_000), ("64k", 65_536), ("10 B", 10), ("1g", GIB)],
)
def test_sizes_are_read(text: str, nbytes: int) -> None:
    assert parse_size(text) == nbytes


@pytest.mark.parametrize("text", ["", "lots", "5 apples", "-3MB", "0", "1e400"])
def test_no_sizes(text: str) -> None:
    with pytest.raises((NpmemError, OverflowError)):
        parse_size(text)


# What fits, and how to work in pieces


def test_it_fits_or_it_does_not() -> None:
    assert memsize(f"{8 * GIB} u1").fits and not memsize(f"{8 * GIB + 1} u1").fits
    assert not memsize("np.zeros((2**29, 2)) * 2", namespace=NAMES).fits  # the product and the zeros, 8 GiB each
    assert memsize("np.zeros((2**28, 2)) * 2", namespace=NAMES).fits


def test_rows_for_a_budget() -> None:
    chunks = memsize("1000x512 float32", budget="64k").chunks
    assert chunks is not None
    assert (chunks.rows, chunks.count, chunks.nbytes, chunks.whole_rows) == (32, 32, 65_536, True)
    assert memsize("1000x512 float32").chunks is None


def test_one_row_above_the_budget() -> None:
    chunks = memsize("3x1000000", budget=1_000_000).chunks
    assert chunks is not None and not chunks.whole_rows
    assert (chunks.rows, chunks.count) == (125_000, 24)


@pytest.mark.parametrize("text", ["70x3 float32", "3x1000 f8", "1000 >i2", "7x2x5 complex64"])
def test_the_snippet_runs_as_it_stands(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = memsize(text, budget=256)
    names: dict[str, Any] = {}
    exec(found.snippet.replace("chunk[...] = 0", "chunk[...] = 1"), names)
    names.clear()
    made = np.load("x.npy")
    assert (made.shape, made.dtype) == (found.shape, found.dtype) and (made == 1).all()
    raw = re.search(r"# or raw: (x = np\.memmap.*)", found.snippet)
    assert raw is not None
    exec(raw[1], {"np": np, "dtype": found.dtype, "shape": found.shape})
    assert (tmp_path / "x.bin").stat().st_size == found.nbytes


def test_nothing_is_allocated() -> None:
    import tracemalloc

    tracemalloc.start()
    try:
        memsize("a[:, None] - b[None, :]", namespace=NAMES)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


# The machine


def test_a_container_limits(tmp_path: Path) -> None:
    proc, cgroup = tmp_path / "proc", tmp_path / "cgroup"
    group = cgroup / "a" / "b"
    (proc / "self").mkdir(parents=True)
    group.mkdir(parents=True)
    (proc / "meminfo").write_text(f"MemTotal: {16 * 2**20} kB\nMemAvailable: {12 * 2**20} kB\nHugePages_Total: 0\n")
    (proc / "self" / "cgroup").write_text("0::/a/b\n")
    assert limits.memory(proc, cgroup) == Memory(16 * GIB, 12 * GIB, "machine")
    for name, text in {"memory.max": "max", "memory.current": "5", "memory.stat": "inactive_file 0"}.items():
        (group / name).write_text(text)
        (cgroup / "a" / name).write_text(text)
    assert limits.memory(proc, cgroup).limited_by == "machine"
    (cgroup / "a" / "memory.max").write_text(str(2 * GIB))
    (cgroup / "a" / "memory.current").write_text(str(GIB))
    (cgroup / "a" / "memory.stat").write_text(f"anon 5\ninactive_file {GIB // 2}\n")
    assert limits.memory(proc, cgroup) == Memory(2 * GIB, 2 * GIB - GIB // 2, "cgroup")


def test_a_container_of_version_1(tmp_path: Path) -> None:
    proc, group = tmp_path / "proc", tmp_path / "cgroup" / "memory"
    (proc / "self").mkdir(parents=True)
    group.mkdir(parents=True)
    (proc / "meminfo").write_text(f"MemTotal: {16 * 2**20} kB\nMemAvailable: {12 * 2**20} kB\n")
    (proc / "self" / "cgroup").write_text("5:cpu,cpuacct:/x\n4:memory:/docker/abc\n")
    for name, text in {"limit_in_bytes": str(GIB), "usage_in_bytes": "1000"}.items():
        (group / f"memory.{name}").write_text(text)
    (group / "memory.stat").write_text("inactive_file 0")
    assert limits.memory(proc, tmp_path / "cgroup") == Memory(GIB, GIB - 1000, "cgroup")
    (group / "memory.limit_in_bytes").write_text("9223372036854771712")
    assert limits.memory(proc, tmp_path / "cgroup").limited_by == "machine"


# The report and the magic


def test_a_blow_up_is_shown_as_such() -> None:
    text = " ".join(sheets.text(describe(memsize("a[:, None] - b[None, :]", namespace=NAMES))).split())
    assert "8,000,000,000,000 bytes = 7.28 TiB" in text
    assert "10^12 elements from two arrays of 7.6 MiB each" in text
    assert "does not fit" in text


def test_devices_are_asked() -> None:
    devices = (("Big", 80 * GIB, 70 * GIB), ("Small", 4 * GIB, GIB))
    text = sheets.text(describe(memsize("3075200x512 float32", devices=devices)))
    assert "fits on Big" in text and "does not fit on Small" in text


def test_the_magic(ip: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    ip.run_cell("%memsize 3075200x512 float32")
    assert "6,298,009,600 bytes = 5.87 GiB" in capsys.readouterr().out
    ip.run_cell("import numpy as np\na = np.zeros(10)")
    ip.run_cell("%memsize a[:, None] * a --budget 64")
    assert "800 bytes" in capsys.readouterr().out
    ip.run_cell("%memsize -3x4")
    assert "The side -3 is negative" in capsys.readouterr().err
    ip.run_cell("def f(k):\n    %memsize (k, 2) int8\nf(7)")
    assert "14 bytes" in capsys.readouterr().out


def test_what_fits_the_budget_needs_no_pieces() -> None:
    assert npmem_magic.memsize("1000 float64", budget="8000 B").chunks is None
    chunks = npmem_magic.memsize("1000 float64", budget="7999 B").chunks
    assert chunks is not None and chunks.count == 2
