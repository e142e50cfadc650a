"""Ask for the largest or smallest value instead of sorting.

Why
---
``np.sort(x)[-1]`` makes a sorted copy, ``np.argsort(x)[-1]`` eight bytes for each value, and one of them is wanted.
Where the extreme value occurs several times, ``argmax`` gives the first place and ``argsort`` another one.

Given
-----
    x = np.linspace(0, 1, 1_000_000)

Instead of
----------
    v = np.sort(x)[-1]

Write
-----
    v = x.max()

Keeps
-----
same bits
"""

from __future__ import annotations

from collections.abc import Iterator

from ..rewriting.exchange import Form, exchanges
from ..rewriting.patterns import Match
from ..rewriting.suggestion import SAME, Suggestion
from ..rewriting.view import CellView

WHY = "Everything was put in order for one value of it; with these data that is the value."


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """First and last items of what ``sort``, ``argsort``, ``partition`` and ``sorted`` make, along any axis."""
    yield from exchanges(cell, _FORMS, WHY)


def _line(match: Match) -> bool:
    array = match.array("_x")
    return array is not None and len(array.shape) == 1


def _any(match: Match) -> bool:
    return match.array("_x") is not None


def _matrix(match: Match) -> bool:
    array = match.array("_x")
    return array is not None and len(array.shape) == 2


def _forms() -> Iterator[Form]:
    for sort, arg in (("sort", ""), ("argsort", "arg")):
        for place, name in (("0", "min"), ("-1", "max")):
            yield f"{sort}(_x)[{place}]", f"{{x}}.{arg}{name}()", SAME, _line
            yield f"{sort}(_x, kind=_w)[{place}]", f"{{x}}.{arg}{name}()", SAME, _line
            yield f"{sort}(_x)[::-1][{place}]", f"{{x}}.{arg}{_OTHER[name]}()", SAME, _line
            yield f"{sort}(-_x)[{place}]", f"{'-' if sort == 'sort' else ''}{{x}}.{arg}{_OTHER[name]}()", SAME, _line
            yield f"{sort}(_x, axis=None)[{place}]", f"{{x}}.{arg}{name}()", SAME, _any
            yield f"{sort}(_x, axis=0)[{place}]", f"{{x}}.{arg}{name}(axis=0)", SAME, _any
            yield f"{sort}(_x)[:, {place}]", f"{{x}}.{arg}{name}(axis=1)", SAME, _matrix
            yield f"{sort}(_x)[..., {place}]", f"{{x}}.{arg}{name}(axis=-1)", SAME, _any
            for axis in (1, -1):
                yield f"{sort}(_x, axis={axis})[:, {place}]", f"{{x}}.{arg}{name}(axis=1)", SAME, _matrix
            for flat in ("ravel(_x)", "ndarray.flatten(_x)", "reshape(_x, -1)"):
                yield f"{sort}({flat})[{place}]", f"{{x}}.{arg}{name}()", SAME, _any
    for place, name in (("0", "min"), ("-1", "max")):
        yield f"builtins.sorted(_x)[{place}]", f"{{x}}.{name}()", SAME, _line
        yield f"builtins.sorted(_x, reverse=True)[{place}]", f"{{x}}.{_OTHER[name]}()", SAME, _line
        yield f"partition(_x, {place})[{place}]", f"{{x}}.{name}()", SAME, _line
        yield f"unique(_x)[{place}]", f"{{x}}.{name}()", SAME, _any
    yield "percentile(_x, 0)", "{x}.min()", SAME, _any
    yield "percentile(_x, 100)", "{x}.max()", SAME, _any
    yield "quantile(_x, 0)", "{x}.min()", SAME, _any
    yield "quantile(_x, 1)", "{x}.max()", SAME, _any


_OTHER = {"min": "max", "max": "min"}
_FORMS: tuple[Form, ...] = tuple(_forms())
