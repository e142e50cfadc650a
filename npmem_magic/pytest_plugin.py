"""Budgets in tests: ``@pytest.mark.max_numpy_peak("3x")`` and the fixture ``memtrace``, found by pytest by itself.

A budget is a size (``"500MB"``, ``2_000_000``) or a multiple of the inputs (``"3x"``): absolute ones rot, for the next
who doubles the test's image has to guess what the number meant.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from . import budgets
from .cell import Call
from .follow import find_function, function_of
from .host import NpmemError
from .record import Options, Recording, record
from .render import text
from .trace import Trace

MARKER = "max_numpy_peak"
_HELP = (
    f'{MARKER}(size, follow=()): fail the test when its peak of NumPy memory is above size: "500MB", bytes, or "3x", '
    "times the bytes of the arrays that it gets from fixtures or reads as globals. `follow` names further functions "
    "whose lines are to be told; those of the project's own files are."
)


@dataclass(frozen=True)
class Measured:
    """One call under `memtrace`: what it returned, its trace, and the bytes of the arrays that it was given."""

    value: Any
    trace: Trace
    given: int

    @property
    def peak(self) -> int:
        """Bytes above the start, exact."""
        return self.trace.peak

    @property
    def ratio(self) -> float:
        """The peak as a multiple of the bytes given; infinite when none were."""
        return self.trace.peak / self.given if self.given else float("inf")


class Measure:
    """What the fixture `memtrace` is: call it with a function and its arguments."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def __call__(
        self,
        func: Callable[..., Any],
        *args: Any,
        max_peak: str | int = "",
        follow: Iterable[str] = (),
        **kwargs: Any,
    ) -> Measured:
        """Call ``func(*args, **kwargs)`` and say what it took; what it raises is raised.

        Raises
        ------
        PeakOverBudget
            When its peak is above `max_peak`, bytes or a multiple such as ``"3x"`` of the arrays it is given or reads.
        """
        __tracebackhide__ = True
        function = function_of(func)
        read = budgets.globals_of(function) if function is not None else []
        given = budgets.bytes_of([*args, *kwargs.values(), *read])
        recording = _record(func, args, kwargs, self._root, follow, _bytes(max_peak, given))
        if recording.error is not None:
            raise recording.error
        return Measured(recording.outcome.value, recording.trace, given)


@pytest.fixture
def memtrace(request: pytest.FixtureRequest) -> Measure:
    """Measures calls: ``run = memtrace(smooth, image, max_peak="3x")``; then `run.value`, `run.peak`, `run.ratio`."""
    return Measure(request.config.rootpath)


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", _HELP)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Run a marked test measured, whatever kind of test it is."""
    marker = item.get_closest_marker(MARKER)
    if marker is None:
        return (yield)
    run = item.runtest
    setattr(item, "runtest", lambda: _run_marked(item, run, marker))  # noqa: B010  # mypy forbids the plain form
    try:
        return (yield)
    finally:
        delattr(item, "runtest")


def _run_marked(item: pytest.Item, run: Callable[[], None], marker: pytest.Mark) -> None:
    __tracebackhide__ = True
    try:
        recording = _recorded(item, run, *marker.args, **marker.kwargs)
    except (NpmemError, TypeError) as error:  # of the marker, or of what can be measured here: the test has not run
        pytest.fail(f"@pytest.mark.{MARKER}: {error}", pytrace=False)
    if recording.outcome.error is not None:
        raise recording.outcome.error
    if recording.error is not None:
        item.add_report_section("call", "NumPy memory", text(recording.trace))
        pytest.fail(str(recording.error), pytrace=False)


def _recorded(item: pytest.Item, run: Callable[[], None], size: str | int, follow: Iterable[str] = ()) -> Recording:
    """The test, run; `size` and `follow` are the marker's."""
    function = function_of(getattr(item, "obj", None))
    values = [*getattr(item, "funcargs", {}).values(), getattr(item, "instance", None)]
    given = budgets.bytes_of([*values, *(budgets.globals_of(function) if function is not None else [])])

    def run_test() -> None:
        __tracebackhide__ = True
        run()

    names = getattr(item, "funcargs", {})
    return _record(run_test, (), {}, item.config.rootpath, follow, _bytes(size, given), names)


def _bytes(size: str | int, given: int) -> str:
    return "" if size == "" else str(budgets.resolve(str(size), lambda: given))


def _record(
    func: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    root: Path,
    follow: Iterable[str],
    budget: str,
    names: Mapping[str, object] | None = None,
) -> Recording:
    call = Call.from_callable(func, args, kwargs or None, [find_function(name, {}) for name in follow])
    codes = tuple(code for code in call.followed_codes if code.co_filename != __file__)
    call = replace(call, followed_files=call.followed_files | _own_files(root), followed_codes=codes)
    return record(call, names or {}, Options(sampler="off", max_peak=budget))


def _own_files(root: Path) -> frozenset[str]:
    """The files below `root` that modules were loaded from, installed packages left out."""
    files = {vars(module).get("__file__") for module in list(sys.modules.values()) if hasattr(module, "__dict__")}
    return frozenset(
        file for file in files if isinstance(file, str) and _is_below(file, str(root)) and "site-packages" not in file
    )


def _is_below(file: str, root: str) -> bool:
    return file.startswith(root.rstrip("/\\") + ("\\" if "\\" in root else "/"))
