"""The arrays that a namespace reaches, each with all that is known about it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .fits import Budget, Fit, fits
from .foreign import Part, parts_of
from .holders import Reach
from .layout import flags_of, order_of, seen_bytes, structure_of
from .roots import plain, root_bytes, root_of
from .texts import Contents, contents_of
from .walk import inside, is_hidden

UNNAMED = "an array without a name"


@dataclass(frozen=True, eq=False)
class ArrayInfo:
    """One array that a namespace reaches.

    Attributes
    ----------
    name : str
        How it is reached: ``x``, ``rows[0]``, ``model.weights``, ``df['price']``, ``Out[3]``.
    shape, dtype, nbytes
        Of the array; `dtype` is a text where it is not NumPy's (a torch tensor's, an Arrow column's).
    owned_nbytes : int
        Bytes that it owns; 0 for a view.
    order : str
        ``"C"``, ``"F"``, ``"C and F"``, or its strides.
    owner : str
        For a view, what owns the bytes: a name, or words such as "an array without a name"; empty for an owner.
    holders : tuple of str
        What else looks at the same bytes.
    flags : tuple of str
        What is unusual: read-only, unaligned, byte-swapped, memory-mapped.
    smallest_dtype : numpy.dtype or None
        The smallest dtype that holds every value as it is, where there is a smaller one.
    note : str
        What else there is to say: a small view of a large buffer, padding, the true size of objects.
    kind : str
        ``"numpy"``, or whose it is: ``"pandas"``, ``"torch on cuda:0"``.
    pinned_nbytes : int
        Bytes of the buffer it looks into: those that live as long as it does.
    on_device : bool
        True where the bytes are a GPU's.
    tried : tuple of Fit
        The smaller dtypes that were tried on its values, with what they would lose.
    contents : Contents or None
        For text and objects: what they really take, and what would hold them.
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any] | str
    nbytes: int
    owned_nbytes: int
    order: str = "C"
    owner: str = ""
    holders: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    smallest_dtype: np.dtype[Any] | None = None
    note: str = ""
    kind: str = "numpy"
    pinned_nbytes: int = 0
    on_device: bool = False
    tried: tuple[Fit, ...] = ()
    contents: Contents | None = None
    buffer: object = None

    def __repr__(self) -> str:
        whose = f", view of {self.owner}" if self.owner else ""
        return f"<ArrayInfo {self.name}: {self.dtype} {self.shape}, {self.nbytes:,} bytes{whose}>"


def find_arrays(
    namespace: Mapping[str, object], names: Collection[str] | None = None, *, check: bool = True
) -> list[ArrayInfo]:
    """The arrays of a namespace, those with the most bytes first.

    Names are looked at, and one level inside of lists, tuples, dicts, objects, pandas and xarray objects, torch and
    CuPy tensors where these are loaded.

    Parameters
    ----------
    names : collection of str, optional
        Only arrays below these names; all by default.
    check : bool
        Whether to look at the values, to say which smaller dtype would hold them. At most 1 GiB of values is read.
    """
    known = Reach(namespace)
    budget = Budget()
    found = []
    parts = list(_parts(namespace, names))
    if names is None:
        parts += [part for path, array in known.unnamed() for part in _array(path, array)]
    for part in parts:
        found.append(_described(part, known) if part.array is not None else _foreign(part))
    found.sort(key=lambda info: (-_weight(info), info.name))
    if not check:
        return found
    arrays = {part.path: part.array for part in parts}
    looked: set[object] = set()
    return [_checked(info, arrays.get(info.name), budget, looked) for info in found]


def _weight(info: ArrayInfo) -> int:
    """Bytes that would go with the array: what a view pins that nothing else names; else what it looks at."""
    return info.pinned_nbytes if info.owner == UNNAMED else min(info.nbytes, info.pinned_nbytes)


