"""Device memory by the books of CuPy and torch, on stand-ins that keep them: known sizes, to the byte."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from standins import libraries

import npmem_magic
from npmem_magic.cell import Cell, PlainPython
from npmem_magic.record import Options, borders, record, torch_books
from npmem_magic.record.steps import MOST, Steps, merged
from npmem_magic.trace import DeviceCost, Trace

MIB = 2**20
by_line = pytest.mark.skipif(sys.version_info < (3, 12), reason="lines are told by sys.monitoring")


@pytest.fixture(autouse=True)
def no_hooks() -> Iterator[None]:
    yield from libraries.clear()


@pytest.fixture
def cupy(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    module = libraries.cupy()
    monkeypatch.setitem(sys.modules, "cupy", module)
    return module


@pytest.fixture
def torch(monkeypatch: pytest.MonkeyPatch) -> Any:
    module = libraries.torch()
    monkeypatch.setitem(sys.modules, "torch", module)
    return module


def trace(source: str, gpu: str = "auto", **names: object) -> Trace:
    cell = Cell.from_source(source, PlainPython(), {"np": np, **names})
    recording = record(cell, cell.namespace, Options(sampler="off", gpu=gpu))
    if recording.outcome.error is not None:
        raise recording.outcome.error
    return recording.trace


def costs(found: Trace) -> list[tuple[int, int, int, int, int]]:
    """(line, hits, peak, net, gross), by line."""
    return sorted((each.line, each.hits, each.peak, each.net, each.gross) for each in found.device_costs)


# Leave alone


def test_without_a_library_there_are_no_books() -> None:
    found = trace("x = 1")
    assert found.device_costs == () and len(found.device_timeline[0]) == 0


def test_a_library_that_is_not_used_adds_nothing(cupy: Any, torch: Any) -> None:
    found = trace("x = np.ones(1000)")
    assert found.device_costs == () and found.net == 8000
    assert not torch.cuda.initialized and torch.cuda.looks == 0
    assert not any("torch" in note or "CuPy" in note for note in found.notes)


def test_off_touches_no_library(cupy: Any, torch: Any) -> None:
    found = trace("a = cupy.empty(512); b = torch.empty(512)", gpu="off", cupy=cupy, torch=torch)
    assert found.device_costs == () and torch.cuda.looks == 0


def test_the_peak_counter_of_torch_is_the_users(torch: Any) -> None:
    torch.cuda.change(10 * MIB, 0)
    torch.cuda.change(-10 * MIB, 0)
    trace("a = torch.empty(1000)\ndel a\nb = torch.empty(10)", torch=torch)
    assert torch.cuda.resets == 0 and torch.cuda.stats[0]["peak"] == 10 * MIB


def test_a_torch_without_cuda_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    module: Any = libraries.torch(version=None)
    monkeypatch.setitem(sys.modules, "torch", module)
    trace("a = torch.empty(1000)", torch=module)
    assert module.cuda.looks == 0


def test_the_hook_and_the_tool_are_gone_after_an_error(cupy: Any, torch: Any) -> None:
    for failing in ("cupy.empty(512, fails=True)", "torch.empty(512); 1 / 0"):
        with pytest.raises((MemoryError, ZeroDivisionError)):
            trace(failing, cupy=cupy, torch=torch)
        assert libraries.no_hooks_left()


def test_a_hook_of_the_users_stays_and_is_called(cupy: Any) -> None:
    class Mine(libraries.MemoryHook):
        name = "mine"
        births = 0

        def malloc_postprocess(self, **told: int) -> None:
            self.births += 1

    with (mine := Mine()):
        trace("a = cupy.empty(512)", cupy=cupy)
        assert list(libraries.hooks()) == ["mine"] and mine.births == 1


def test_hooks_that_the_cell_clears_do_no_harm(cupy: Any) -> None:
    assert trace("a = cupy.empty(512); hooks().clear()", cupy=cupy, hooks=libraries.hooks).device_costs


# CuPy: every allocation with its site


def test_every_allocation_has_its_expression_and_its_bytes_as_asked_for(cupy: Any) -> None:
    found = trace("a = cupy.empty(1000)\nb = cupy.empty(3000)\ndel a\n[cupy.empty(7) for _ in range(4)][0]", cupy=cupy)
    assert costs(found) == [(1, 1, 1000, 0, 1000), (2, 1, 3000, 3000, 3000), (4, 4, 28, 7, 28)]
    assert {each.source for each in found.device_costs} == {"cupy.empty(1000)", "cupy.empty(3000)", "cupy.empty(7)"}
    assert found.device_timeline[1].max() == 4000 and found.device_timeline[1][-1] == 3007
    assert any("hooks are per thread" in note for note in found.notes)


def test_two_expressions_of_one_line_are_told_apart(cupy: Any) -> None:
    found = trace("x = cupy.empty(1000), cupy.empty(2000)", cupy=cupy)
    assert [(each.source, each.peak) for each in found.device_costs] == [
        ("cupy.empty(2000)", 2000),
        ("cupy.empty(1000)", 1000),
    ]


def test_what_a_library_allocates_is_charged_to_the_line_that_called_it(cupy: Any) -> None:
    library: dict[str, Any] = {"cupy": cupy}
    exec(compile("def stack(n):\n    return [cupy.empty(512) for _ in range(n)]", "library.py", "exec"), library)
    found = trace("y = 1\nx = stack(3)", stack=library["stack"])
    assert costs(found) == [(2, 3, 1536, 1536, 1536)] and found.device_costs[0].source == "stack(3)"


def test_functions_of_the_cell_are_named(cupy: Any) -> None:
    found = trace("def f():\n    return cupy.empty(512)\nx = f()", cupy=cupy)
    assert [(each.function, each.line) for each in found.device_costs] == [("f", 2)]


def test_what_was_there_before_counts_when_it_goes(cupy: Any) -> None:
    found = trace("del old[0]", cupy=cupy, old=[cupy.empty(1000)])
    assert found.device_timeline[1].tolist() == [-1024]  # the pool's rounded size: nobody else knows it


def test_a_failed_allocation_is_not_counted(cupy: Any) -> None:
    found = trace("try:\n    cupy.empty(10**15, fails=True)\nexcept MemoryError:\n    x = cupy.empty(512)", cupy=cupy)
    assert costs(found) == [(4, 1, 512, 512, 512)]


def test_a_library_imported_in_the_cell_is_taken_up_at_the_next_statement(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "cupy", raising=False)
    module = libraries.cupy()
    found = trace("sys.modules['cupy'] = module\na = module.empty(512)", sys=sys, module=module)
    assert costs(found) == [(2, 1, 512, 512, 512)]
    del sys.modules["cupy"]


def test_two_devices_have_their_own_rows(cupy: Any) -> None:
    found = trace("a = [cupy.empty(1000, device=d) for d in (0, 1, 1)]", cupy=cupy)
    assert [(each.device, each.peak) for each in found.device_costs] == [(1, 2000), (0, 1000)]


def test_other_threads_are_not_seen_and_that_is_said(cupy: Any) -> None:
    source = (
        "import threading\nmine = cupy.empty(512)\n"
        "t = threading.Thread(target=lambda: kept.append(cupy.empty(1000))); t.start(); t.join()"
    )
    found = trace(source, cupy=cupy, kept=[])
    assert costs(found) == [(2, 1, 512, 512, 512)]
    assert any("own thread" in note for note in found.notes)


# torch: peak and net by line


@by_line
def test_lines_of_torch_have_peak_net_and_gross(torch: Any) -> None:
    found = trace("a = torch.empty(1000)\nb = torch.empty(3000)\ndel a\nc = 1", torch=torch)
    assert costs(found) == [(1, 1, 1000, 1000, 1000), (2, 1, 3000, 3000, 3000), (3, 1, 0, -1000, 0)]
    assert not any(each.is_bound for each in found.device_costs)
    assert found.device_timeline[1].tolist() == [1000, 4000, 3000]


@by_line
def test_a_temporary_is_exact_where_it_made_the_highest_level_of_all(torch: Any) -> None:
    found = trace("a = torch.empty(1000)\ntorch.empty(5000)\nb = torch.empty(10)", torch=torch)
    assert costs(found) == [(1, 1, 1000, 1000, 1000), (2, 1, 5000, 0, 5000), (3, 1, 10, 10, 10)]
    assert not any(each.is_bound for each in found.device_costs)


@by_line
def test_where_the_highest_level_lay_elsewhere_the_peak_is_a_bound_and_says_so(torch: Any) -> None:
    torch.cuda.change(10 * MIB, 0)
    torch.cuda.change(-10 * MIB, 0)
    found = trace("a = [torch.empty(5000), torch.empty(10)][1]", torch=torch)
    assert [(each.peak, each.is_bound) for each in found.device_costs] == [(5010, True)]
    assert sum("--gpu exact" in note for note in found.notes) == 1


@by_line
def test_exact_measures_it_and_resets_the_counter(torch: Any) -> None:
    torch.cuda.change(10 * MIB, 0)
    torch.cuda.change(-10 * MIB, 0)
    found = trace("torch.empty(5000)\na = torch.empty(10)", gpu="exact", torch=torch)
    assert costs(found) == [(1, 1, 5000, 0, 5000), (2, 1, 10, 10, 10)]
    assert torch.cuda.resets > 0 and not any("--gpu exact" in note for note in found.notes)


@by_line
def test_a_lines_costs_include_the_functions_it_calls(torch: Any) -> None:
    source = "def f():\n    t = torch.empty(2000)\n    return torch.empty(500)\nx = f()\ny = 0"
    assert costs(trace(source, torch=torch)) == [
        (2, 1, 2000, 2000, 2000),
        (3, 1, 500, 500, 500),  # t dies after the return: line 4 gave it back
        (4, 1, 2500, 500, 2500),
    ]


@by_line
def test_recursion_counts_every_byte_once(torch: Any) -> None:
    source = "def f(n):\n    t = torch.empty(100)\n    return f(n - 1) if n else 0\nx = f(9)"
    found = {each.line: each for each in trace(source, torch=torch).device_costs}
    assert [found[line].gross for line in (2, 3, 4)] == [1000, 900, 1000] and found[4].peak == 1000


@by_line
def test_a_loop_has_its_hits(torch: Any) -> None:
    found = trace("for k in range(5):\n    a = torch.empty(100)", torch=torch)
    assert (2, 5, 200, 100, 500) in costs(found) or (2, 5, 100, 100, 500) in costs(found)


@by_line
def test_hot_lines_are_left_alone_and_no_byte_is_lost(torch: Any) -> None:
    found = trace("kept = []\nfor k in range(3000):\n    kept.append(torch.empty(10))", torch=torch)
    assert sum(each.net for each in found.device_costs) == 30_000
    assert torch.cuda.looks < 5000
    assert sum("1,000 times were left alone" in note for note in found.notes) == 1


@by_line
def test_an_exception_does_not_leave_a_line_running(torch: Any) -> None:
    function = "def f():\n    t = torch.empty(700)\n    1 / 0\n"
    source = function + "try:\n    f()\nexcept ZeroDivisionError:\n    pass\na = torch.empty(5)"
    found = {each.line: each for each in trace(source, torch=torch).device_costs}
    assert found[8].net == 5 and 5 not in [found[line].gross for line in found if line != 8]


@by_line
def test_a_cuda_error_ends_the_books_in_one_sentence(torch: Any) -> None:
    found = trace("a = torch.empty(10)\ntorch.cuda.broken = True\nb = torch.empty(10)\nc = 1", torch=torch)
    assert [note for note in found.notes if "illegal memory access" in note] == [
        "torch could not be asked to the end (CUDA error: an illegal memory access was encountered)."
    ]


@by_line
def test_two_devices_of_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    module: Any = libraries.torch(devices=2)
    monkeypatch.setitem(sys.modules, "torch", module)
    found = trace("a = torch.empty(100); b = torch.empty(200, device=1)", torch=module)
    assert [(each.device, each.net) for each in found.device_costs] == [(1, 200), (0, 100)]


def test_without_line_events_it_is_by_statement(torch: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(borders, "make", lambda books, followed: borders.NoBorders())
    source = "a = torch.empty(1000)\nfor k in range(3):\n    b = torch.empty(100)\n\ndel a"
    found = trace(source, torch=torch)
    assert [row[:1] + row[3:] for row in costs(found)] == [(1, 1000, 1000), (2, 100, 300), (5, -1000, 0)]
    assert any("by statement" in note for note in found.notes)


def test_both_libraries_share_a_curve(cupy: Any, torch: Any) -> None:
    found = trace("a = cupy.empty(1000)\nb = torch.empty(500)\nc = 1", cupy=cupy, torch=torch)
    assert found.device_timeline[1][-1] == 1500
    assert {each.library for each in found.device_costs} == {"CuPy", "torch"}


def test_costs_are_saved_and_loaded(cupy: Any, tmp_path: Any) -> None:
    found = trace("a = cupy.empty(1000)", cupy=cupy)
    again = npmem_magic.load(found.save(tmp_path / "t.json"))
    assert (
        again.device_costs
        == found.device_costs
        == (DeviceCost("CuPy", 0, "<cell>", 1, "cupy.empty(1000)", 1, 1000, 1000, 1000),)
    )
    assert found.to_pandas("device_costs").peak.tolist() == [1000]


# float64 on its way to a device


class CupyArray(libraries.DeviceArray):
    """An array with as much of CuPy's face as is looked at."""

    __module__ = "cupy"

    def __init__(self, nbytes: int, dtype: str) -> None:
        super().__init__(nbytes)
        self.dtype = dtype
        self.data = types.SimpleNamespace(mem=types.SimpleNamespace(ptr=self.pointer))


