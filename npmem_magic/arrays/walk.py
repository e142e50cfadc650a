"""Everything that a namespace reaches: names, one level inside of containers and objects, closures, tracebacks.

Only types that are known are looked into, by functions of their own type; of all others Python's collector says what
they refer to. So no code of the user's runs: no ``__repr__``, no property, no iteration.
"""

from __future__ import annotations

import functools
import gc
import re
import sys
from collections import OrderedDict, defaultdict, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from types import (
    BuiltinMethodType,
    CellType,
    FunctionType,
    GeneratorType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
    TracebackType,
)  # fmt: skip
from typing import Any

import numpy as np

LIMIT = 10_000  # items of one container that are looked at
_OUTPUT = re.compile(r"_+\d*$")  # ``_``, ``__``, ``_12``: IPython's names for what cells gave
_HIDDEN = re.compile(r"_+\d*$|_i+$|_i\d+$|_oh$|_ih$|_dh$|In$|Out$|exit$|quit$|get_ipython$")
_KEYS = (str, int, float, bool, bytes, type(None))
_mro = type.__dict__["__mro__"].__get__  # past whatever a metaclass says
_dict_of_type = type.__dict__["__dict__"].__get__
_DICTS = (dict, OrderedDict, defaultdict)


@dataclass(frozen=True)
class Reached:
    """One way to an object: `path` as one would write or say it, `kind` what sort of way, `value` the object.

    Kinds: ``name``, ``output`` (``Out[3]``, ``_``), ``item``, ``attribute``, ``closure``, ``default``, ``traceback``,
    ``method``, ``buffer``, ``other``.
    """

    path: str
    kind: str
    value: Any


def is_hidden(name: str) -> bool:
    """Whether a name is IPython's own record keeping."""
    return bool(_HIDDEN.match(name))


def reach(namespace: Mapping[str, object]) -> Iterator[Reached]:
    """Every way from the names of a namespace to an object, at most one level inside of what a name holds."""
    outputs = namespace.get("Out")
    for name, value in list(namespace.items()):
        if is_hidden(name) and not _OUTPUT.match(name):
            continue
        yield Reached(name, "output" if _OUTPUT.match(name) else "name", value)
    if isinstance(outputs, dict):
        for number, value in list(dict.items(outputs)):
            yield Reached(f"Out[{number!r}]", "output", value)
    for name, value in list(namespace.items()):
        if not is_hidden(name) and not isinstance(value, np.ndarray):
            yield from inside(name, value)
    yield from _stored_errors(namespace)


def inside(name: str, value: Any) -> Iterator[Reached]:
    """What lies one level inside of an object."""
    kind = type(value)
    if kind in (list, tuple, deque):
        yield from (Reached(f"{name}[{at}]", "item", item) for at, item in enumerate(islice(value, LIMIT)))
    elif kind in _DICTS:
        pairs = islice(list(dict.items(value)), LIMIT)
        yield from (Reached(f"{name}[{_key(key)}]", "item", item) for key, item in pairs)
    elif kind in (set, frozenset):
        yield from (Reached(f"an item of {name}", "item", item) for item in islice(list(value), LIMIT))
    elif kind is FunctionType:
        yield from _of_function(name, value)
    elif kind is MethodType:
        yield from (
            Reached(f"{name}.{each.path}", each.kind, each.value) for each in inside("__self__", value.__self__)
        )
    elif kind is BuiltinMethodType:
        yield Reached(f"the method {name}", "method", value.__self__)
    elif kind is functools.partial:
        yield from (
            Reached(f"an argument of {name}", "default", each) for each in (*value.args, *value.keywords.values())
        )
    elif kind is memoryview:
        yield Reached(f"the memoryview {name}", "buffer", value.obj)
    elif kind is np.flatiter:
        yield Reached(f"the iterator {name}", "buffer", value.base)
    elif isinstance(value, (type, ModuleType, str, bytes, int, float, complex, np.generic, np.dtype)) or value is None:
        return
    elif isinstance(value, BaseException):
        yield from _of_traceback(f"the traceback of {name}", value.__traceback__, {})
    else:
        yield from _of_object(name, value)


def _key(key: object) -> str:
    return repr(key) if type(key) in _KEYS else f"a {type(key).__name__}"


def _of_function(name: str, function: FunctionType) -> Iterator[Reached]:
    for variable, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=False):
        try:
            yield Reached(f"{variable} in the closure of {name}", "closure", cell.cell_contents)
        except ValueError:  # an empty cell: the variable has been deleted
            continue
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    defaults = function.__defaults__ or ()
    for variable, value in zip(names[len(names) - len(defaults) :], defaults, strict=False):
        yield Reached(f"{variable}, a default of {name}", "default", value)
    for variable, value in (function.__kwdefaults__ or {}).items():
        yield Reached(f"{variable}, a default of {name}", "default", value)


def _of_object(name: str, value: Any) -> Iterator[Reached]:
    attributes = attributes_of(value)
    for key, item in islice(attributes.items(), LIMIT):
        if type(key) is str:
            yield Reached(f"{name}.{key}", "attribute", item)
    # Whatever else it refers to, as the collector knows it: generators, iterators, objects of C extensions.
    seen = {id(item) for item in attributes.values()}
    found = gc.get_referents(value)
    if type(value) is GeneratorType and value.gi_frame is not None:
        found = found + gc.get_referents(value.gi_frame)
    for item in found[:LIMIT]:
        if id(item) in seen:
            continue
        if isinstance(item, (np.ndarray, memoryview)):
            yield Reached(f"something in {name}", "other", item if isinstance(item, np.ndarray) else item.obj)
        elif type(item) is CellType:
            yield from (Reached(f"something in {name}", "other", each) for each in gc.get_referents(item))


def attributes_of(value: Any) -> dict[str, Any]:
    """An instance's own attributes, those in slots included, past any ``__getattr__`` and any property."""
    found: dict[str, Any] = {}
    try:
        own = object.__getattribute__(value, "__dict__")
    except AttributeError:
        own = {}
    if type(own) is dict:
        found.update(own)
    for base in _mro(type(value)):
        slots = _dict_of_type(base)
        for key, slot in slots.items():
            if type(slot) is MemberDescriptorType and "__slots__" in slots:
                try:
                    found.setdefault(key, slot.__get__(value))
                except AttributeError:  # a slot that is not filled
                    continue
    return found


def _stored_errors(namespace: Mapping[str, object]) -> Iterator[Reached]:
    """What the frames of the last uncaught error hold."""
    error = getattr(sys, "last_exc", None) or getattr(sys, "last_value", None)
    if isinstance(error, BaseException):
        yield from _of_traceback(f"the stored traceback of {type(error).__name__}", error.__traceback__, namespace)


def _of_traceback(what: str, link: TracebackType | None, namespace: Mapping[str, object]) -> Iterator[Reached]:
    while link is not None:
        frame, link = link.tb_frame, link.tb_next
        if frame.f_code.co_flags & 1:  # a function's: its locals are its own
            for name, value in list(frame.f_locals.items()):
                yield Reached(f"{name} in {frame.f_code.co_name}, kept by {what}", "traceback", value)