def distinct_bytes(infos: Iterable[ArrayInfo], on_device: bool = False) -> int:
    """The bytes of all buffers that the arrays look into, each buffer once; the machine's, or the GPUs'."""
    buffers = {info.buffer: info.pinned_nbytes for info in infos if info.on_device is on_device and info.buffer}
    return sum(buffers.values())


def _parts(namespace: Mapping[str, object], names: Collection[str] | None) -> Iterator[Part]:
    """Every array, once for each way to it, and outputs only where no name leads to the same array."""
    seen: set[int] = set()
    for name, value in list(namespace.items()):
        if (names is None and is_hidden(name)) or (names is not None and name not in names):
            continue
        for part in _below(name, value):
            if part.array is not None:
                seen.add(id(part.array))
            yield part
    outputs = namespace.get("Out")
    if names is None and isinstance(outputs, dict):
        for number, value in list(dict.items(outputs)):
            for part in _below(f"Out[{number}]", value):
                if part.array is None or id(part.array) not in seen:
                    yield part


def _below(name: str, value: object) -> Iterator[Part]:
    if isinstance(value, np.ndarray):
        yield from _array(name, value)
        return
    own = list(parts_of(name, value))
    if own:
        yield from own
        return
    for way in inside(name, value):
        if way.kind not in ("item", "attribute"):
            continue
        if isinstance(way.value, np.ndarray):
            yield from _array(way.path, way.value)
        else:
            yield from parts_of(way.path, way.value)


def _array(path: str, array: np.ndarray) -> Iterator[Part]:
    yield Part(path, "numpy", array)
    if isinstance(array, np.ma.MaskedArray):
        mask = object.__getattribute__(array, "__dict__").get("_mask")
        if isinstance(mask, np.ndarray) and mask.ndim:
            yield Part(f"{path}.mask", "numpy", mask)


def _described(part: Part, known: Reach) -> ArrayInfo:
    array = part.array
    assert array is not None
    bare, root = plain(array), root_of(array)
    owns = root is array and bool(array.flags.owndata)
    held = [each.path for each in known.holders(array, but=part.path)]
    pinned = root_bytes(root) or seen_bytes(bare)
    info = ArrayInfo(
        name=part.path,
        shape=bare.shape,
        dtype=bare.dtype,
        nbytes=int(bare.nbytes),
        owned_nbytes=int(bare.nbytes) if owns else 0,
        order=order_of(bare),
        owner="" if owns else _owner(array, root, known, pinned),
        holders=tuple(held),
        flags=flags_of(array),
        kind=part.kind if part.kind != "numpy" or type(array) is np.ndarray else f"numpy.{type(array).__name__}",
        pinned_nbytes=pinned,
        buffer=known.buffer(array),
    )
    structure = structure_of(bare.dtype)
    return replace(info, note=structure.sentence(bare.size)) if structure is not None else info


def _owner(array: np.ndarray, root: object, known: Reach, pinned: int) -> str:
    if not isinstance(root, np.ndarray):
        return f"a {type(root).__name__}"
    if root is array:
        return "memory of another library"
    return known.owner_path(array) or UNNAMED


def _foreign(part: Part) -> ArrayInfo:
    return ArrayInfo(
        name=part.path, shape=part.shape, dtype=part.dtype, nbytes=part.nbytes, owned_nbytes=part.nbytes,
        order="", kind=part.kind, pinned_nbytes=part.nbytes, on_device=part.on_device, buffer=part.identity,
    )  # fmt: skip


def _checked(info: ArrayInfo, array: np.ndarray | None, budget: Budget, looked: set[object]) -> ArrayInfo:
    """With what would fit; for the first of all that look at the same bytes, and not for views of a named array."""
    if array is None or info.buffer in looked or (info.owner and info.owner != UNNAMED):
        return info
    if info.owner == "":
        looked.add(info.buffer)
    found = fits(array, budget)
    return replace(info, smallest_dtype=found.exact, tried=found.tried, contents=contents_of(array))