class TorchTensor:
    """A tensor with as much of torch's face as is looked at."""

    __module__ = "torch"
    dtype, is_cuda = "torch.float64", True

    def element_size(self) -> int:
        return 8

    def nelement(self) -> int:
        return MIB

    def to(self, where: str) -> TorchTensor:
        return self


def test_float64_that_goes_to_the_device_names_its_line_and_what_float32_saves(cupy: Any) -> None:
    cupy.asarray = lambda x, dtype="float64": CupyArray(len(x) * 8, dtype)
    found = trace("x = [0.0] * 2**20\ny = cupy.asarray(x)\nz = cupy.asarray(x, dtype='float32')", cupy=cupy)
    (advice,) = found.advice
    assert (advice.rule, advice.line, advice.saving, advice.keeps) == ("float32-on-gpu", 2, 4 * MIB, "ask")
    assert (advice.before, advice.after) == ("cupy.asarray(x)", "cupy.asarray(x, dtype=cupy.float32)")
    assert "dtype=cupy.float32" in found.apply(advice)


def test_a_tensor_is_narrowed_before_it_is_sent(torch: Any) -> None:
    found = trace('t = host.to("cuda")', host=TorchTensor())
    (advice,) = found.advice
    assert (advice.before, advice.after) == ('host.to("cuda")', "host.float().to('cuda')")
    assert advice.saving == 4 * MIB


