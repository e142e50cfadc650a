"""Reductions and loops along the wrong axis of a large array, with the measured time of both orders on a sample."""

from __future__ import annotations

import ast
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..arrays.roots import plain
from ..buffers import address_of, owner_of
from ..record.facts import Noted
from ..syntax import Text

LARGE = 1 << 20  # bytes below which the order does not matter
_SAMPLE = 1 << 22  # bytes of the sample
_WORTH = 1.5  # times slower from which on it is said
_FUNCTIONS = frozenset(
    [
        "sum",
        "mean",
        "std",
        "var",
        "min",
        "max",
        "argmin",
        "argmax",
        "cumsum",
        "cumprod",
        "sort",
        "argsort",
        "median",
        "prod",
    ]
)
Clock = Callable[[], int]


@dataclass(frozen=True)
class Crosswise:
    """What runs against the order of `array` on `line`.

    `slow_ns` and `fast_ns` are the times on a sample, as it lies and in the other order; `other` is the function that
    brings it into that order, which takes `price` bytes once.
    """

    line: int
    source: str
    array: str
    order: str
    slow_ns: int
    fast_ns: int
    sample: int
    other: str
    price: int


def crosswise_of(
    notes: Sequence[Noted],
    text: Callable[[str], Text],
    namespace: Mapping[str, object],
    clock: Clock = time.perf_counter_ns,
) -> tuple[Crosswise, ...]:
    """What ran along the wrong axis of an array of the top level that is still there, and is slower for it here."""
    found: dict[tuple[int, str], Crosswise] = {}
    for noted in notes:
        if noted.function != "<module>":
            continue
        for statement in text(noted.filename).starting.get(noted.line, ()):
            for use in _uses(statement):
                array = _same(noted, use.path, namespace)
                if array is not None and _is_against(array, use.axis):
                    measured = _measured(use, array, clock)
                    if measured is not None:
                        found.setdefault((use.line, use.path), measured)
    return tuple(found.values())


@dataclass(frozen=True)
class _Use:
    """One way through an array: which name, along which axis, on which line, and a function that does it."""

    line: int
    source: str
    path: str
    axis: int
    run: Callable[[np.ndarray], object]


def _same(noted: Noted, path: str, namespace: Mapping[str, object]) -> np.ndarray | None:
    """The array that the name held when the line ran, if it still does."""
    array, fact = namespace.get(path), noted.before.get(path)
    if not isinstance(array, np.ndarray) or fact is None or array.nbytes < LARGE or array.dtype.hasobject:
        return None
    return plain(array) if address_of(owner_of(array)) == fact.address and array.nbytes == fact.nbytes else None


def _is_against(array: np.ndarray, axis: int) -> bool:
    """Whether neighbours along the axis lie far apart while those along another lie side by side."""
    if array.ndim < 2 or not -array.ndim <= axis < array.ndim:
        return False
    return abs(array.strides[axis]) > min(abs(stride) for stride in array.strides)


def _uses(statement: ast.stmt) -> Iterator[_Use]:
    for node in ast.walk(statement):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=owner), attr=name)) if name in _FUNCTIONS:
                path = (
                    node.args[0].id
                    if owner in ("np", "numpy") and node.args and isinstance(node.args[0], ast.Name)
                    else owner
                )
                axis = next((each.value for each in node.keywords if each.arg == "axis"), None)
                if isinstance(axis, ast.Constant) and type(axis.value) is int:
                    yield _Use(node.lineno, ast.unparse(node), path, axis.value, _reduction(name, axis.value))
            case ast.For(target=ast.Name(id=index), body=body):
                yield from _column_uses(node, index, body)


def _column_uses(loop: ast.For, index: str, body: list[ast.stmt]) -> Iterator[_Use]:
    """``x[:, j]`` in a loop over `j`: the loop goes through one column after another."""
    for node in (each for statement in body for each in ast.walk(statement)):
        match node:
            case ast.Subscript(value=ast.Name(id=path), slice=ast.Tuple(elts=[ast.Slice(), ast.Name(id=name)])) if (
                name == index
            ):
                yield _Use(loop.lineno, ast.unparse(node), path, 0, _columns)


def _reduction(name: str, axis: int) -> Callable[[np.ndarray], object]:
    function: Callable[..., object] = getattr(np, name)
    return lambda array: function(array, axis=axis)


def _columns(array: np.ndarray) -> object:
    return [array[:, column].sum() for column in range(array.shape[1])]


def _measured(use: _Use, array: np.ndarray, clock: Clock) -> Crosswise | None:
    sample = _sample(array)
    is_c = array.flags.c_contiguous
    other = np.asfortranarray(sample) if is_c else np.ascontiguousarray(sample)
    if other is sample:
        return None
    slow, fast = _time(use.run, sample, clock), _time(use.run, other, clock)
    if slow < _WORTH * fast:
        return None
    return Crosswise(
        use.line, use.source, use.path, "C" if is_c else "F", slow, fast, sample.nbytes,
        "np.asfortranarray" if is_c else "np.ascontiguousarray", array.nbytes,
    )  # fmt: skip


def _sample(array: np.ndarray) -> np.ndarray:
    """A copy of a corner that lies as the array does, with its proportions as far as `_SAMPLE` bytes allow."""
    share = min(1.0, (_SAMPLE / array.nbytes) ** (1 / array.ndim))
    corner = array[tuple(slice(0, max(2, math.ceil(side * share))) for side in array.shape)]
    return corner.copy(order="K")


def _time(run: Callable[[np.ndarray], object], array: np.ndarray, clock: Clock) -> int:
    """Nanoseconds of the quickest of three."""
    times = []
    for _ in range(3):
        begun = clock()
        with np.errstate(all="ignore"):
            run(array)
        times.append(clock() - begun)
    return min(times)
