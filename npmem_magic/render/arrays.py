"""describe(arrays) -> Sheet: every array, whose its bytes are, who holds them, and what would fit."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..arrays import UNNAMED, ArrayInfo, Fit, distinct_bytes
from ..sizes import human
from .sheet import Column, Entry, Sheet, Table

ROWS = 40
_ALIKE = 4  # arrays of one container, alike, from which on they are told as one
_HELD = 6  # holders that are named
_PINNED = 4  # times its own bytes that a view keeps alive, from which on this is said
_WORTH = 1024  # bytes below which what would fit is not worth a line
_LONG = 16  # characters of a name in words from which on it is said below the row as well
_ITEM = re.compile(r"\[[^\[\]]*\]$")
COLUMNS = (
    Column("array", is_code=True, gives=True), Column("dtype", gives=True), Column("shape", gives=True),
    Column("bytes", ">"), Column("", ">"), Column("order", gives=True),
)  # fmt: skip


@dataclass(frozen=True)
class Device:
    """A GPU: its name, its bytes, and those that are free."""

    name: str
    total: int
    free: int


def describe(infos: Sequence[ArrayInfo], devices: Sequence[Device] | None = None, what: str = "") -> Sheet:
    """The report on the arrays of a namespace; with `devices` also whether they would fit there."""
    if not infos:
        return Sheet("dtypeinfo", "No array was found", f" {what or 'among the names'}.")
    total = distinct_bytes(infos)
    count = len({info.buffer for info in infos if info.buffer})
    facts = [f"{count:,} buffers, each counted once" if count != 1 else "1 buffer"]
    saving = sum(_lossless(info) for info in infos)
    if saving >= _WORTH:
        facts.append(f"{human(saving)} less would hold every value")
    pinned = sum(info.pinned_nbytes - info.nbytes for info in infos if info.owner == UNNAMED and _pins(info))
    if pinned:
        facts.append(f"{human(pinned)} live only because a small view looks into them")
    on_device = distinct_bytes(infos, on_device=True)
    if on_device:
        facts.append(f"{human(on_device)} on a GPU")
    return Sheet(
        kind="dtypeinfo",
        amount=f"{human(total)} in {len(infos):,} array{'s' if len(infos) != 1 else ''}",
        rest=f" {what}" if what else "",
        facts=(*facts, *_on_devices(total, devices)),
        pieces=(table(infos, total=total),),
        notes=_notes(infos),
    )


def _on_devices(total: int, devices: Sequence[Device] | None) -> list[str]:
    if devices is None:
        return []
    if not devices:
        return ["no GPU was found"]
    return [
        f"all of it {'fits' if total <= device.free else 'does not fit'} on {device.name} "
        f"({human(device.free)} of {human(device.total)} free)"
        for device in devices
    ]


def _lossless(info: ArrayInfo) -> int:
    """Bytes that go without any value changing."""
    exact = [fit.saved for fit in info.tried if fit.is_exact and fit.part == 1.0]
    contents = info.contents.saved if info.contents is not None else 0
    return max([0, contents, *exact])


def table(infos: Sequence[ArrayInfo], title: str = "", total: int | None = None) -> Table:
    """One row an array; many alike of one container as one."""
    rows = _grouped(infos)
    most = max((info.nbytes for info, _ in rows if not _is_view(info)), default=0) or 1
    entries = [_entry(info, count, most) for info, count in rows[:ROWS]]
    if len(rows) > ROWS:
        rest = sum(info.nbytes * count for info, count in rows[ROWS:])
        words = (f"{len(rows) - ROWS} more", "", "", f"{rest:,}", human(rest), "")
        entries.append(Entry(words, is_quiet=True))
    last = ("distinct", "", "", f"{total:,}", human(total), "") if total is not None else ()
    return Table(title, COLUMNS, tuple(entries), bar_at=3, total=last)


def _is_view(info: ArrayInfo) -> bool:
    """Whether its bytes are another row's: a view of all of an array without a name stands for that array."""
    return bool(info.owner) and not (info.owner == UNNAMED and info.pinned_nbytes <= info.nbytes)


def _grouped(infos: Sequence[ArrayInfo]) -> list[tuple[ArrayInfo, int]]:
    groups: dict[tuple[object, ...], list[ArrayInfo]] = {}
    for info in infos:
        container = _ITEM.sub("", info.name)
        alike = (
            (container, str(info.dtype), info.shape, info.order, info.owner) if container != info.name else (info.name,)
        )
        groups.setdefault(alike, []).append(info)
    found: list[tuple[ArrayInfo, int]] = []
    for members in groups.values():
        if len(members) < _ALIKE:
            found += [(member, 1) for member in members]
        else:
            name = f"{_ITEM.sub('', members[0].name)}[…], {len(members):,} arrays"
            tried = _together(members)
            found.append((replace(members[0], name=name, holders=(), tried=tried, contents=None), len(members)))
    return found


