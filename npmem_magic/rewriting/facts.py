"""What each name was when a statement began: noted during the run, because afterwards it may be gone.

A note keeps no reference to an array, allocates none, and runs no code of the user's.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

import numpy as np

from ..arrays.holders import SEEN, in_place, is_only_reference, obstacle
from ..cell import Cell
from ..standins import Known, Unknown, Value, from_object

_ITEMS = 64  # of a list or tuple that are looked at
_MASKED = f"{np.ma.MaskedArray.__module__}.MaskedArray"
_LARGE = 1 << 20  # bytes from which on it is worth saying who else looks at an array
Path = tuple[str | int, ...]


@dataclass(frozen=True)
class NameFact:
    """What a name (or a path such as ``d['x']``) held.

    Attributes
    ----------
    value : Value
        The stand-in: shape and dtype of an array, the value of a number, why nothing is known of anything else.
    kind : str
        Module and name of its exact type, such as ``numpy.ndarray`` or ``pandas.core.frame.DataFrame``.
    identity : int
        Its `id`, to see whether a later object is the same one. It keeps nothing alive.
    obstacle : str
        Why an array must not be overwritten in place, in words that follow "because"; empty where it may be.
    c_contiguous, f_contiguous, owns, writeable : bool
        Of an array; False for anything else.
    """

    value: Value
    kind: str
    identity: int
    obstacle: str = "it is no array"
    c_contiguous: bool = False
    f_contiguous: bool = False
    owns: bool = False
    writeable: bool = False


Names = Mapping[str, NameFact]


@dataclass(frozen=True)
class Noted:
    """All notes of one run.

    Attributes
    ----------
    statements : sequence of mappings
        For each top-level statement that began, what the names it mentions were then.
    ended : mapping
        What the names that the cell mentions were in the end.
    modules_before, modules_after : mapping of str to str
        The names of modules, and which module each is, before the run and after it.
    taken : frozenset of str
        Every name of the namespace.
    outputs : mapping of int to str
        Large arrays that IPython keeps as outputs, by their `id`: ``Out[3]``.
    """

    statements: Sequence[Names] = ()
    ended: Names = field(default_factory=dict)
    modules_before: Mapping[str, str] = field(default_factory=dict)
    modules_after: Mapping[str, str] = field(default_factory=dict)
    taken: frozenset[str] = frozenset()
    outputs: Mapping[int, str] = field(default_factory=dict)


class Notes:
    """Takes the notes of one run. `before_statement` is called before each top-level statement of the cell."""

    def __init__(self, cell: Cell, tree: ast.Module) -> None:
        self._namespace = cell.namespace
        self._wanted = [tuple(dict.fromkeys(_paths(statement))) for statement in tree.body]
        self._updated = [set(_updates(statement)) for statement in tree.body]
        # An AST transformer may have made other statements of the text; notes would then go with the wrong ones.
        self._is_usable = len(cell.steps) - len(tree.body) in (0, 1)
        self._modules = _modules(self._namespace)
        self._count = 0
        self._taken: list[Names] = []

    def before_statement(self) -> None:
        """Note the names that the statement about to run mentions."""
        if self._is_usable and self._count < len(self._wanted):
            self._taken.append(note(self._namespace, self._wanted[self._count], self._updated[self._count]))
        self._count += 1

    def afterwards(self) -> Noted:
        """The notes, with what the names are now."""
        every = tuple(dict.fromkeys(path for paths in self._wanted for path in paths))
        names = self._namespace
        taken = frozenset(name for name in names if type(name) is str)
        kept = _outputs(names)
        return Noted(tuple(self._taken), note(names, every), self._modules, _modules(names), taken, kept)


def _modules(namespace: Mapping[str, Any]) -> dict[str, str]:
    return {name: value.__name__ for name, value in list(namespace.items()) if type(value) is ModuleType}


def _outputs(namespace: Mapping[str, Any]) -> dict[int, str]:
    kept = namespace.get("Out")
    return {
        id(value): f"Out[{number}]"
        for number, value in (list(kept.items()) if type(kept) is dict else ())
        if type(value) is np.ndarray and value.nbytes >= _LARGE
    }


def note(namespace: dict[str, Any], paths: Sequence[Path], updated: Collection[Path] = ()) -> Names:
    """What each of `paths` leads to; paths that lead nowhere are left out.

    For those `updated` it is said by name who else looks at a large array: it may be written in place, or may not.
    """
    return {text_of(path): fact for path in paths for fact in _fact(namespace, path, path in updated)}


def text_of(path: Sequence[str | int]) -> str:
    """A path as it is written: ``x``, ``d['k']``, ``rows[0]``, ``model.w``. Attributes are marked by a leading dot."""
    text = str(path[0])
    for part in path[1:]:
        text += part if isinstance(part, str) and part.startswith(".") else f"[{part.lstrip('=')!r}]" if isinstance(
            part, str
        ) else f"[{part}]"  # fmt: skip
    return text


def path_of(node: ast.AST) -> Path | None:
    """The path that an expression spells; None where it is no path. A text key is marked by a leading ``=``."""
    match node:
        case ast.Name(id=name):
            return (name,)
        case ast.Attribute(value=inner, attr=attr):
            above = path_of(inner)
            return None if above is None else (*above, f".{attr}")
        case ast.Subscript(value=inner, slice=ast.Constant(value=(str() | int()) as key)) if not isinstance(key, bool):
            above = path_of(inner)
            return None if above is None else (*above, f"={key}" if isinstance(key, str) else key)
    return None


def _paths(statement: ast.stmt) -> Iterator[Path]:
    for node in ast.walk(statement):
        if isinstance(node, ast.Name | ast.Attribute | ast.Subscript) and (path := path_of(node)) is not None:
            yield path


def _updates(statement: ast.stmt) -> Iterator[Path]:
    """The paths that a statement both reads and binds, or deletes."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Delete):
            yield from (path for target in node.targets if (path := path_of(target)) is not None)
        if isinstance(node, ast.Assign):
            read = {path_of(each) for each in ast.walk(node.value)}
            yield from (path for target in node.targets if (path := path_of(target)) is not None and path in read)


