"""The end of a view's chain: what holds the bytes an array looks at. Looks only; runs no code of the user's."""

from __future__ import annotations

import mmap
from typing import Any

import numpy as np

_Dummy = type(np.lib.stride_tricks.as_strided(np.zeros(1), (2,), (0,)).base)  # as_strided goes through one of these
_base = np.ndarray.base.__get__


def plain(array: np.ndarray) -> np.ndarray:
    """The same elements as an exact ndarray: what a subclass says about itself is not asked."""
    return array if type(array) is np.ndarray else np.ndarray.view(array, np.ndarray)


def root_of(array: np.ndarray) -> object:
    """What holds the bytes: an array that owns them, or the object at the end of the chain (a memory map, bytes)."""
    at: Any = array
    for _ in range(1000):
        below = _below(at)
        if below is None:
            return at
        at = below
    return at


def _below(at: Any) -> Any:
    """One step down the chain; None at its end."""
    if isinstance(at, np.ndarray):
        return _base(at)
    if type(at) is _Dummy:
        return object.__getattribute__(at, "base")
    if type(at) is memoryview:
        return at.obj
    return None


def chain_of(array: np.ndarray) -> list[object]:
    """Everything between an array and its root, the root last; empty for an owner."""
    found: list[object] = []
    at: Any = _below(array)
    while at is not None and len(found) < 1000:
        found.append(at)
        at = _below(at)
    return found


def root_bytes(root: object) -> int:
    """Bytes that the root holds; 0 where that is not known."""
    if isinstance(root, np.ndarray):
        return int(plain(root).nbytes)
    if type(root) in (bytes, bytearray, mmap.mmap):
        return len(root)  # type: ignore[arg-type]
    return 0


def file_of(array: np.ndarray) -> str:
    """The file that a memory-mapped array (or a view of one) reads; ``"a file"`` where its name is not kept."""
    names = [_filename(each) for each in (array, *chain_of(array)) if isinstance(each, np.memmap)]
    named = next((name for name in names if name), "")
    is_mapped = bool(names) or type(root_of(array)) is mmap.mmap
    return named or ("a file" if is_mapped else "")


def _filename(array: np.memmap[Any, Any]) -> str:
    kept = object.__getattribute__(array, "__dict__").get("filename")
    return "" if kept is None else str(kept)