def test_what_is_small_or_gone_or_was_there_before_is_left_alone(cupy: Any) -> None:
    cupy.asarray = lambda x, dtype="float64": CupyArray(len(x) * 8, dtype)
    small = "y = cupy.asarray([0.0] * 1000)"
    gone = "y = cupy.asarray([0.0] * 2**20)\ndel y"
    computed = "y = make()"
    before = CupyArray(8 * MIB, "float64")
    for source in (small, gone, computed, "z = before"):
        made = trace(source, cupy=cupy, before=before, make=lambda: CupyArray(8 * MIB, "float64"))
        assert made.advice == (), source


# Curves


def test_a_long_curve_stays_small_and_keeps_its_extremes() -> None:
    steps = Steps()
    for at in range(10 * MOST):
        steps.change(at, 1 if at != 5 * MOST + 3 else 10**9)
        if at == 5 * MOST + 3:
            steps.change(at, -(10**9))
    times, levels = steps.curve(0)
    assert len(times) <= MOST and levels.max() == steps.peak and levels[-1] == steps.level


def test_the_sum_of_two_curves() -> None:
    def curve(*points: tuple[int, int]) -> tuple[Any, Any]:
        return np.array([p[0] for p in points]), np.array([p[1] for p in points])

    times, levels = merged([curve((1, 10), (5, 0)), curve((3, 7))])
    assert times.tolist() == [1, 3, 5] and levels.tolist() == [10, 17, 7]
    assert merged([curve((1, 2))])[1].tolist() == [2] and len(merged([])[0]) == 0


def test_a_module_that_is_being_imported_is_not_there_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("torch")
    module.__spec__ = types.SimpleNamespace(_initializing=True)  # type: ignore[assignment]
    monkeypatch.setitem(sys.modules, "torch", module)
    assert torch_books.loaded("torch") is None
