"""Large arrays in small steps, so that looking at one takes no memory worth speaking of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

ITEMS = 1 << 17  # of one block
Block = tuple[Any, ...]  # an index: slices, or an ellipsis for an array without axes


def blocks(shape: tuple[int, ...], limit: int = ITEMS) -> Iterator[Block]:
    """Slices that cut an array of `shape` into blocks of at most `limit` items, in C order."""
    inner = 1
    for size in shape[1:]:
        inner *= size
    if not shape or not shape[0] or not inner:
        yield (...,)
    elif inner <= limit:
        step = max(1, limit // inner)
        for start in range(0, shape[0], step):
            yield (slice(start, start + step), *(slice(None) for _ in shape[1:]))
    else:
        for row in range(shape[0]):
            for rest in blocks(shape[1:], limit):
                yield (slice(row, row + 1), *rest)
