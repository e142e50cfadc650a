"""Functions, methods and attributes of NumPy on stand-ins: which may be asked, and which have a formula."""

from __future__ import annotations

import builtins
import math
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any

import numpy as np

from . import creation
from .probe import ask
from .values import Array, Known, Unknown, Value, words

# Functions without effects whose answer has a shape that follows from the shapes alone.
_ASKED = words(
    "sum prod mean std var min max amin amax ptp argmin argmax median average all any cumsum cumprod nansum nanmean "
    "nanstd nanvar nanmin nanmax nanmedian nanprod nancumsum nanargmin nanargmax percentile quantile nanpercentile "
    "nanquantile count_nonzero sort argsort partition argpartition lexsort where clip round around rint fix nan_to_num "
    "real imag angle real_if_close conj conjugate "
    "dot vdot inner outer matmul tensordot einsum kron cross trace diagonal diag diagflat triu tril "
    "concatenate stack vstack hstack dstack column_stack block append insert roll rollaxis moveaxis swapaxes transpose "
    "expand_dims squeeze flip fliplr flipud rot90 ravel atleast_1d atleast_2d atleast_3d broadcast_arrays meshgrid "
    "array_split split hsplit vsplit take take_along_axis diff ediff1d gradient trapz trapezoid interp cov corrcoef "
    "convolve correlate isclose allclose array_equal isin in1d searchsorted digitize histogram bartlett select "
    "unwrap sinc i0 heaviside copy result_type promote_types common_type min_scalar_type can_cast "
    "inv det solve norm svd qr eig eigh eigvals eigvalsh cholesky lstsq pinv matrix_power matrix_rank slogdet "
    "fft ifft fft2 ifft2 fftn ifftn rfft irfft rfft2 rfftn hfft fftshift ifftshift fftfreq rfftfreq "
    "vecdot matvec vecmat packbits unpackbits pad matrix_transpose permute_dims concat astype cumulative_sum"
)
_COUNTS = words("pad histogram fft ifft rfft irfft fft2 fftfreq rfftfreq packbits diff kron split")
_METHODS = words(
    "sum prod mean std var min max ptp argmin argmax all any cumsum cumprod round clip dot conj conjugate trace "
    "diagonal argsort argpartition transpose swapaxes squeeze take searchsorted view byteswap __abs__"
)
_VIEWS = words("copy flatten ravel")
_COUNTED_BY_VALUE = words(
    "unique nonzero flatnonzero argwhere compress extract union1d intersect1d setdiff1d setxor1d trim_zeros bincount "
    "delete repeat choose"
)
_MOST = 64  # a whole number given to a function of `_COUNTS`; a larger one could make a large array
_MATH = words("sqrt ceil floor log log2 log10 exp sin cos tan prod")
_BUILTINS = words("abs len float int bool complex round min max divmod")


def builtin(name: str) -> Value | None:
    """One of Python's own functions that can be followed, or None."""
    return Known(getattr(builtins, name)) if name in _BUILTINS or name in ("True", "False", "None") else None


def call(function: Value, args: Sequence[Value], kwargs: Mapping[str, Value]) -> Value:
    """What calling a known function gives."""
    unknown = next((each for each in (*args, *kwargs.values()) if isinstance(each, Unknown)), None)
    if unknown is not None:
        return unknown
    target = function.value if isinstance(function, Known) else None
    if isinstance(target, np.ufunc):
        return ask(target, args, kwargs)
    if isinstance(target, type):
        return _made_by_type(target, args, kwargs)
    name, module = str(getattr(target, "__name__", "")), str(getattr(target, "__module__", "") or "")
    if getattr(builtins, name, None) is target:
        return _builtin_call(name, args)
    owner = getattr(target, "__self__", None)
    if isinstance(owner, (np.random.RandomState, np.random.Generator)):
        return creation.random(name, args, kwargs)
    if target is not None and isinstance(owner, np.ufunc):
        return ask(target, args, kwargs) if name in ("reduce", "accumulate", "outer") else Unknown("it is not followed")
    if isinstance(owner, ModuleType) and owner is math:
        return _math(name, args)
    if module.partition(".")[0] == "numpy":
        return _of_numpy(name, target, args, kwargs)
    return Unknown(f"{name or 'what is called'} is not a function of NumPy, and only those are followed")


