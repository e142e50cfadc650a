"""describe(memsize) -> Sheet: what an array would take, whether it fits, and how to work in pieces."""

from __future__ import annotations

import math

from ..sizes import human
from ..sizing import MemSize, Part
from .sheet import Column, Entry, Piece, Sheet, Snippet, Table

_BLOW_UP = 8  # times the bytes of all that is read, from which on the growth is named


def describe(size: MemSize) -> Sheet:
    """The report as data."""
    exact = f"{size.nbytes:,} bytes" + (f" = {human(size.nbytes, 2)}" if size.nbytes >= 1024 else "")
    shape = " × ".join(f"{side:,}" for side in size.shape) or "no dimension"
    return Sheet(
        kind="memsize",
        amount=exact,
        rest=f" for {shape} {size.dtype}{_blow_up(size)}",
        facts=(f"{_count(size.size)} elements", *_room(size)),
        pieces=tuple(_pieces(size)),
        notes=tuple(f"Upper bound. {note}." for note in size.notes),
    )


def _count(number: int) -> str:
    power = len(str(number)) - 1
    return f"10^{power}" if power >= 9 and number == 10**power else f"{number:,}"


def _read(size: MemSize) -> list[Part]:
    """The arrays that an expression reads: the names in it."""
    return [part for part in size.parts if part.source.isidentifier()]


def _blow_up(size: MemSize) -> str:
    read = _read(size)
    total = sum(part.nbytes for part in read)
    if not read or size.nbytes < _BLOW_UP * total:
        return ""
    count = {1: "one array", 2: "two arrays", 3: "three arrays"}.get(len(read), f"{len(read)} arrays")
    each = {human(part.nbytes) for part in read}
    of = f" of {each.pop()}" + (" each" if len(read) > 1 else "") if len(each) == 1 else f" of {human(total)} together"
    return f", {_count(size.size)} elements from {count}{of}"


def _room(size: MemSize) -> list[str]:
    room = size.memory
    whole = f"the container's {human(room.total)}" if room.limited_by == "cgroup" else f"{human(room.total)} RAM"
    need = size.nbytes + size.new_bytes
    verdict = "fits" if size.fits else "does not fit"
    more = f" with {human(size.new_bytes)} for what is made on the way" if size.new_bytes else ""
    found = [f"{verdict}{more}: {human(room.free)} of {whole} free"]
    for name, total, free in size.devices:
        verdict = "fits" if need <= free else "does not fit"
        found.append(f"{verdict} on {name}: {human(free)} of {human(total)} free")
    return found


def _pieces(size: MemSize) -> list[Piece]:
    found: list[Piece] = []
    if len(size.parts) > 1:
        found.append(_expression(size))
    found.append(_dtypes(size))
    if size.chunks is not None:
        chunks = size.chunks
        what = "rows" if chunks.whole_rows else "elements"
        title = (
            f"In pieces of {human(chunks.budget)}: {chunks.rows:,} {what} at a time, {chunks.count:,} pieces of "
            f"{human(chunks.nbytes)}"
        )
        found.append(Snippet(title, size.snippet))
    return found


def _expression(size: MemSize) -> Table:
    most = max(part.nbytes for part in size.parts) or 1
    entries = [
        Entry(
            (
                part.source,
                "×".join(map(str, part.shape)) or "()",
                str(part.dtype),
                f"{part.nbytes:,}",
                human(part.nbytes),
            ),
            share=part.nbytes / most,
            is_strong=part.nbytes == most,
        )
        for part in size.parts
    ]
    columns = (
        Column("expression", is_code=True, gives=True), Column("shape"), Column("dtype"), Column("bytes", ">"),
        Column("", ">"),
    )  # fmt: skip
    return Table("Worked out on its parts, nothing was allocated", columns, tuple(entries), bar_at=3)


def _dtypes(size: MemSize) -> Table:
    rows = []
    for names, nbytes in size.by_dtype:
        fits = "yes" if nbytes <= size.memory.free else "no"
        on_devices = tuple("yes" if nbytes <= free else "no" for _, _, free in size.devices)
        is_own = str(size.dtype) in names.split(", ")
        rows.append(Entry((names, f"{nbytes:,}", human(nbytes, 2), fits, *on_devices), is_strong=is_own))
    devices = tuple(Column(f"GPU {at}") for at, _ in enumerate(size.devices))
    columns = (Column("dtype", is_code=True), Column("bytes", ">"), Column("", ">"), Column("fits"), *devices)
    itemsize = size.nbytes // math.prod(size.shape) if math.prod(size.shape) else size.dtype.itemsize
    remark = "" if itemsize == size.dtype.itemsize else "of several arrays"
    return Table("The same shape in other dtypes", columns, tuple(rows), remark=remark)
