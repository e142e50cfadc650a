"""Arrays of text and of Python objects: what they really take, and what would hold the same."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np

from .fits import smallest_integer
from .roots import plain

ITEMS = 100_000  # objects that are looked at one by one
_FEW = 0.5  # share of different texts below which categories are worth a word
_basic_size = type.__dict__["__basicsize__"].__get__
_PLAIN = (str, bytes, int, float, complex, bool, type(None))
_STRING_ITEM = 16  # bytes of an element of NumPy's StringDType; texts of up to 15 bytes lie inside of it


@dataclass(frozen=True)
class Contents:
    """What was found in an array of text or objects.

    `true_bytes` are the array's own and those of the objects it refers to, each object once (objects of unknown types
    with their basic size); `holds` is the dtype that would hold the values, `saved` the bytes, `remark` the rest in
    words; `part` the share looked at.
    """

    true_bytes: int
    holds: str = ""
    saved: int = 0
    remark: str = ""
    part: float = 1.0


def contents_of(array: np.ndarray) -> Contents | None:
    """What an array of text or objects holds; None for an array of numbers or an empty one."""
    bare = plain(array)
    if not bare.size:
        return None
    if bare.dtype.kind in "US":
        return _fixed(bare)
    if bare.dtype == object:
        return _objects(bare)
    if bare.dtype.kind == "T":
        return Contents(bare.nbytes, remark="texts above 15 bytes lie outside of it, in an arena of their own")
    return None


def _sample(array: np.ndarray) -> tuple[np.ndarray, float]:
    """Some evenly spaced elements in one dimension, and the share of all that they are."""
    step = max(1, -(-array.size // ITEMS))
    taken = array.reshape(-1)[::step] if array.flags.c_contiguous else array.flat[::step]
    return taken, len(taken) / array.size


def _fixed(array: np.ndarray) -> Contents:
    taken, part = _sample(array)
    texts = taken.tolist()
    longest = max(map(len, texts))
    unit = 4 if array.dtype.kind == "U" else 1
    room = array.dtype.itemsize // unit
    used = sum(map(len, texts)) * unit / (len(texts) * array.dtype.itemsize or 1)
    different = len(set(texts))
    waste = f"{1 - used:.0%} of the fixed width of {room} characters is filling" if used < 0.9 else ""
    options = [(f"<{array.dtype.kind}{max(1, longest)}", array.size * max(1, longest) * unit)]
    if array.dtype.kind == "U" and hasattr(np.dtypes, "StringDType"):
        options.append(("StringDType", _string_bytes(array, texts)))
    options += _categories(array, different, len(texts), sum(map(len, set(texts))) * unit)
    holds, needed = min(options, key=lambda option: option[1])
    saved = array.nbytes - needed
    return Contents(array.nbytes, holds if saved > 0 else "", max(0, saved), waste, part)


def _string_bytes(array: np.ndarray, texts: list[str]) -> int:
    beyond = sum(size for size in (len(text.encode(errors="replace")) for text in texts) if size > 15)
    return int(array.size * (_STRING_ITEM + beyond / len(texts)))


def _categories(array: np.ndarray, different: int, looked: int, text_bytes: int) -> list[tuple[str, int]]:
    """Codes and a table of the texts, where few of them repeat."""
    if different > looked * _FEW:
        return []
    code = smallest_integer(0, different, np.dtype(np.int64))
    return [(f"categories ({different} texts, {code} codes)", array.size * code.itemsize + text_bytes)]


def _objects(array: np.ndarray) -> Contents:
    taken, part = _sample(array)
    items = list(taken)
    kinds = {type(item) for item in items}
    distinct = {id(item): item for item in items}
    beside = sum(map(_bytes_of, distinct.values()))
    shared = len(distinct) / len(items)
    # Of a sample: objects that repeat are taken to repeat in the rest as well.
    total = array.nbytes + int(beside / part if shared > _FEW else beside)
    holds, needed = _held_by(array, items, kinds)
    names = ", ".join(sorted(kind.__name__ for kind in kinds)[:3])
    return Contents(total, holds, max(0, total - needed) if holds else 0, f"objects of type {names}", part)


def _bytes_of(item: Any) -> int:
    """Bytes of one object, by Python's own measure for types that it knows: no method of the user's is called."""
    return sys.getsizeof(item) if type(item) in _PLAIN else int(_basic_size(type(item)))


def _held_by(array: np.ndarray, items: list[Any], kinds: set[type]) -> tuple[str, int]:
    """(the dtype that holds the items, its bytes); nothing where only objects will do."""
    if kinds == {bool}:
        return "bool", array.size
    if kinds == {int} and (low := min(items)) >= -(2**63) and (high := max(items)) < 2**63:
        dtype = smallest_integer(low, high, np.dtype(np.int64))
        return str(dtype), array.size * dtype.itemsize
    if kinds and kinds <= {int, float, type(None)} and all(abs(i) <= 2**53 for i in items if type(i) is int):
        return "float64" + (" with NaN for None" if type(None) in kinds else ""), array.size * 8
    if kinds == {str}:
        texts: list[str] = items
        longest = max(map(len, texts))
        options = [(f"<U{max(1, longest)}", array.size * 4 * max(1, longest))]
        if hasattr(np.dtypes, "StringDType"):
            options.append(("StringDType", _string_bytes(array, texts)))
        options += _categories(array, len(set(texts)), len(texts), sum(map(sys.getsizeof, set(texts))))
        return min(options, key=lambda option: option[1])
    return "", 0
