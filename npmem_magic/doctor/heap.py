"""The C library's allocator: what it is, what it holds, and what it would give back."""

from __future__ import annotations

import ctypes
import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..buffers import named_buffers
from ..record import gauges
from .facts import Heap

_OTHERS = ("jemalloc", "tcmalloc", "mimalloc", "hoard", "snmalloc")


class _MallInfo(ctypes.Structure):
    """What glibc's ``mallinfo2()`` answers, over all of its arenas; bytes but for the counts."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            "arena", "free_chunks", "fast_chunks", "mapped_chunks", "mapped", "unused", "fast_free", "in_use", "free",
            "top_free",
        )
    ]  # fmt: skip


def heap(namespace: Mapping[str, object], trim: bool = False, maps: Path = Path("/proc/self/maps")) -> Heap:
    """The allocator as it is now; with `trim` after it gave back what it could."""
    library = _library()
    preloaded = _preloaded(maps)
    released = _trim(library) if trim and not preloaded else None
    in_use, kept = (None, None) if preloaded else _books(library)
    return Heap(
        name=preloaded or _name(),
        resident=gauges.resident(),
        arrays=sum(nbytes for _, nbytes in named_buffers(namespace).values()),
        in_use=in_use,
        kept=kept,
        released=released,
        preloaded=preloaded,
    )


def _library() -> Any:
    """The C library of this process; None on Windows, which has another way to its own."""
    return None if os.name == "nt" else ctypes.CDLL(None)


def _name() -> str:
    name, version = platform.libc_ver()
    if name:
        return f"{name} {version}"
    return {"Darwin": "macOS", "Windows": "the Windows heap"}.get(platform.system(), "musl or another C library")


def _preloaded(maps: Path) -> str:
    """The allocator that stands in for the C library's; empty when none does."""
    try:
        text = maps.read_text(encoding="utf-8", errors="replace")
    except OSError:  # not Linux
        text = os.environ.get("LD_PRELOAD", "") + os.environ.get("DYLD_INSERT_LIBRARIES", "")
    files = {Path(line.split()[-1]).name for line in text.splitlines() if "/" in line}
    return next((name for name in _OTHERS if any(file.startswith(f"lib{name}") for file in files)), "")


def _books(library: Any) -> tuple[int | None, int | None]:
    """Bytes that malloc has given out, and bytes freed that it keeps; None where it does not tell."""
    tell = getattr(library, "mallinfo2", None)
    if tell is None:  # the older one counts in int, which 2 GiB overflow
        return None, None
    tell.restype = _MallInfo
    found = tell()
    return int(found.in_use + found.mapped), int(found.free)


def _trim(library: Any) -> int | None:
    """Bytes that the resident set fell by; None where there is no such call."""
    trim = getattr(library, "malloc_trim", None)
    if trim is None:
        return None
    before = gauges.resident()
    trim(0)
    return max(0, before - gauges.resident())
