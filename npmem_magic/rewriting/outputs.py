"""Calls that write their result into an array given as ``out=``, and expressions that make such an array."""

from __future__ import annotations

import ast

from ..standins import Array
from ..standins.values import words
from .calls import call_of
from .chain import Writer, chain_of
from .operations import is_same_kind, operation
from .randoms import FLOATS, generator_method
from .text import module_name, whole
from .view import Statement

_TAKE_OUT = words(
    "dot matmul cumsum cumprod clip round around sum mean std var max min prod any all take compress choose einsum "
    "concatenate stack outer trace argmax argmin median percentile quantile nanmean fft.fft fft.ifft"
)


def output_call(statement: Statement, node: ast.expr, buffer: str) -> str | None:
    """The statement that computes `node` into the array called `buffer`; None where NumPy offers none."""
    numpy = module_name(statement)
    if numpy is None:
        return None
    if generator_method(node, statement) in FLOATS and isinstance(node, ast.Call) and len(node.args) == 1:
        return f"{statement.source(node.func)}(out={buffer})" if not node.keywords else None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        return f"{numpy}.matmul({statement.source(node.left)}, {statement.source(node.right)}, out={buffer})"
    op = operation(node, statement)
    if op is not None:
        given = ", ".join(statement.source(each) for each in op.operands)
        return f"{numpy}.{op.function}({given}, out={buffer})"
    call = call_of(node, statement)
    if call is None or "out" in call.arguments:
        return None
    if call.name in _TAKE_OUT:
        text = statement.source(call.node)
        return f"{text[:-1].rstrip().rstrip(',')}, out={buffer})" if call.node.args or call.node.keywords else None
    return None


def computed_into(statement: Statement, node: ast.expr, buffer: str) -> list[str] | None:
    """The statements that compute `node`, which does not read it, into the array called `buffer`; None where that
    cannot be done."""
    chain, result = chain_of(statement, node), statement.array(node)
    start = node if chain is None else chain.start
    first = output_call(statement, start, buffer)
    if first is None or chain is None or not chain.steps:
        return first if first is None else [first]
    writer = Writer(statement, buffer)
    if not is_same_kind(statement.array(start), result) or not writer.write(chain, from_buffer=False):
        return None
    return [first, *writer.lines[1:]] if len(writer.lines) == len(chain.steps) + 1 else None


def room_for(statement: Statement, node: ast.expr, result: Array) -> str | None:
    """An expression that makes an array for the result of `node`, from names of the statement; None without any."""
    numpy = module_name(statement)
    if numpy is None:
        return None
    for each in ast.walk(node):
        if isinstance(each, ast.Name) and is_same_kind(statement.array(each), result):
            return f"{numpy}.empty_like({each.id})"
    dtype = "" if result.dtype == float else f", {numpy}.{result.dtype.name}"
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        sides = _matrix_sides(statement, node, result)
        return None if sides is None else f"{numpy}.empty({sides}{dtype})"
    for each in ast.walk(node):
        if isinstance(each, ast.Name) and (array := statement.array(each)) is not None and array.shape == result.shape:
            return f"{numpy}.empty({each.id}.shape{dtype})"
    return f"{numpy}.empty({result.shape}{dtype})"


def _matrix_sides(statement: Statement, node: ast.BinOp, result: Array) -> str | None:
    if len(result.shape) != 2 or statement.array(node.left) is None or statement.array(node.right) is None:
        return None
    left, right = whole(statement.source(node.left)), whole(statement.source(node.right))
    if isinstance(node.left, ast.Name | ast.Attribute) and isinstance(node.right, ast.Name | ast.Attribute):
        return f"({left}.shape[0], {right}.shape[1])"
    return str(result.shape)