def _together(members: Sequence[ArrayInfo]) -> tuple[Fit, ...]:
    """What would fit all of several arrays: nothing is said where it differs between them."""
    exact = {member.smallest_dtype for member in members}
    if len(exact) != 1 or None in exact:
        return ()
    return tuple(
        replace(fit, saved=fit.saved * len(members))
        for fit in members[0].tried
        if fit.dtype == members[0].smallest_dtype
    )


def _entry(info: ArrayInfo, count: int, most: int) -> Entry:
    nbytes = info.nbytes * count
    shape = "×".join(f"{side:,}" for side in info.shape) or "()"
    cells = (
        info.name,
        dtype_name(info.dtype),
        shape,
        f"{nbytes:,}",
        human(nbytes) if nbytes >= 1024 else "",
        info.order,
    )
    share = 0.0 if _is_view(info) else min(1.0, nbytes / most)
    said = (
        (info.name,) if len(info.name) > _LONG and " " in info.name and "…" not in info.name else ()
    )  # it is clipped in a narrow table
    return Entry(cells, (*said, *details(info)), share=share, is_quiet=_is_view(info) and not _pins(info))


def dtype_name(dtype: np.dtype[np.generic] | str) -> str:
    """A dtype in a word or two; a structured one by its fields."""
    if isinstance(dtype, str):
        return dtype
    if dtype.names is not None:
        return f"{{{', '.join(dtype.names)}}}"
    swapped = "" if dtype.isnative else " swapped"
    return f"{dtype.newbyteorder('=')}{swapped}"


def details(info: ArrayInfo) -> list[str]:
    """What there is to say below the row."""
    found = []
    if info.kind != "numpy":
        found.append(info.kind)
    if _is_view(info):
        found.append(_viewed(info))
    if info.holders:
        more = len(info.holders) - _HELD
        found.append(f"also held by {', '.join(info.holders[:_HELD])}{f' and {more} more' if more > 0 else ''}")
    found += list(info.flags)
    found += [info.note] if info.note else []
    lines = [" · ".join(found)] if found else []
    return lines + _fit_lines(info) + _content_lines(info)


def _viewed(info: ArrayInfo) -> str:
    words = f"view of {info.owner}"
    return f"{words}: {human(info.nbytes)} of it pin {human(info.pinned_nbytes)}" if _pins(info) else words


def _pins(info: ArrayInfo) -> bool:
    """Whether a view keeps much more alive than it shows."""
    return info.pinned_nbytes > _PINNED * max(1, info.nbytes) and info.pinned_nbytes - info.nbytes >= _WORTH


def _fit_lines(info: ArrayInfo) -> list[str]:
    worth = [fit for fit in info.tried if fit.saved >= _WORTH]
    exact = sorted((fit for fit in worth if fit.is_exact), key=lambda fit: -fit.saved)
    lossy = [fit for fit in worth if not fit.is_exact]
    best = exact[0].saved if exact else 0
    lines = [_sentence(fit) for fit in exact[:1]]
    return lines + [_sentence(fit) for fit in lossy if fit.saved > best and not fit.overflow]


def _sentence(fit: Fit) -> str:
    seen = "" if fit.part >= 1.0 else f" (sampled: {fit.part:.2%} of the values)"
    if fit.is_exact:
        return f"{fit.dtype} holds every value, saves {human(fit.saved)}{seen}"
    words = (
        f"{fit.dtype} would save {human(fit.saved)}, off by at most {fit.relative:.1g} (relative), {fit.absolute:.2g}"
    )
    if fit.subnormal:
        words += f"; {fit.subnormal:,} values below its normal range"
    if fit.integers_lost:
        words += "; whole numbers stop being exact"
    return words + seen


def _content_lines(info: ArrayInfo) -> list[str]:
    contents = info.contents
    if contents is None:
        return []
    words = []
    if contents.true_bytes > info.nbytes:
        words.append(f"{human(contents.true_bytes)} with the objects")
    if contents.remark:
        words.append(contents.remark)
    if contents.holds and contents.saved >= _WORTH:
        words.append(f"{contents.holds} would save {human(contents.saved)}")
    if contents.part < 1.0 and words:
        words.append(f"sampled: {contents.part:.2%} of the values")
    return [" · ".join(words)] if words else []


def _notes(infos: Sequence[ArrayInfo]) -> tuple[str, ...]:
    if any(fit.part < 1.0 for info in infos for fit in info.tried):
        return ("Not every value was looked at: 1 GiB of values in all, samples beyond, float16 on a million values.",)
    return ()
