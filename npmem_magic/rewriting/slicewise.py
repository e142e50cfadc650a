"""Reductions of named arrays written block by block."""

from __future__ import annotations

from collections.abc import Iterator

from .facts import path_of
from .patterns import Match
from .suggestion import Suggestion
from .text import fill, module_name, new_name, splice


def in_blocks(match: Match, before: str, template: str, why: str, keeps: str) -> Iterator[Suggestion]:
    """The statement `before` (may be empty), and `template` for what was matched.

    Besides the parts of the match the texts may name ``{i}``, where a block begins, ``{step}``, how long it is,
    ``{mean}``, a new name, and ``{np}``.
    """
    statement, numpy = match.statement, module_name(match.statement)
    if numpy is None:
        return
    also = {"np": numpy, "i": "start", "mean": new_name(statement, "mean"), "step": str(_step(match))}
    parts = {name.lstrip("_"): node for name, node in match.parts.items()} | also
    lines = [fill(statement, text, parts) for text in (before, template) if text]
    lines[-1] = splice(statement, [(match.node, lines[-1])])
    yield Suggestion(statement, statement, tuple(lines), why, keeps, effort=2)


def is_line_of_blocks(match: Match) -> bool:
    """Whether ``_x`` (and ``_y``) are arrays of floats with a name, of one shape, and of many blocks."""
    array, other = match.array("_x"), match.array("_y") if "_y" in match.parts else None
    is_pair = "_y" not in match.parts or (other is not None and match.same_shape("_x", "_y"))
    is_named = all(path_of(match.parts[name]) is not None for name in ("_x", "_y") if name in match.parts)
    return array is not None and array.dtype.kind == "f" and array.size > 1 << 17 and is_pair and is_named


def _step(match: Match) -> int:
    """Rows of a block of about 65,536 elements."""
    array = match.array("_x")
    return 65536 if array is None or len(array.shape) < 2 else max(1, 65536 * array.shape[0] // array.size)