def _fact(namespace: dict[str, Any], path: Path, is_updated: bool) -> Iterator[NameFact]:
    """The one fact, or none."""
    found = _step_into(namespace, path)
    if found is None:
        return
    holder, key = found
    value = holder[key]
    if not isinstance(value, np.ndarray):
        yield NameFact(_stand_in(value), _kind(value), id(value))
        return
    stand_in, kind, identity, flags = from_object(value), _kind(value), id(value), value.flags
    order = bool(flags.c_contiguous), bool(flags.f_contiguous), bool(flags.owndata), bool(flags.writeable)
    nbytes = value.nbytes
    del value, flags  # or the count of references would be one too high
    why = obstacle(holder, key) if isinstance(holder, dict) else "it is an item of a list"
    if kind == _MASKED and isinstance(holder, dict):
        why = "" if is_only_reference(holder, key) else SEEN
    if why == SEEN and is_updated and nbytes >= _LARGE:
        why = in_place(holder, key).why
    yield NameFact(stand_in, kind, identity, why, *order)


def _step_into(namespace: dict[str, Any], path: Path) -> tuple[Any, Any] | None:
    """The container at the end of the path, and the key in it. Exact types only, so that no code of theirs runs."""
    holder: Any = namespace
    key: Any = path[0]
    if key not in holder or (len(path) > 1 and isinstance(holder[key], ModuleType)):
        return None
    for part in path[1:]:
        value = holder[key]
        if isinstance(part, str) and part.startswith("."):
            holder, key = _attributes(value), part[1:]
        elif type(value) is dict or type(value) is list or type(value) is tuple:
            holder, key = value, part[1:] if isinstance(part, str) else part
        else:
            return None
        is_there = key in holder if type(holder) is dict else isinstance(key, int) and -len(holder) <= key < len(holder)
        if not is_there:
            return None
    return holder, key


def _attributes(value: object) -> dict[str, Any]:
    try:
        found = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return {}
    return found if type(found) is dict and not isinstance(value, type) else {}


def _kind(value: object) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"


def _stand_in(value: object) -> Value:
    if (type(value) is list or type(value) is tuple) and value and len(value) <= _ITEMS:
        parts = [from_object(item) for item in value]
        if any(not isinstance(part, Known | Unknown) for part in parts):
            return Known(type(value)(parts))
    if isinstance(value, ModuleType | FunctionType | BuiltinFunctionType | type):
        return Known(value)
    return from_object(value)
