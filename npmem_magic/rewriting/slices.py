"""Element-wise expressions written for one block of their arrays."""

from __future__ import annotations

import ast

from ..standins import Array, Known
from .blowups import replaced
from .calls import call_of
from .operations import is_elementwise, operation
from .text import tight
from .view import Statement

_ELEMENTWISE = frozenset({"where", "isclose", "nan_to_num", "sinc", "i0", "angle", "real", "imag"})


class Blocks:
    """Writes an element-wise expression whose arrays are all of one shape for the block ``[start:stop]`` of each.

    `whole` is the text of one of the arrays; `hoisted` are scalars to be computed before, by their new names.
    """

    def __init__(self, statement: Statement, block: str) -> None:
        self._at, self._block = statement, block
        self.whole = ""
        self.hoisted: dict[str, str] = {}

    def of(self, root: ast.expr, shape: tuple[int, ...]) -> str | None:
        """The text of `root` for one block; None where a part of it is no plain array or number."""
        changes: list[tuple[ast.expr, str]] = []
        for leaf in parts(self._at, root):
            array, value = self._at.array(leaf), self._at.value(leaf)
            if (
                array is not None
                and array.shape == shape
                and isinstance(leaf, ast.Name | ast.Attribute | ast.Subscript)
            ):
                text = tight(self._at, leaf)
                self.whole = self.whole or text
                changes.append((leaf, f"{text}[{self._block}]"))
            elif array is not None and len(array.shape) < len(shape) and isinstance(leaf, ast.Name):
                continue
            elif array is not None or not (isinstance(value, Known) or (isinstance(value, Array) and not value.shape)):
                return None
            elif isinstance(leaf, ast.Call) or any(isinstance(each, ast.Call) for each in ast.walk(leaf)):
                self.hoisted[f"part{len(self.hoisted) + 1}"] = self._at.source(leaf)
                changes.append((leaf, f"part{len(self.hoisted)}"))
        return replaced(self._at, root, changes) if self.whole else None


def parts(statement: Statement, node: ast.expr) -> list[ast.expr]:
    """The operands of an element-wise expression, ``where`` and ``clip`` among the operations."""
    op, call = operation(node, statement), call_of(node, statement)
    if op is not None and is_elementwise(op):
        inner = op.operands
    elif call is not None and call.name in _ELEMENTWISE and len(call.arguments) in (1, 3):
        inner = tuple(call.arguments.values())
    else:
        return [node]
    return [leaf for each in inner for leaf in parts(statement, each)]
