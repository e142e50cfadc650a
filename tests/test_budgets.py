"""Budgets: sizes in bytes and as multiples of what the code reads, the error that names the line, the guard's limit."""

from __future__ import annotations

import signal
from typing import Any

import numpy as np
import pytest
from conftest import limits
from tracing import line

import npmem_magic
from npmem_magic import NpmemError, PeakOverBudget, budgets
from npmem_magic.cell import Call, Cell, PlainPython

N = 100_000
NBYTES = 8 * N


@pytest.fixture(params=["native", "pure"], autouse=True)
def ledger(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("NPMEM_LEDGER", request.param)
    return str(request.param)


def run(source: str, **options: Any) -> npmem_magic.Trace:
    names = {"np": np, "x": np.ones(N)}
    return npmem_magic.trace(source, namespace=names, sampler="off", **options)


def given(source: str, **names: object) -> int:
    """Bytes of the arrays that `source` reads."""
    return budgets.read_bytes(Cell.from_source(source, PlainPython(), names), names)


# Leave alone


def test_a_run_within_its_budget_is_no_error() -> None:
    t = run("y = x + 1\ndel y", max_peak="1x")
    assert t.error is None and t.budget is not None
    assert NBYTES <= t.budget <= NBYTES + budgets.SCALARS


def test_without_options_nothing_is_kept() -> None:
    t = run("y = x + 1")
    assert (t.budget, t.limit) == (None, None)


def test_the_cells_own_error_comes_first() -> None:
    with pytest.raises(ZeroDivisionError):
        run("y = x + 1\n1 / 0", max_peak="1kB")


# Budgets


def test_a_broken_budget_fails_after_the_run_and_names_the_line() -> None:
    names: dict[str, Any] = {"np": np, "x": np.ones(10 * N)}
    with pytest.raises(PeakOverBudget) as caught:
        npmem_magic.trace("y = x + 1\nz = y * 2\nw = 5", namespace=names, sampler="off", max_peak="1.5x")
    assert names["w"] == 5, "it ran to its end"
    assert caught.value.line == 2 and "line 2" in str(caught.value) and "y * 2" in str(caught.value)
    assert caught.value.peak == npmem_magic.last.peak  # type: ignore[union-attr]
    assert caught.value.peak >= 2 * 10 * NBYTES > caught.value.budget
    assert isinstance(caught.value, NpmemError)


def test_the_line_that_broke_it_first_is_not_that_of_the_peak() -> None:
    with pytest.raises(PeakOverBudget) as caught:
        run("a = np.ones(3_000_000)\nb = np.ones(3_000_000)\nc = np.ones(6_000_000)\n", max_peak="40MB")
    assert caught.value.line == 2
    assert "First broken on line 2" in str(caught.value) and "line 3" in str(caught.value)


def test_the_line_in_a_function_is_named() -> None:
    def work(x: np.ndarray) -> float:
        y = np.sqrt(x) + np.ones(20 * N)
        return float(y[0])

    with pytest.raises(PeakOverBudget, match=r"in .*work, on line"):
        npmem_magic.trace(work, np.ones(1), max_peak="1MB", sampler="off")


def test_a_budget_is_exact(ledger: str) -> None:
    if ledger == "pure":
        pytest.skip("the pure ledger is allowed what it may be off by")
    run(f"y = np.empty({N})", max_peak=NBYTES)
    with pytest.raises(PeakOverBudget):
        run(f"y = np.empty({N})", max_peak=NBYTES - 1)


# What a multiple is a multiple of


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("x + 1", 1),
        ("x += 1", 1),
        ("y = 3", 0),
        ("x = 3", 0),
        ("x + x[::2].sum()", 1),
        ("half.sum()", 0.5),
        ("half.sum() + x.sum()", 1),
        ("wide.sum()", 1),
        ("parts[0] + 1", 2),
        ("def f():\n    return x\nf()", 1),
        ("reads_x()", 1),
        ("[x for _ in range(3)]", 1),
    ],
)
def test_bytes_read(source: str, count: float) -> None:
    x = np.ones(N)
    names: dict[str, Any] = {
        "x": x,
        "half": x[: N // 2],
        "wide": np.broadcast_to(x, (1000, N)),
        "parts": [np.ones(N), np.ones(N)],
        "unread": np.ones(N),
    }
    exec("def reads_x():\n    return x.sum()", names)
    assert given(source, **names) == count * NBYTES or _in_place(source, names) == count * NBYTES


def _in_place(source: str, names: dict[str, Any]) -> int:
    """With the dictionary that the functions in it have as their globals."""
    return budgets.read_bytes(Cell.from_source(source, PlainPython(), names), names)


SHARED = np.ones(N)


def test_bytes_a_call_reads() -> None:
    def scale(image: np.ndarray, *, by: np.ndarray) -> np.ndarray:
        return image * by + SHARED

    work = Call.from_callable(scale, (np.ones(N),), {"by": np.ones(N)})
    assert budgets.read_bytes(work, {}) == 3 * NBYTES


def test_a_multiple_of_nothing_is_refused() -> None:
    with pytest.raises(NpmemError, match="reads none"):
        run("y = 3", max_peak="3x")


@pytest.mark.parametrize("text", ["", "x", "3y", "-1x", "0x", "1.5", "half", "3 x x", "0", "-5MB", "auto"])
def test_what_is_no_size_is_refused(text: str) -> None:
    if text == "1.5":
        assert budgets.resolve(text, lambda: 1) == 1
        return
    with pytest.raises(NpmemError):
        budgets.check(text)


@pytest.mark.parametrize(
    ("text", "nbytes"),
    [("500MB", 500_000_000), ("2GiB", 2 << 30), ("1.5e9", 1_500_000_000), ("64 KiB", 65536), ("7", 7)],
)
def test_sizes(text: str, nbytes: int) -> None:
    assert budgets.resolve(text, lambda: pytest.fail("not asked for")) == nbytes


@pytest.mark.parametrize("text", ["3x", "3.0X", " 3 x", "3×"])
def test_multiples(text: str) -> None:
    assert budgets.resolve(text, lambda: 1000) == 3000 + budgets.SCALARS


# The guard, in this process: what it leaves behind, conftest compares after every test


def refused(source: str, limit: str) -> MemoryError:
    before = limits()
    with pytest.raises(MemoryError) as caught:
        run(source, limit=limit)
    assert limits() == before
    return caught.value


def notes(error: BaseException) -> str:
    return " ".join([str(error), *getattr(error, "__notes__", ())])


def test_an_impossible_request() -> None:
    error = refused("z = 1\ny = np.ones(10**13)", "200MB")
    said = notes(error)
    assert "line 2, `np.ones(10**13)`" in said and "72.8 TiB" in said and "190.7 MiB were left" in said
    assert any("NumPy's allocator" in note for note in npmem_magic.last.notes)  # type: ignore[union-attr]
    assert npmem_magic.last.limit == 200_000_000  # type: ignore[union-attr]


def test_a_growing_list_stops_at_the_limit(ledger: str) -> None:
    names: dict[str, Any] = {"np": np, "kept": []}
    with pytest.raises(MemoryError) as caught:
        npmem_magic.trace(
            f"while True:\n    kept.append(np.ones({N}))", namespace=names, limit=10 * NBYTES + 5000, sampler="off"
        )
    assert len(names["kept"]) == 10
    assert "line 2" in notes(caught.value) and "781.2 KiB" in notes(caught.value)
    if ledger == "native":
        assert npmem_magic.last.peak <= 10 * NBYTES + 5000 + 4096  # type: ignore[union-attr]


def test_what_is_freed_can_be_had_again() -> None:
    run(f"for i in range(100):\n    y = None\n    y = np.ones({N})", limit=2 * NBYTES)


def test_a_resize_beyond_is_refused_and_within_is_not() -> None:
    before = limits()
    source = f"y = np.zeros({N})\ny.resize({2 * N}, refcheck=False)\nassert y.shape == ({2 * N},)"
    run(source, limit=3 * NBYTES)
    with pytest.raises(MemoryError):
        run(f"y = np.zeros({N})\ny.resize({20 * N}, refcheck=False)", limit=3 * NBYTES)
    assert limits() == before


def test_scalars_are_never_refused() -> None:
    run(f"y = np.empty({N})\nz = np.float64(3) + np.arange(10).sum()", limit=NBYTES)


def test_a_refusal_that_the_code_catches_is_told() -> None:
    t = run("try:\n    np.ones(10**10)\nexcept MemoryError:\n    y = 1", limit="100MB")
    assert t.error is None
    assert any("asked for 74.5 GiB" in note for note in t.notes)


@pytest.mark.parametrize("attempt", ["np.ones(10**8)", "np.zeros(10**8)", "a.resize(10**8, refcheck=False)"])
def test_what_is_refused_is_not_counted(attempt: str, ledger: str) -> None:
    if "resize" in attempt and ledger == "pure":
        pytest.skip("up to 2.4 NumPy tells tracemalloc that the old buffer is gone")
    t = run(
        f"a = np.ones(10**6)\ntry:\n    {attempt}\nexcept MemoryError:\n    pass\nb = np.ones(10**6)", limit="100MB"
    )
    assert 0 <= t.peak - 16 * 10**6 < 20_000 and 0 <= t.net - 16 * 10**6 < 20_000
    assert line(t, 3).peak < 20_000


def test_python_objects_meet_the_systems_limit(ledger: str) -> None:
    """Or a thread that watches, where tracemalloc is at work: it must never be refused anything itself."""
    if not npmem_magic.record.guard.can_limit_data():  # type: ignore[attr-defined]
        pytest.skip("no such limit here")
    error = refused("kept = []\nwhile True:\n    kept.append(bytes(100_000))", "20MB")
    assert ("RLIMIT_DATA" if ledger == "native" else "watches the resident set") in notes(error)


def test_a_limit_that_the_code_sets_itself_stays() -> None:
    resource = pytest.importorskip("resource")
    found = resource.getrlimit(resource.RLIMIT_DATA)
    own = (1 << 40, found[1])
    try:
        run(f"import resource\nresource.setrlimit(resource.RLIMIT_DATA, {own})", limit="50MB")
        assert resource.getrlimit(resource.RLIMIT_DATA) == own
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, found)


