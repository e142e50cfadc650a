"""Bytes and times as a person reads them. A leaf: it imports nothing of the project."""

from __future__ import annotations

_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")


def unit_for(nbytes: int) -> tuple[str, int]:
    """The binary unit that suits `nbytes`, and its size in bytes: ``(\"MiB\", 1048576)``."""
    step = 0
    while step < len(_UNITS) - 1 and abs(nbytes) >= 1024 ** (step + 1) * 0.99995:
        step += 1
    return _UNITS[step], 1024**step


def human(nbytes: int) -> str:
    """`nbytes` with one decimal in the unit that suits it: ``183.1 MiB``, ``512 bytes``."""
    unit, scale = unit_for(nbytes)
    return f"{nbytes} bytes" if scale == 1 else f"{nbytes / scale:,.1f} {unit}"


def human_seconds(seconds: float) -> str:
    """`seconds` with three significant digits: ``1.69 s``, ``12.3 ms``, ``45.6 µs``."""
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= scale * 0.9995:
            return f"{seconds / scale:.3g} {unit}" if seconds < 999.5 else f"{seconds:.0f} s"
    return f"{seconds / 1e-9:.0f} ns"
