"""Which names of a namespace hold which NumPy buffers. A leaf: it looks, and keeps no reference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from types import FunctionType, ModuleType

import numpy as np

_CONTAINER_LIMIT = 10_000  # items of one container looked at; a longer one is named by its first ones


def owner_of(array: np.ndarray) -> np.ndarray:
    """The array at the end of `array`'s chain of bases that are arrays: the one whose buffer it looks into."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def address_of(array: np.ndarray) -> int:
    """The address of the first byte of the buffer."""
    address: int = array.__array_interface__["data"][0]
    return address


def named_buffers(namespace: Mapping[str, object]) -> dict[int, tuple[str, int]]:
    """Address of each buffer that a name reaches, with that name and the owner's bytes.

    Looked at: arrays, and arrays one level down in lists, tuples, dicts and attributes (``rows[0]``, ``d['k']``,
    ``model.weights``). A plain name wins over a container, and a user's name over IPython's ``_`` and ``Out``.
    """
    found: dict[int, tuple[str, int]] = {}
    plain = [(name, value) for name, value in namespace.items() if isinstance(value, np.ndarray)]
    for name, array in sorted(plain, key=lambda pair: pair[0].startswith("_")):
        _note(found, name, array)
    for name, value in list(namespace.items()):
        if not name.startswith("_") and not isinstance(value, np.ndarray):
            for inner, array in inside(name, value):
                _note(found, inner, array)
    return found


def named_owners(namespace: Mapping[str, object]) -> dict[int, np.ndarray]:
    """Address of each buffer that a name reaches, with the array that owns it; looked at as in `named_buffers`."""
    found: dict[int, np.ndarray] = {}
    for value in list(namespace.values()):
        for owner in map(owner_of, arrays_in(value)):
            if owner.flags.owndata:
                found[address_of(owner)] = owner
    return found


def arrays_in(value: object) -> list[np.ndarray]:
    """`value` when it is an array, else the arrays one level down in it."""
    return [value] if isinstance(value, np.ndarray) else [array for _, array in inside("", value)]


def _note(found: dict[int, tuple[str, int]], name: str, array: np.ndarray) -> None:
    owner = owner_of(array)
    if owner.flags.owndata:
        found.setdefault(address_of(owner), (name, owner.nbytes))


def inside(name: str, value: object) -> Iterator[tuple[str, np.ndarray]]:
    """The arrays one level down. Copies first: another thread may change a container while it is looked through."""
    pairs: list[tuple[str, object]] = []
    # Exact types only: a subclass may run code of its own when it is looked through.
    if type(value) is list or type(value) is tuple:
        pairs = [(f"{name}[{at}]", item) for at, item in enumerate(value[:_CONTAINER_LIMIT])]
    elif type(value) is dict:
        pairs = [(f"{name}[{key!r}]", item) for key, item in _items(value) if type(key) in (str, int)]
    elif not isinstance(value, (type, ModuleType, FunctionType)):
        pairs = [(f"{name}.{key}", item) for key, item in _items(attributes(value))]
    for label, item in pairs:
        if isinstance(item, np.ndarray):
            yield label, item


def _items(mapping: dict[object, object]) -> list[tuple[object, object]]:
    return list(islice(mapping.copy().items(), _CONTAINER_LIMIT))


def attributes(value: object) -> dict[object, object]:
    """The instance's own attributes, read past any ``__getattr__`` of its class; none where it keeps none."""
    try:
        found = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return {}
    return found if type(found) is dict else {}
