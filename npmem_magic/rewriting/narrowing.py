"""Expressions computed in a narrower dtype from the start, rather than cast down at the end."""

from __future__ import annotations

import ast

import numpy as np

from ..standins import Array
from .blowups import leaves
from .calls import call_of
from .chain import Writer, chain_of
from .dependents import affected
from .operations import Operation, operation
from .suggestion import ASK, Suggestion
from .text import module_name, whole
from .view import Statement

MAKERS = frozenset({"ones", "zeros", "empty", "full", "ones_like", "zeros_like", "empty_like", "full_like", "arange",
                    "eye", "identity", "tri"})  # fmt: skip


def narrowed(
    statement: Statement, lines: tuple[str, ...], why: str, old: object, new: str, effort: int = 0
) -> Suggestion:
    """The suggestion to write `lines`, by which what the statement binds is of dtype `new` instead of `old`.

    The names made from it later may change their dtype too; the proof compares their values.
    """
    names = affected(statement)
    words = ", ".join(f"`{name}`" for name in names)
    caveat = f"{words} {'is' if len(names) == 1 else 'are'} {new} instead of {old}"
    return Suggestion(statement, statement, lines, why, ASK, caveat, narrower=names, effort=effort)


def with_dtype(statement: Statement, node: ast.expr, dtype: str) -> str | None:
    """The text of a call that makes an array, the array being of `dtype` (a text, with its module)."""
    call = call_of(node, statement)
    if call is None or call.name not in MAKERS:
        return None
    old = call.arguments.get("dtype")
    text = statement.source(node)
    if old is not None:
        begin = len(text.encode()) - 1
        for each in ast.walk(node):
            if each is old and old.lineno == node.lineno:
                begin = old.col_offset - node.col_offset
                end = (old.end_col_offset or 0) - node.col_offset
                return (text.encode()[:begin] + dtype.encode() + text.encode()[end:]).decode()
        return None
    return f"{text[:-1].rstrip().rstrip(',')}, dtype={dtype})"


def uncast(statement: Statement, node: ast.expr) -> ast.expr:
    """What is cast, where `node` is a cast of integers to float64: one of float32 is meant as it is written."""
    call, inner = call_of(node, statement), node
    if call is None:
        return node
    if call.name == "astype" and call.has_only("a", "dtype", "copy"):
        inner = call.arguments["a"]
    elif call.name in ("asarray", "array", "numpy.float64") and len(call.arguments) in (1, 2) and call.node.args:
        inner = call.node.args[0]
    array = statement.array(inner)
    return inner if array is not None and array.dtype.kind in "iub" else node


def wide_leaves(statement: Statement, root: ast.expr, result: Array) -> list[ast.expr]:
    """The operands that are wide themselves, and so would lose digits: large arrays of the result's dtype."""
    found = []
    for leaf in leaves(statement, root):
        inner = uncast(statement, leaf)
        array = statement.array(inner)
        is_made = with_dtype(statement, inner, "") is not None
        if array is not None and array.dtype == result.dtype and not is_made and array.size * 16 > result.size:
            found.append(leaf)
    return found


def computed(statement: Statement, op: Operation, dtype: str) -> str | None:
    """One operation, done in `dtype`: ``np.multiply(a, b, dtype=np.float32)``."""
    numpy = module_name(statement)
    if numpy is None or op.function in ("clip", "round", "around", "cumsum", "cumprod"):
        return None
    given = ", ".join(_operand(statement, each, dtype) for each in op.operands)
    return f"{numpy}.{op.function}({given}, dtype={dtype})"


def _operand(statement: Statement, node: ast.expr, dtype: str) -> str:
    return with_dtype(statement, node, dtype) or statement.source(uncast(statement, node))


def computed_lines(statement: Statement, name: str, root: ast.expr, dtype: str) -> tuple[str, ...] | None:
    """Statements that compute `root` in `dtype` into `name`, each operation in the array of the first one."""
    chain = chain_of(statement, root)
    if chain is None:
        return None
    start, steps = chain.start, list(chain.steps)
    op = operation(start, statement)
    made = with_dtype(statement, start, dtype)
    if made is not None:
        first: str | None = made
    elif op is None and steps and uncast(statement, start) is not start:
        first = computed(statement, steps.pop(0)[0], dtype)
    else:
        first = computed(statement, op, dtype) if op is not None else None
    if first is None:
        return None
    writer = Writer(statement, name)
    rest = type(chain)(start, tuple(steps), chain.result)
    if not writer.write(rest, from_buffer=False) or len(writer.lines) != len(steps) + 1:
        return None
    return (f"{name} = {whole(first)}", *writer.lines[1:])


def cast_of(node: ast.expr, statement: Statement) -> tuple[ast.expr, ast.expr | None] | None:
    """(what is cast, the dtype it is cast to) of a cast; the dtype is None where the function says it."""
    call = call_of(node, statement)
    match node:
        case ast.Call(func=ast.Attribute(value=inner, attr="astype"), args=[dtype], keywords=[]) if call is None:
            return inner, dtype  # a method of what is not known: np.random.default_rng(1).random(n).astype(t)
    if call is None:
        return None
    if call.name == "astype" and call.has_only("a", "dtype", "copy"):
        return call.arguments["a"], call.arguments.get("dtype")
    if call.name in ("asarray", "array") and "dtype" in call.arguments and call.node.args:
        return call.node.args[0], call.arguments["dtype"]
    if (
        call.name.startswith("numpy.")
        and isinstance(getattr(np, call.name[6:], None), type)
        and len(call.node.args) == 1
    ):
        return call.node.args[0], None
    return None


def made_narrowly(statement: Statement, root: ast.expr, dtype: str) -> list[tuple[ast.expr, str]]:
    """The arrays that are made for an expression of float32 alone, with their text in `dtype`; none where anything
    else in it would widen the result."""
    changes: list[tuple[ast.expr, str]] = []
    for leaf in leaves(statement, root):
        text, array, value = with_dtype(statement, leaf, dtype), statement.array(leaf), statement.value(leaf)
        if text is not None:
            changes.append((leaf, text))
        elif (array is None or array.dtype != "f4") and type(getattr(value, "value", None)) not in (int, float):
            return []
    return changes
