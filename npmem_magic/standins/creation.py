"""Functions that make arrays from numbers: their shape and dtype by formula, since asking would make the array."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .values import Array, Known, Unknown, Value, words

Given = dict[str, Any]


def sides(values: Sequence[Value]) -> tuple[int, ...] | None:
    """A shape from its values: one tuple or list, or one number after another; None where it is not known."""
    plain = [value.value for value in values if isinstance(value, Known) and not value.is_example]
    if len(plain) != len(values) or not plain:
        return None
    if len(plain) == 1 and type(plain[0]) in (tuple, list):
        plain = list(plain[0])
    if all(isinstance(each, (int, np.integer)) for each in plain):
        return tuple(int(each) for each in plain)
    return None


def make(name: str, args: Sequence[Value], kwargs: Mapping[str, Value]) -> Value | None:
    """The array that ``np.NAME(...)`` makes; None where `name` makes none by formula."""
    known = _MAKERS.get(name)
    if known is None:
        return None
    names, maker = known
    given: dict[str, Value] = {**dict(zip(names, args, strict=False)), **kwargs}
    try:
        made = maker({key: _plain(value) for key, value in given.items()})
    except (TypeError, ValueError, KeyError, OverflowError) as error:
        return Unknown(f"{type(error).__name__}: {error}")
    if isinstance(made, Array) and any(side < 0 for side in made.shape):
        return Unknown("a side is negative")
    return made


def _plain(value: Value) -> Any:
    if isinstance(value, Known) and value.is_example:
        raise TypeError("a number it needs is not known")
    return value.value if isinstance(value, Known) else value


def _shape(value: Any) -> tuple[int, ...]:
    found = sides([Known(value)])
    if found is None:
        raise TypeError("the shape is not known")
    return found


def _filled(given: Given) -> Value:
    return Array(_shape(given["shape"]), np.dtype(given.get("dtype") or float))


def _full(given: Given) -> Value:
    asked = given.get("dtype")
    return Array(
        _shape(given["shape"]), np.dtype(asked) if asked is not None else _asarray({"a": given["fill_value"]}).dtype
    )


def _like(given: Given) -> Value:
    model = _asarray({"a": given["a"]})
    shape = given.get("shape")
    asked = given.get("dtype")
    return Array(model.shape if shape is None else _shape(shape), model.dtype if asked is None else np.dtype(asked))


def _eye(given: Given) -> Value:
    rows = int(given["N"])
    columns = given.get("M")
    return Array((rows, rows if columns is None else int(columns)), np.dtype(given.get("dtype") or float))


def _asarray(given: Given) -> Array:
    model, asked = given["a"], given.get("dtype")
    if not isinstance(model, Array):
        parts = model if type(model) in (list, tuple) else []
        if any(isinstance(part, Array) for part in parts):
            model = _stacked(list(parts))
        else:
            whole = np.asarray(model)
            if whole.dtype.hasobject:
                raise TypeError("it would hold Python objects")
            model = Array(whole.shape, whole.dtype)
    return Array(model.shape, model.dtype if asked is None else np.dtype(asked))


def _stacked(parts: list[Any]) -> Array:
    shapes = {part.shape for part in parts if isinstance(part, Array)}
    if len(shapes) != 1 or not all(isinstance(part, Array) for part in parts):
        raise TypeError("its parts have no common shape")
    return Array((len(parts), *shapes.pop()), np.result_type(*(part.dtype for part in parts)))


def _arange(given: Given) -> Value:
    start: Any = given.get("start", 0)
    stop: Any = given.get("stop")
    if stop is None:
        start, stop = 0, start
    step: Any = given.get("step") or 1
    count = max(0, math.ceil((stop - start) / step))
    dtype = given.get("dtype")
    empty = np.arange(type(start)(0), type(stop)(0), type(step)(1))
    return Array((count,), empty.dtype if dtype is None else np.dtype(dtype))


def _spaced(given: Given) -> Value:
    ends = [given[key] for key in ("start", "stop")]
    asked = given.get("dtype")
    shapes = [each.shape if isinstance(each, Array) else np.shape(each) for each in ends]
    dtype = np.result_type(*(each.dtype if isinstance(each, Array) else each for each in ends), 0.5)
    shape = (int(given.get("num", 50)), *np.broadcast_shapes(*shapes))
    return Array(shape, dtype if asked is None else np.dtype(asked))


def _indices(given: Given) -> Value:
    shape = _shape(given["dimensions"])
    return Array((len(shape), *shape), np.dtype(given.get("dtype") or int))


def _tile(given: Given) -> Value:
    model, times = _asarray({"a": given["A"]}), _shape(given["reps"])
    count = max(len(model.shape), len(times))
    shape = [1] * (count - len(model.shape)) + list(model.shape)
    times = (1,) * (count - len(times)) + times
    return Array(tuple(side * each for side, each in zip(shape, times, strict=True)), model.dtype)


def _repeat(given: Given) -> Value:
    model, times, axis = _asarray({"a": given["a"]}), int(given["repeats"]), given.get("axis")
    if axis is None:
        return Array((model.size * times,), model.dtype)
    shape = list(model.shape)
    shape[axis] *= times
    return Array(tuple(shape), model.dtype)


def repeat(array: Array, args: Sequence[Value], kwargs: Mapping[str, Value]) -> Value:
    """``array.repeat(...)``."""
    return make("repeat", [array, *args], kwargs) or Unknown("it is not followed")


_SHAPED = ("shape", "dtype", "order")
_AN_ARRAY = ("a", "dtype")
_MAKERS: dict[str, tuple[tuple[str, ...], Callable[[Given], Value]]] = {
    **dict.fromkeys(("zeros", "ones", "empty"), (_SHAPED, _filled)),
    "full": (("shape", "fill_value", "dtype", "order"), _full),
    **dict.fromkeys(("zeros_like", "ones_like", "empty_like"), (("a", "dtype", "order", "subok", "shape"), _like)),
    "full_like": (("a", "fill_value", "dtype", "order", "subok", "shape"), _like),
    "eye": (("N", "M", "k", "dtype"), _eye),
    "tri": (("N", "M", "k", "dtype"), _eye),
    "identity": (("N", "dtype"), _eye),
    **dict.fromkeys(
        ("array", "asarray", "asanyarray", "ascontiguousarray", "asfortranarray", "copy", "astype", "require"),
        (_AN_ARRAY, _asarray),
    ),
    "arange": (("start", "stop", "step", "dtype"), _arange),
    "linspace": (("start", "stop", "num", "endpoint", "retstep", "dtype"), _spaced),
    "logspace": (("start", "stop", "num", "endpoint", "base", "dtype"), _spaced),
    "geomspace": (("start", "stop", "num", "endpoint", "dtype"), _spaced),
    "indices": (("dimensions", "dtype"), _indices),
    "tile": (("A", "reps"), _tile),
    "repeat": (("a", "repeats", "axis"), _repeat),
}

_INTEGERS = words(
    "integers randint random_integers poisson binomial geometric negative_binomial hypergeometric zipf logseries "
    "permutation multinomial"
)
# How many numbers come before `size` in the methods of NumPy's random generators.
_BEFORE_SIZE = {
    **dict.fromkeys(("random", "random_sample", "sample", "ranf", "standard_normal", "standard_exponential",
                     "standard_cauchy"), 0),
    **dict.fromkeys(("exponential", "poisson", "chisquare", "geometric", "rayleigh", "weibull", "power", "pareto",
                     "standard_gamma", "standard_t", "choice", "zipf", "logseries"), 1),
    **dict.fromkeys(("normal", "uniform", "gamma", "beta", "laplace", "logistic", "lognormal", "gumbel", "binomial",
                     "integers", "randint", "f", "wald", "vonmises", "negative_binomial"), 2),
    **dict.fromkeys(("triangular", "hypergeometric"), 3),
}  # fmt: skip


def random(name: str, args: Sequence[Value], kwargs: Mapping[str, Value]) -> Value:
    """The array of random numbers that a method of NumPy's generators makes."""
    if name in ("rand", "randn"):
        shape = sides(args) if args else ()
        return Unknown("the shape is not known") if shape is None else Array(shape, np.dtype(float), not shape)
    if name not in _BEFORE_SIZE:
        return Unknown(f"random numbers by {name} are not followed")
    before = _BEFORE_SIZE[name]
    size = kwargs.get("size", args[before] if len(args) > before else Known(None))
    dtype = _plain(kwargs.get("dtype", args[before + 1] if len(args) > before + 1 else Known(None)))
    default = np.dtype(np.int64 if name in _INTEGERS else float)
    if name == "choice" and isinstance(args[0] if args else None, Array):
        default = args[0].dtype  # type: ignore[union-attr]
    if isinstance(size, Known) and size.value is None:
        shape = ()
    else:
        found = sides([size])
        if found is None:
            return Unknown("the shape is not known")
        shape = found
    return Array(shape, default if dtype is None else np.dtype(dtype), is_scalar=not shape)
