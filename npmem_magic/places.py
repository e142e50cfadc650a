"""Where an error came from, in words: the line of the user's code, and the expression on it. A leaf."""

from __future__ import annotations

from collections.abc import Callable
from types import CodeType, TracebackType

from .syntax import Text

_LONGEST = 72  # characters of an expression


def of_error(error: BaseException, is_own: Callable[[CodeType], bool], text: Callable[[str], Text]) -> str:
    """``line 3, np.ones(n)`` of the innermost of the user's frames that `error` passed; empty when it passed none."""
    found: TracebackType | None = None
    link = error.__traceback__
    while link is not None:
        found = link if is_own(link.tb_frame.f_code) else found
        link = link.tb_next
    if found is None:
        return ""
    code = found.tb_frame.f_code
    inside = "" if code.co_name == "<module>" else f"{code.co_name}, "
    source = " ".join(_expression(code, found.tb_lasti, text).split())
    source = source if len(source) <= _LONGEST else source[: _LONGEST - 1] + "…"
    where = f"{inside}line {found.tb_lineno}"
    return f"{where}, `{source}`," if source else where


def _expression(code: CodeType, lasti: int, text: Callable[[str], Text]) -> str:
    positions = list(code.co_positions())
    at = lasti // 2
    if not 0 <= at < len(positions) or None in positions[at]:
        return ""
    line, end_line, col, end_col = (value or 0 for value in positions[at])
    return text(code.co_filename).expression(line, col, end_line, end_col)
