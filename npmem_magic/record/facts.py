"""Facts about names, noted when a line first runs: after the cell the names may hold something else.

For every line of followed code, once: what each name that the statement reads stands for, and, when the next line of
the same frame first runs, what the names stand for that it bound. No array is kept alive by it, and nothing of the
user's is called: only types that are known are looked into. `notice` says when lines run.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import ModuleType

import numpy as np

from ..buffers import address_of, owner_of
from ..standins import Unknown, Value, from_object


@dataclass(frozen=True)
class Fact:
    """What a name stood for.

    `value` is what stands for it in `standins`; `type_name` the name of its type; `dtype` that of an array, a scalar or
    a pandas object, None otherwise. For arrays: `address` of the owner's buffer, `owner_nbytes`, whether it is
    `writeable`, and `order` (``"C"``, ``"F"``, ``""``).
    """

    value: Value
    type_name: str
    dtype: object = None
    nbytes: int = 0
    address: int = 0
    owner_nbytes: int = 0
    writeable: bool = True
    order: str = ""


@dataclass(frozen=True)
class Noted:
    """A statement that ran: where, its function's name, what it read, and what it bound (as far as that was seen).

    `writes` are the names it wrote into (``x[...] = ``, ``x += ``).
    """

    filename: str
    line: int
    function: str
    before: Mapping[str, Fact]
    after: dict[str, Fact] = field(default_factory=dict)
    writes: tuple[str, ...] = ()


def fact_of(value: object) -> Fact:
    """The facts about one object."""
    stands = from_object(value)
    kind = type(value)
    if isinstance(value, np.ndarray):
        owner, flags = owner_of(value), value.flags
        order = "C" if flags.c_contiguous else "F" if flags.f_contiguous else ""
        return Fact(
            stands, kind.__name__, value.dtype, value.nbytes, address_of(owner), owner.nbytes, flags.writeable, order
        )
    if isinstance(value, np.generic):
        return Fact(stands, kind.__name__, value.dtype)
    if kind.__module__.partition(".")[0] == "pandas" and kind.__name__ in (
        "Series",
        "Index",
        "DatetimeIndex",
        "RangeIndex",
    ):
        return Fact(stands, kind.__name__, value.dtype)  # type: ignore[attr-defined]
    return Fact(stands, kind.__name__)


def stands_for(facts: Mapping[str, Fact], path: str) -> Value | None:
    """What a path stood for; None where nothing was noted under it."""
    fact = facts.get(path)
    if fact is None:
        return None
    return fact.value if not isinstance(fact.value, Unknown) else Unknown(f"{path}: {fact.value.why}")


def paths_read(statement: ast.stmt) -> Iterator[str]:
    """The places that a statement reads (its head, for a compound one): ``x``, ``self.w``, ``d['k']``, ``rows[0]``."""
    for part in _own_parts(statement):
        for node in ast.walk(part):
            if isinstance(node, ast.Name) or (isinstance(node, (ast.Attribute, ast.Subscript)) and _is_path(node)):
                yield ast.unparse(node)


def paths_bound(statement: ast.stmt) -> Iterator[str]:
    """The places that a statement binds."""
    match statement:
        case ast.Assign(targets=targets):
            found = targets
        case ast.AnnAssign(target=single) | ast.AugAssign(target=single):
            found = [single]
        case _:
            found = []
    for target in found:
        parts = target.elts if isinstance(target, (ast.Tuple, ast.List)) else [target]
        yield from (ast.unparse(part) for part in parts if _is_path(part))


def names_written(statement: ast.stmt) -> Iterator[str]:
    """The names of what a statement writes into: ``x`` of ``x[1:] = 0``, ``x += 1`` and ``np.add(a, b, out=x)``."""
    match statement:
        case ast.Assign(targets=targets):
            written: list[ast.expr] = [each for each in targets if isinstance(each, (ast.Subscript, ast.Attribute))]
        case ast.AugAssign(target=single):
            written = [single]
        case _:
            written = []
    calls = [node for part in _own_parts(statement) for node in ast.walk(part) if isinstance(node, ast.Call)]
    outs = [each.value for call in calls for each in call.keywords if each.arg == "out"]
    for target in (*written, *outs):
        name = next((node.id for node in ast.walk(target) if isinstance(node, ast.Name)), None)
        if name is not None:
            yield name


def _own_parts(statement: ast.stmt) -> list[ast.AST]:
    """The statement itself, or the head of a compound one."""
    match statement:
        case ast.For() | ast.AsyncFor():
            return [statement.iter]
        case ast.While(test=test) | ast.If(test=test):
            return [test]
        case ast.With(items=items) | ast.AsyncWith(items=items):
            return list(items)
        case ast.Match(subject=subject):
            return [subject]
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef() | ast.Try():
            return []
    return [statement]


def _is_path(node: ast.expr) -> bool:
    match node:
        case ast.Name():
            return True
        case ast.Attribute(value=inner) | ast.Subscript(value=inner, slice=ast.Constant(value=str() | int())):
            return _is_path(inner)
    return False


Look = Callable[[str], tuple[bool, object]]  # of a name: whether it is bound, and to what


def facts_at(paths: tuple[str, ...], look: Look) -> dict[str, Fact]:
    found = {}
    for path in paths:
        is_there, value = _follow(ast.parse(path, mode="eval").body, look)
        if is_there:
            found[path] = fact_of(value)
    return found


def _follow(node: ast.AST, look: Look) -> tuple[bool, object]:
    """(whether it is there, the object) at a path, by the containers' own functions only."""
    if isinstance(node, ast.Name):
        return look(node.id)
    if not isinstance(node, (ast.Attribute, ast.Subscript)):
        return False, None
    is_there, owner = _follow(node.value, look)
    if not is_there:
        return False, None
    if isinstance(node, ast.Attribute):
        inner = _attributes(owner)
        return node.attr in inner, inner.get(node.attr)
    key = ast.literal_eval(node.slice)
    if type(owner) is dict:
        return key in owner, owner.get(key)
    if type(owner) in (list, tuple) and type(key) is int and -len(owner) <= key < len(owner):  # type: ignore[arg-type]
        return True, owner[key]  # type: ignore[index]
    return False, None


def _attributes(owner: object) -> Mapping[str, object]:
    if isinstance(owner, (np.ndarray, np.generic, type)):
        return {}
    try:
        found = object.__getattribute__(owner, "__dict__")
    except AttributeError:
        return {}
    return found if type(found) is dict or type(owner) is ModuleType else {}