def _of_numpy(name: str, target: Any, args: Sequence[Value], kwargs: Mapping[str, Value]) -> Value:
    made = creation.make(name, args, kwargs)
    if made is not None:
        return made
    if name in _COUNTED_BY_VALUE or (name == "where" and len(args) == 1):
        return Unknown("how many elements it gives depends on the values")
    if name in ("reshape", "broadcast_to") and args and isinstance(args[0], Array):
        return reshape(args[0], args[1:] or list(kwargs.values()), name == "broadcast_to")
    if name == "rfft" and len(args) == 1 and not kwargs:
        return _real_transform(args[0])
    if name not in _ASKED:
        return Unknown(f"np.{name} is not followed")
    if name in _COUNTS and any(_is_large(each) for each in (*args, *kwargs.values())):
        return Unknown(f"np.{name} with a number above {_MOST} is not followed")
    return ask(target, args, kwargs)


def _real_transform(array: Value) -> Value:
    """``np.fft.rfft`` along the last axis: a little over half as many elements."""
    whole = ask(np.fft.fft, [array], {})
    if not isinstance(whole, Array):
        return whole
    return Array((*whole.shape[:-1], whole.shape[-1] // 2 + 1), whole.dtype)


def _is_large(value: Value) -> bool:
    return isinstance(value, Known) and isinstance(value.value, (int, np.integer)) and int(value.value) > _MOST


def _made_by_type(target: type, args: Sequence[Value], kwargs: Mapping[str, Value]) -> Value:
    if target in (np.finfo, np.iinfo, np.dtype) and len(args) == 1 and isinstance(args[0], Known):
        return _tried(target, [args[0].value])
    if issubclass(target, np.generic) and len(args) == 1 and not issubclass(target, (np.object_, np.void)):
        return ask(target, args, kwargs) if isinstance(args[0], Array) else _tried(target, [_value(args[0])])
    if target in (int, float, complex, bool) and len(args) == 1 and isinstance(args[0], Known):
        return _tried(target, [args[0].value])
    if target is float and len(args) == 1 and isinstance(args[0], Array):
        return Known(1.5, is_example=True)
    return Unknown(f"{target.__name__} is not followed")


def _tried(target: Callable[..., Any], values: list[Any]) -> Value:
    try:
        return Known(target(*values))
    except (TypeError, ValueError, OverflowError) as error:
        return Unknown(f"{type(error).__name__}: {error}")


def _value(value: Value) -> Any:
    return value.value if isinstance(value, Known) else None


def _builtin_call(name: str, args: Sequence[Value]) -> Value:
    if name == "len" and args and isinstance(args[0], Array) and args[0].shape:
        return Known(args[0].shape[0])
    if name == "abs" and args and isinstance(args[0], Array):
        return ask(abs, args[:1], {})
    values = [_value(each) for each in args]
    if all(type(value) in (int, float, bool, tuple, list) for value in values) and name in _BUILTINS:
        return _tried(getattr(builtins, name), values)
    return Unknown(f"{name} of an array is not followed")


def _math(name: str, args: Sequence[Value]) -> Value:
    values = [_value(each) for each in args]
    if name in _MATH and all(type(value) in (int, float, tuple, list) for value in values):
        return _tried(getattr(math, name), values)
    return Unknown(f"math.{name} is not followed")


def method(receiver: Value, name: str, args: Sequence[Value], kwargs: Mapping[str, Value]) -> Value:
    """What calling a method gives."""
    if isinstance(receiver, Known):
        value = receiver.value
        if isinstance(value, (np.random.Generator, np.random.RandomState)):
            return creation.random(name, args, kwargs)
        if isinstance(value, (ModuleType, np.ufunc)):
            return call(_own(getattr(value, name, None)), args, kwargs)
        return Unknown(f"a method of {type(value).__name__} is not followed")
    unknown = next((each for each in (*args, *kwargs.values()) if isinstance(each, Unknown)), None)
    if unknown is not None or not isinstance(receiver, Array):
        return unknown or Unknown("what it is called on is not known")
    if name == "astype":
        made = creation.make("asarray", [receiver, *args[:1]], {k: v for k, v in kwargs.items() if k == "dtype"})
        return made or Unknown("its dtype is not known")
    if name in _VIEWS:
        return receiver if name == "copy" else Array((receiver.size,), receiver.dtype)
    if name in ("reshape", "repeat"):
        return reshape(receiver, args, False) if name == "reshape" else creation.repeat(receiver, args, kwargs)
    if name == "item":
        return Known(1.5, is_example=True) if receiver.dtype.kind == "f" else Unknown("its value is not known")
    if name in _METHODS:
        return ask(lambda array, *rest, **more: getattr(array, name)(*rest, **more), [receiver, *args], kwargs)
    return Unknown(f"the method {name} of an array is not followed")


def _own(value: Any) -> Value:
    return Unknown("it is not there") if value is None else Known(value)


def attribute(array: Array, name: str) -> Value:
    """An attribute of an array."""
    match name:
        case "shape" | "dtype" | "size" | "nbytes":
            return Known(getattr(array, name))
        case "ndim":
            return Known(len(array.shape))
        case "itemsize":
            return Known(array.dtype.itemsize)
        case "T" | "mT":
            swapped = array.shape[::-1] if name == "T" else (*array.shape[:-2], *array.shape[:-3:-1])
            return Array(swapped, array.dtype)
        case "real" | "imag":
            return ask(lambda each: getattr(each, name), [array], {})
    return Unknown(f"the attribute {name} of an array is not followed")


def item_of(value: Any, index: Sequence[Value]) -> Value:
    """``value[index]`` of a tuple, a list, or one of ``np.mgrid``'s kind."""
    keys = [_value(each) for each in index]
    if type(value) in (tuple, list) and len(keys) == 1 and type(keys[0]) is int:
        found = _tried(value.__getitem__, keys) if -len(value) <= keys[0] < len(value) else Unknown("no such item")
        inner = _value(found)
        return inner if isinstance(inner, (Array, Known, Unknown)) else found
    if value is np.mgrid and len(keys) > 1 and all(isinstance(key, slice) for key in keys):
        axes = np.ogrid[tuple(keys)]  # one axis each, so nothing large
        return Array((len(keys), *(axis.size for axis in axes)), np.result_type(*axes))
    return Unknown(f"an item of {type(value).__name__} is not followed")


def index(array: Array, parts: Sequence[Value]) -> tuple[Value, str]:
    """``array[parts]``, and what makes it an upper bound only."""
    chosen = [each for each in parts if isinstance(each, Array) or type(_value(each)) is list]
    if not chosen:
        return _sliced(array, tuple(_value(each) for each in parts)), ""
    if len(parts) > 1:
        return Unknown("an index of several arrays is not followed"), ""
    made = creation.make("asarray", chosen, {})
    if not isinstance(made, Array):
        return Unknown("its index is not known"), ""
    if made.dtype.kind == "b":
        kept = Array((math.prod(made.shape), *array.shape[len(made.shape) :]), array.dtype)
        return kept, "at most, if every element is chosen"
    return Array((*made.shape, *array.shape[1:]), array.dtype), ""


def _sliced(array: Array, key: tuple[Any, ...] | str) -> Value:
    if len(key) == 1 and isinstance(key[0], str):
        key = key[0]  # a field's name; NumPy takes no tuple of them
    try:
        # One element, seen from every place: slicing it costs nothing.
        found = np.broadcast_to(np.zeros((), array.dtype), array.shape)[key]
    except (IndexError, ValueError, TypeError) as error:
        return Unknown(f"NumPy says {type(error).__name__}: {error}")
    return Array(found.shape, found.dtype, is_scalar=not isinstance(found, np.ndarray))


def reshape(array: Array, args: Sequence[Value], by_broadcast: bool) -> Value:
    """The array with the sides given, one of which may be -1."""
    given = creation.sides(args)
    if given is None:
        return Unknown("the new shape is not known")
    if by_broadcast:
        return Array(given, array.dtype)
    rest = math.prod(side for side in given if side != -1)
    whole = tuple(array.size // rest if side == -1 and rest else side for side in given)
    if math.prod(whole) != array.size:
        return Unknown(f"{array.size} elements do not go into shape {given}")
    return Array(whole, array.dtype)
