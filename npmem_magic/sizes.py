"""Bytes and times as a person reads and writes them. A leaf: it imports nothing of the project but its errors."""

from __future__ import annotations

import re

from .host import NpmemError

_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
_READ = re.compile(r"\s*([0-9][0-9_]*(?:\.[0-9]*)?(?:e[0-9]+)?|\.[0-9]+)\s*([a-z]*)\s*", re.IGNORECASE)
_PREFIX = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}


def unit_for(nbytes: int) -> tuple[str, int]:
    """The binary unit that suits `nbytes`, and its size in bytes: ``(\"MiB\", 1048576)``."""
    step = 0
    while step < len(_UNITS) - 1 and abs(nbytes) >= 1024 ** (step + 1) * 0.99995:
        step += 1
    return _UNITS[step], 1024**step


def human(nbytes: int, digits: int = 1) -> str:
    """`nbytes` with `digits` decimals in the unit that suits it: ``183.1 MiB``, ``512 bytes``."""
    unit, scale = unit_for(nbytes)
    return f"{nbytes} bytes" if scale == 1 else f"{nbytes / scale:,.{digits}f} {unit}"


def human_seconds(seconds: float) -> str:
    """`seconds` with three significant digits: ``1.69 s``, ``12.3 ms``, ``45.6 µs``."""
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= scale * 0.9995:
            return f"{seconds / scale:.3g} {unit}" if seconds < 999.5 else f"{seconds:.0f} s"
    return f"{seconds / 1e-9:.0f} ns"


def parse_size(text: str) -> int:
    """Bytes of ``500MB``, ``2GiB``, ``1.5e9`` or ``64k`` (``MB`` is a million bytes, ``MiB`` and ``M`` are 1024²).

    Raises
    ------
    NpmemError
        When the text is no size, or one of no bytes.
    """
    found = _READ.fullmatch(text)
    unit = found[2].lower() if found else ""
    prefix = unit.removesuffix("ib").removesuffix("b")
    if not found or prefix not in _PREFIX:
        raise NpmemError(f"{text!r} is no size. Write it as 500MB, 2GiB or 1.5e9 (bytes).")
    is_decimal = unit.endswith("b") and not unit.endswith("ib") and prefix
    nbytes = int(float(found[1].replace("_", "")) * (1000 if is_decimal else 1024) ** _PREFIX[prefix])
    if nbytes < 1:
        raise NpmemError(f"{text!r} is less than a byte, and nothing fits in that.")
    return nbytes
