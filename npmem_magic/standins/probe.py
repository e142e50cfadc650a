"""Asking NumPy: a function is called on arrays of a few elements, and the shape of its answer is read back.

Every size above 4 is replaced by a small prime, the same for the same size. After three such calls, with other
primes each, there is one reading of each side of the answer: a constant, one of the sizes, a sum or a product.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .values import Array, Known, Unknown, Value

_PRIMES = ((5, 7, 11, 13, 17), (7, 11, 13, 17, 19), (11, 13, 7, 19, 23))
_TINY = 4  # sizes up to this stay as they are: some functions want exactly 2 or 3
Call = Callable[..., Any]


def ask(function: Call, args: Sequence[Value], kwargs: Mapping[str, Value]) -> Value:
    """What `function` makes of the values. It must be one of NumPy's, without effects."""
    arrays = [value for value in _flat((*args, *kwargs.values())) if isinstance(value, Array)]
    if any(array.dtype.hasobject for array in arrays):
        return Unknown("it holds Python objects, whose own code would have to run")
    sizes = sorted({size for array in arrays for size in array.shape if size > _TINY})
    if len(sizes) > len(_PRIMES[0]):
        return Unknown("it has more different sizes than are followed")
    answers = []
    for primes in _PRIMES if sizes else _PRIMES[:1]:
        small = dict(zip(sizes, primes, strict=False))
        try:
            answers.append(_call(function, args, kwargs, small))
        except Exception as error:
            return Unknown(f"NumPy says {type(error).__name__}: {error}")
    return _read(answers, sizes)


def _call(function: Call, args: Sequence[Value], kwargs: Mapping[str, Value], small: Mapping[int, int]) -> Any:
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(
            *(_real(value, small) for value in args), **{name: _real(value, small) for name, value in kwargs.items()}
        )


def _flat(values: Sequence[Value]) -> list[Value]:
    found: list[Value] = []
    for value in values:
        if isinstance(value, Known) and type(value.value) in (list, tuple):
            found += _flat([item for item in value.value if isinstance(item, (Array, Known, Unknown))])
        else:
            found.append(value)
    return found


def _real(value: Value, small: Mapping[int, int]) -> Any:
    """The small thing that stands for a value in a call."""
    if isinstance(value, Unknown):
        raise TypeError(value.why)
    if isinstance(value, Array):
        return stand_in(tuple(small.get(size, size) for size in value.shape), value.dtype, value.is_scalar)
    if type(value.value) in (list, tuple):
        parts = (_real(item, small) if isinstance(item, (Array, Known, Unknown)) else item for item in value.value)
        return type(value.value)(parts)
    return value.value


def stand_in(shape: tuple[int, ...], dtype: np.dtype[Any], is_scalar: bool = False) -> Any:
    """A small array (or scalar) of a dtype, with values that divide, invert and compare without trouble."""
    made = np.zeros(shape, dtype)
    if dtype.kind in "biufc":
        pattern = np.random.default_rng(0).random(shape)
        made[...] = (pattern * 4 + 1) if dtype.kind in "iu" else pattern > 0.5 if dtype.kind == "b" else pattern
    return made[()] if is_scalar else made


def _read(answers: list[Any], sizes: Sequence[int]) -> Value:
    first = answers[0]
    if isinstance(first, np.ndarray):
        if len({answer.ndim for answer in answers}) != 1:
            return Unknown("its number of dimensions depends on the sizes")
        sides = [_side([answer.shape[axis] for answer in answers], sizes) for axis in range(first.ndim)]
        if None in sides:
            return Unknown("its shape depends on the values")
        return Array(tuple(side for side in sides if side is not None), first.dtype)
    if isinstance(first, np.generic):
        return Array((), first.dtype, is_scalar=True)
    if isinstance(first, (tuple, list)):
        columns = list(zip(*answers, strict=True)) if len({len(answer) for answer in answers}) == 1 else []
        return Known(tuple(_read(list(column), sizes) for column in columns))
    return Known(first) if len(answers) == 1 else Unknown("it depends on the values")


def _side(seen: list[int], sizes: Sequence[int]) -> int | None:
    """One side of the answer in the real sizes, from what it was in each call."""
    if len(set(seen)) == 1:
        return seen[0]
    smalls = [primes[: len(sizes)] for primes in _PRIMES]
    for count in (1, 2, 3):
        for places in itertools.combinations_with_replacement(range(len(sizes)), count):
            picked = [[small[place] for place in places] for small in smalls]
            real = [sizes[place] for place in places]
            for join in (sum, _product):
                found = _affine(seen, [join(each) for each in picked], join(real))
                if found is not None:
                    return found
    return None


def _product(numbers: list[int]) -> int:
    return int(np.prod(np.array(numbers, object)))


def _affine(seen: list[int], small: list[int], real: int) -> int | None:
    """`seen` as ``a * small + b`` with whole `a` and `b`, put to `real`; None where that does not explain it."""
    if len(set(small)) != len(small) or len(seen) < 3:
        return None
    slope, rest = divmod(seen[1] - seen[0], small[1] - small[0])
    offset = seen[0] - slope * small[0]
    if rest or slope < 1 or any(slope * each + offset != got for each, got in zip(small, seen, strict=True)):
        return None
    return slope * real + offset
