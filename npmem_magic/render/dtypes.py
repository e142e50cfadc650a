"""describe(inspection) -> Sheet: what a cell did to dtypes."""

from __future__ import annotations

from collections.abc import Sequence

from ..arrays import distinct_bytes
from ..inspection import Crosswise, Inspection
from ..sizes import human, human_seconds
from ..trace import CELL
from ..upcasts import Growth
from . import arrays
from .arrays import Device
from .sheet import Change, Column, Entry, Piece, Sheet, Table

GROWTHS = 12


def describe(inspection: Inspection, devices: Sequence[Device] | None = None, unmet: Sequence[str] = ()) -> Sheet:
    """The report as data; `unmet` are the sentences on what was expected and is not so."""
    made = inspection.arrays
    total = distinct_bytes(made)
    count = f"{len(made):,} array{'s' if len(made) != 1 else ''} made or changed"
    extra = sum(growth.extra * _hits(growth, inspection) for growth in inspection.growths)
    grew = f"; dtypes grew in {_times(len(inspection.growths), 'expression')}" if inspection.growths else ""
    rest = f"{f', {human(total)}' if total else ''}{grew}{f', {human(extra)} more than needed' if extra else ''}"
    trace = inspection.trace
    facts = (
        [f"peak {human(trace.peak)}", human_seconds(trace.seconds)] if trace.peak else [human_seconds(trace.seconds)]
    )
    sheet = arrays.describe(made, devices) if made else None
    pieces: list[Piece] = []
    if inspection.growths:
        pieces += _growths(inspection)
    if inspection.mishaps:
        pieces.append(_mishaps(inspection))
    pieces += map(_crosswise, inspection.crosswise)
    if made:
        pieces.append(arrays.table(made, "Arrays made or changed", total=total))
    return Sheet(
        kind="dtypeinfo",
        amount=count,
        rest=rest + ".",
        facts=(*facts, *(sheet.facts if sheet is not None else ())),
        error=" ".join(unmet) or _error(inspection),
        pieces=tuple(pieces),
        notes=(*inspection.notes, *(sheet.notes if sheet is not None else ())),
    )


def _times(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' if number != 1 else ''}"


def _error(inspection: Inspection) -> str:
    error = inspection.trace.error
    where = f" on line {inspection.trace.error_line}" if inspection.trace.error_line else ""
    return f"Stopped{where} by {error}; the report covers the run up to there." if error else ""


def _hits(growth: Growth, inspection: Inspection) -> int:
    """How often the growth's line ran."""
    costs = (cost.hits for cost in inspection.trace.lines if cost.line == growth.line and _fits(cost.function, growth))
    return max(1, next(costs, 1))


def _fits(function: str, growth: Growth) -> bool:
    return function == growth.function or function.split(".")[-1].startswith(growth.function)


def _growths(inspection: Inspection) -> list[Piece]:
    found: list[Piece] = []
    for growth in inspection.growths[:GROWTHS]:
        where = f"line {growth.line}" if growth.function == CELL else f"in {growth.function}, line {growth.line}"
        hits = _hits(growth, inspection)
        bytes_ = f", {human(growth.extra)} more" if growth.extra else ""
        runs = f" each time, {hits:,} times" if hits > 1 and growth.extra else ""
        operands = ", ".join(f"{each.source} is {each.dtype}" for each in growth.operands if each.source != each.dtype)
        found.append(
            Change(
                f"{where} grew to {growth.result}{bytes_}{runs}",
                growth.source,
                growth.after,
                f"{operands}. {growth.rule}",
            )
        )
    if len(inspection.growths) > GROWTHS:
        found.append(Change(f"and {_times(len(inspection.growths) - GROWTHS, 'further expression')}", "", ""))
    return found


def _mishaps(inspection: Inspection) -> Table:
    entries = [
        Entry((str(each.line), f"{_in(each.function)}{each.what}", f"×{each.count:,}"), (each.source,))
        for each in inspection.mishaps
    ]
    columns = (Column("line", ">"), Column("what happened", gives=True), Column("times", ">"))
    return Table("Numeric accidents", columns, tuple(entries))


def _in(function: str) -> str:
    return "" if function == CELL else f"in {function}: "


def _crosswise(found: Crosswise) -> Change:
    return Change(
        f"line {found.line} runs against the order of {found.array} ({found.order})",
        "",
        "",
        f"{found.source} took {human_seconds(found.slow_ns / 1e9)} on a sample of {human(found.sample)}, and "
        f"{human_seconds(found.fast_ns / 1e9)} in the other order. {found.other}({found.array}) takes "
        f"{human(found.price)} once.",
    )
