"""Device memory by the array libraries' own books: CuPy's hook, torch's statistics. Only what the user has imported."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from types import CodeType

from ..cell import Cell, Work
from ..folds import UNPLACED, Run, as_written
from ..syntax import CELL
from ..trace import Advice, Curve, DeviceCost
from . import borders, float64
from .cupy_books import CupyBooks, Site
from .steps import merged
from .torch_books import TorchBooks, loaded, usable

_OTHER_THREADS = "CuPy's allocations are those of the cell's own thread: its hooks are per thread."
_STATEMENTS = "Before Python 3.12 torch's bytes are told by statement of the cell, not by line."
_LEFT = (
    f"Lines that ran more than {borders.LIMIT:,} times were left alone; what torch took there later is charged to the "
    "lines around."
)
_BOUNDS = (
    "torch's figures marked ≤ are upper bounds: the line allocated and freed, and torch's highest level lay elsewhere. "
    "--gpu exact measures them, and resets torch's own peak counter for it."
)


class Books:
    """Of both libraries, for one run that is at its statement number `at`."""

    def __init__(self, work: Work, is_exact: bool, at: int) -> None:
        self._work = work
        self._files = work.followed_files | ({work.filename} if isinstance(work, Cell) else set())
        self._codes = frozenset(map(id, work.followed_codes))
        self._cupy: CupyBooks | None = None
        self._torch = TorchBooks(is_exact)
        self._borders = borders.make(self._torch, self._is_followed)
        self._by_statement = False
        self._statements = iter(_statement_lines(work)[at:])

    def _is_followed(self, code: CodeType) -> bool:
        return code.co_filename in self._files or id(code) in self._codes

    def between(self) -> None:
        """Before a statement: take up a library that is there by now."""
        line = next(self._statements, 0)
        cupy, torch = loaded("cupy"), loaded("torch")
        if self._cupy is None and hasattr(getattr(cupy, "cuda", None), "MemoryHook"):
            self._cupy = CupyBooks(self._is_followed)
            self._cupy.start(cupy)
        if not self._torch.is_running and usable(torch):
            self._torch.start(torch)
            self._by_statement = not self._borders.start()
        if self._by_statement:
            self._torch.begin(0, (self._work.filename, line))

    def stop(self) -> None:
        """Leave every hook; to be called whatever happened."""
        self._borders.stop()
        self._torch.stop()
        if self._cupy is not None:
            self._cupy.stop()

    def advice(self, namespace: Mapping[str, object], run: Run) -> tuple[Advice, ...]:
        """Where float64 was sent to a device that float32 would take half of."""
        return float64.advice(namespace, run, self._cupy)

    def costs(self, run: Run, started: int) -> tuple[tuple[DeviceCost, ...], tuple[Curve, Curve], tuple[str, ...]]:
        """What was taken by place, largest peak first; the step curve of both libraries; and what is to be said."""
        cupy = list(_of_cupy(self._cupy, run)) if self._cupy else []
        torch = list(_of_torch(self._torch, run))
        found = sorted((*cupy, *torch), key=lambda cost: (-cost.peak, -cost.gross, cost.line))
        books = [each.steps.curve(started) for each in (self._cupy, self._torch) if each]
        notes = [_OTHER_THREADS] if cupy else []
        notes += [_STATEMENTS] if torch and self._by_statement else []
        notes += [_LEFT] if torch and self._borders.left_alone else []
        notes += [_BOUNDS] if any(cost.is_bound for cost in torch) else []
        notes += [f"torch could not be asked to the end ({self._torch.trouble})."] if self._torch.trouble else []
        return tuple(found), merged(books), tuple(notes)


def _statement_lines(work: Work) -> list[int]:
    """The first line of each statement that `Work.run` announces."""
    if not isinstance(work, Cell):
        return [work.first_line]
    lines = []
    for tree, _ in work.steps:
        node = next((each for each in ast.walk(tree) if isinstance(each, ast.stmt | ast.expr)), None)
        lines.append(node.lineno if node is not None else 0)
    return lines


def _of_cupy(books: CupyBooks, run: Run) -> Iterator[DeviceCost]:
    merged_sites: dict[tuple[str, int, int, int, int, int], list[Site]] = {}
    for site in books.sites.values():
        filename = site.code.co_filename if site.code else ""
        merged_sites.setdefault((filename, *site.place, site.device), []).append(site)
    for (filename, line, col, end_line, end_col, device), sites in merged_sites.items():
        source = run.text(filename).expression(line, col, end_line, end_col) if line else UNPLACED
        yield DeviceCost(
            library="CuPy",
            device=device,
            function=function_at(run, filename, line),
            line=line,
            source=_written(run, filename, line) or source,
            hits=sum(site.hits for site in sites),
            peak=max(site.peak for site in sites),
            net=sum(site.live for site in sites),
            gross=sum(site.gross for site in sites),
        )


def _of_torch(books: TorchBooks, run: Run) -> Iterator[DeviceCost]:
    for (filename, line, device), took in books.lines.items():
        if took.gross or took.net:
            source = _written(run, filename, line) or run.text(filename).line(line).strip()
            yield DeviceCost(
                "torch", device, function_at(run, filename, line), line, source, took.hits, took.peak, took.net,
                took.gross, took.is_bound,
            )  # fmt: skip


def _written(run: Run, filename: str, line: int) -> str:
    """A magic's line as the user wrote it; empty for any other line."""
    return as_written(run.work).get(line, "").strip() if filename == run.work.filename else ""


def function_at(run: Run, filename: str, line: int) -> str:
    """The name of the function that a line belongs to, as the report has it."""
    if not line:
        return ""
    is_own = filename == run.work.filename
    span = run.text(filename).span_of(line, with_head=not is_own)
    return span.name if span else CELL if is_own else "<lambda>"