def test_a_tighter_limit_stays_tighter() -> None:
    resource = pytest.importorskip("resource")
    found = resource.getrlimit(resource.RLIMIT_DATA)
    tight = ((npmem_magic.record.gauges.data_size() or 0) + (400 << 20), found[1])  # type: ignore[attr-defined]
    try:
        resource.setrlimit(resource.RLIMIT_DATA, tight)
        names = {"np": np, "seen": []}
        source = "import resource\nseen.append(resource.getrlimit(resource.RLIMIT_DATA))"
        npmem_magic.trace(source, namespace=names, limit="2GiB", sampler="off")
        assert names["seen"] == [tight] and resource.getrlimit(resource.RLIMIT_DATA) == tight
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, found)


# Memory that is new to the process: what malloc gives may have been resident since an earlier test.
FRESH = """
import mmap, time
kept = []
def take(nbytes):
    kept.append(mmap.mmap(-1, nbytes))
    np.frombuffer(kept[-1], np.uint8)[:] = 1
"""


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a system without a limit for data, and without the native ledger."""
    monkeypatch.setattr("npmem_magic.record.guard.can_limit_data", lambda: False)
    monkeypatch.setattr("npmem_magic.record.guard.native_hooks", lambda: None)


@pytest.mark.usefixtures("watched")
def test_where_there_is_no_limit_the_resident_set_is_watched() -> None:
    with pytest.raises(MemoryError, match="watches the resident set") as caught:
        run(FRESH + "for i in range(600):\n    take(4_000_000)\n    time.sleep(0.02)", limit="40MB")
    assert caught.value.__traceback__ is not None


@pytest.mark.usefixtures("watched")
@pytest.mark.parametrize("handler", [signal.default_int_handler, signal.SIG_IGN])
def test_a_sleeping_cell_is_interrupted_too(handler: Any) -> None:
    """Also in the background of a shell script, where SIGINT is ignored from the start."""
    found = signal.signal(signal.SIGINT, handler)
    try:
        with pytest.raises(MemoryError):
            run(FRESH + "take(80_000_000)\ntime.sleep(30)", limit="40MB")
        assert signal.getsignal(signal.SIGINT) is handler
    finally:
        signal.signal(signal.SIGINT, found)


@pytest.mark.usefixtures("watched")
def test_the_users_own_interrupt_stays_one() -> None:
    with pytest.raises(KeyboardInterrupt):
        run("raise KeyboardInterrupt", limit="400MB")


def test_auto_leaves_a_tenth(monkeypatch: pytest.MonkeyPatch) -> None:
    from npmem_magic.limits import Memory
    from npmem_magic.record import guard

    monkeypatch.setattr(guard, "memory", lambda: Memory(1000, 300, "cgroup"))
    assert guard.auto_limit() == 200
    monkeypatch.setattr(guard, "memory", lambda: Memory(1000, 90, "cgroup"))
    with pytest.raises(NpmemError, match="90 bytes of the cgroup"):
        guard.auto_limit()


def test_inner_guards_are_no_wider_than_outer_ones() -> None:
    from npmem_magic.record import guard

    outer = guard.Guard(3 * NBYTES)
    outer.start()
    try:
        first = np.ones(N)
        with pytest.raises(MemoryError):
            run(f"y = np.ones({3 * N})", limit="1GiB")
        with pytest.raises(MemoryError):
            np.ones(3 * N)
        second = np.ones(N)
    finally:
        outer.stop()
    assert first.shape == second.shape and len(np.ones(3 * N)) == 3 * N


def test_many_threads() -> None:
    source = """
    import threading
    refused, kept = [], []
    def work():
        try:
            for _ in range(20):
                kept.append(np.ones(100_000))
        except MemoryError as error:
            refused.append(error)
    threads = [threading.Thread(target=work) for _ in range(8)]
    for each in threads: each.start()
    for each in threads: each.join()
    """
    names: dict[str, Any] = {"np": np}
    lines = "\n".join(line[4:] for line in source.splitlines())
    t = npmem_magic.trace(lines, namespace=names, limit=20 * NBYTES, sampler="off")
    assert 1 <= len(names["refused"]) <= 8 and len(names["kept"]) <= 20
    assert t.limit == 20 * NBYTES


def test_nothing_of_the_guard_is_charged_to_the_run() -> None:
    assert run("pass", limit="100MB", max_peak="100MB").gross == run("pass").gross or npmem_magic.ledger()[0] == "pure"
