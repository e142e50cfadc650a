"""Count and look up by label, without a one-hot matrix; where one is needed, in bytes.

Why
---
``np.eye(k)[labels]`` takes 8 bytes for each zero. A product with it is a look-up or a count, and needs none.

Given
-----
    labels = np.arange(100_000) % 10
    v = np.ones(100_000)

Instead of
----------
    s = np.eye(10)[labels].T @ v

Write
-----
    s = np.bincount(labels, weights=v, minlength=10)

Keeps
-----
close
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..rewriting.calls import call_of
from ..rewriting.exchange import exchange
from ..rewriting.narrowing import narrowed, with_dtype
from ..rewriting.patterns import expressions, find
from ..rewriting.suggestion import CLOSE, Suggestion
from ..rewriting.text import module_name, splice
from ..rewriting.view import CellView, Statement

WHY = "A one-hot matrix is almost all zeros; what is made of it here can be had from the labels."
BYTES = "A one-hot matrix holds only zeros and ones; as truth values it takes an eighth."
_EYES = ("eye(_k)", "identity(_k)", "eye(_k, dtype=_t)", "identity(_k, dtype=_t)")
_FORMS = tuple(
    (pattern.replace("{eye}", eye), template)
    for eye in _EYES
    for pattern, template in (
        ("{eye}[_l].T @ _v", "{np}.bincount({l}, weights={v}, minlength={k})"),
        ("_v @ {eye}[_l]", "{np}.bincount({l}, weights={v}, minlength={k})"),
        ("sum({eye}[_l], axis=0)", "{np}.bincount({l}, minlength={k}).astype(float)"),
        ("mean({eye}[_l], axis=0)", "{np}.bincount({l}, minlength={k}) / {l}.size"),
        ("{eye}[_l] @ _w", "{w}[{l}]"),
        ("dot({eye}[_l], _w)", "{w}[{l}]"),
    )
)


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """Products with ``np.eye(k)[labels]`` and its sums; the matrix itself, or ``H[rows, labels] = 1``."""
    for statement in cell.statements:
        for pattern, template in _FORMS:
            for match in find(statement, pattern):
                yield from exchange(match, template, WHY, keeps=CLOSE)
        numpy = module_name(statement)
        for node in expressions(statement) if numpy is not None else ():
            if _is_one_hot(statement, node):
                text = with_dtype(statement, node, "bool")
                if text is not None:
                    old = getattr(statement.array(node), "dtype", "float64")
                    yield narrowed(statement, (splice(statement, [(node, text)]),), BYTES, old, "bool")


def _is_one_hot(statement: Statement, node: ast.expr) -> bool:
    """Whether a call makes what becomes a one-hot matrix: an identity that is indexed, or zeros with ones put in."""
    call, parent = call_of(node, statement), statement.cell.parents.get(node)
    array = statement.array(node)
    if call is None or array is None or array.dtype.itemsize == 1:
        return False
    if call.name in ("eye", "identity"):
        return isinstance(parent, ast.Subscript) and parent.value is node
    match statement.node:
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if value is node and call.name.startswith("zeros"):
            return any(_puts_ones(each.node, name) for each in statement.cell.statements)
    return False


def _puts_ones(node: ast.stmt, name: str) -> bool:
    match node:
        case ast.Assign(
            targets=[ast.Subscript(value=ast.Name(id=used), slice=key)], value=ast.Constant(value=1 | True)
        ):
            return used == name and not isinstance(key, ast.Slice | ast.Constant)
    return False
