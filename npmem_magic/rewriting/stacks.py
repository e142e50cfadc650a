"""Arrays that are copied into one: lists of them that are reduced, and columns of a matrix."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator

from ..standins import Known
from .calls import call_of
from .loops import count_of
from .text import module_name, tight
from .view import Statement

_SIGNS = {"sum": " + ", "nansum": "", "prod": " * ", "any": " | ", "all": " & ", "mean": " + ", "average": " + "}
_PAIRS = {"max": "maximum", "min": "minimum", "amax": "maximum", "amin": "minimum", "nanmax": "fmax", "nanmin": "fmin",
          "any": "logical_or", "all": "logical_and"}  # fmt: skip
_UFUNCS = {"add": " + ", "multiply": " * ", "logical_or": " | ", "logical_and": " & ", "bitwise_or": " | ",
           "bitwise_and": " & "}  # fmt: skip
_STACKS = frozenset({"array", "stack", "vstack", "asarray", "concatenate"})


def reduction(statement: Statement, node: ast.Call) -> tuple[str, ast.expr] | None:
    """(what is done, the list) where `node` reduces over the first axis."""
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Attribute(attr=ufunc), attr="reduce"), args=[listed, *rest]):
            is_first = not node.keywords and (not rest or ast.unparse(rest[0]) == "0")
            return (f"{ufunc}.reduce", listed) if is_first or ast.unparse(node.keywords[0]) == "axis=0" else None
    call = call_of(node, statement)
    if call is None or len(call.arguments) != 2 or call.name not in {*_SIGNS, *_PAIRS}:
        return None
    listed, axis = call.arguments.values()
    return (call.name, listed) if "axis" in call.arguments and ast.unparse(axis) == "0" else None


def listed(statement: Statement, node: ast.expr) -> list[str] | None:
    """The texts of the arrays of a list (up to eight)."""
    node = unstacked(statement, node)
    if isinstance(node, ast.List | ast.Tuple):
        arrays = [statement.array(each) for each in node.elts]
        texts = [tight(statement, each) for each in node.elts]
    else:
        value = statement.value(node)
        if not isinstance(value, Known) or not isinstance(value.value, list | tuple) or not isinstance(node, ast.Name):
            return None
        arrays = list(value.value)
        texts = [f"{node.id}[{at}]" for at in range(len(arrays))]
    same = {(getattr(each, "shape", ()), getattr(each, "dtype", None)) for each in arrays}
    return texts if len(same) == 1 and 1 < len(texts) <= 8 and next(iter(same))[0] else None


def unstacked(statement: Statement, node: ast.expr) -> ast.expr:
    """The list that `node` makes one array of, or `node` itself."""
    call = call_of(node, statement)
    is_stack = call is not None and call.name in _STACKS and len(call.arguments) == 1
    return next(iter(call.arguments.values())) if call is not None and is_stack else node


def added_up(statement: Statement, name: str, node: ast.expr) -> str | None:
    """A sum or mean over the first axis of a comprehension, or of a list with a name, by Python's own ``sum``."""
    items = unstacked(statement, node)
    match items:
        case ast.ListComp(generators=generators):
            text, over = statement.source(items)[1:-1].strip(), generators[0]
            times = count_of(statement, over.iter) if len(generators) == 1 and not over.ifs else None
            count = str(times or "")
        case ast.Name(id=listed) if getattr(statement.fact(listed), "kind", "") in ("builtins.list", "builtins.tuple"):
            text, count = listed, f"len({listed})"
        case _:
            return None
    if name in ("sum", "add.reduce"):
        return f"sum({text})"
    return f"sum({text}) / {count}" if name == "mean" and count else None


def texts(statement: Statement, name: str, parts: list[str]) -> Iterator[str]:
    """The reduction, written for each array on its own."""
    ufunc = name.removesuffix(".reduce") if name.endswith(".reduce") else ""
    sign = _UFUNCS.get(ufunc, "") if ufunc else _SIGNS.get(name, "")
    if sign:
        text = sign.join(parts)
        yield f"({text}) / {len(parts)}" if name in ("mean", "average") else text
    pair = pairwise(statement, name)
    if pair:
        text = parts[0]
        for part in parts[1:]:
            text = f"{pair}({text}, {part})"
        yield text


def pairwise(statement: Statement, name: str) -> str:
    """The function that reduces two arrays at a time, empty where there is none."""
    numpy, ufunc = module_name(statement), name.removesuffix(".reduce")
    pair = ufunc if ufunc in ("maximum", "minimum", "fmax", "fmin") else _PAIRS.get(name, "")
    return f"{numpy}.{pair}" if pair and numpy is not None else ""


def columns(statement: Statement, node: ast.expr) -> list[ast.expr] | None:
    """The parts of a matrix that is joined by columns."""
    call = call_of(node, statement)
    match node:
        case ast.Subscript(value=ast.Attribute(attr="c_"), slice=ast.Tuple(elts=parts)):
            return parts
    if call is None or call.name not in ("hstack", "column_stack", "concatenate"):
        return None
    listed, *rest = call.arguments.values()
    is_side = [ast.unparse(each) for each in rest] in (["1"], ["-1"]) if call.name == "concatenate" else not rest
    parts = listed.elts if isinstance(listed, ast.List | ast.Tuple) else []
    shapes = [array.shape for each in parts if (array := statement.array(each)) is not None]
    return parts if is_side and len(shapes) == len(parts) > 1 and max(map(len, shapes)) == 2 else None


def maker_of(statement: Statement, joined: ast.Name) -> Statement | None:
    """The statement of the same block that makes the matrix, where this one alone reads it."""
    uses = statement.cell.names.get(joined.id, [])
    for each in statement.cell.statements:
        match each.node:
            case ast.Assign(targets=[ast.Name(id=name)]) if name == joined.id and each.block is statement.block:
                return each if len(uses) == 2 and each.place < statement.place else None
    return None


def piece_by_piece(statement: Statement, node: ast.Call) -> str | None:
    """The reduction of arrays that were joined end to end, from those of each; None of anything else."""
    call = call_of(node, statement)
    joined = next(iter(call.arguments.values())) if call is not None and len(call.arguments) == 1 else None
    inner = call_of(joined, statement) if joined is not None else None
    if call is None or inner is None or inner.name not in ("concatenate", "hstack") or len(inner.arguments) != 1:
        return None
    items = next(iter(inner.arguments.values()))
    parts = [tight(statement, each) for each in items.elts] if isinstance(items, ast.List | ast.Tuple) else []
    arrays = [statement.array(each) for each in getattr(items, "elts", ())]
    if not 1 < len(parts) <= 8 or any(array is None or array.dtype != float for array in arrays):
        return None
    sums = " + ".join(f"{part}.sum()" for part in parts)
    if call.name in ("max", "min"):
        numpy = module_name(statement)
        each = [f"{part}.{call.name}()" for part in parts]
        # `maximum` keeps NaN, Python's `max` does not.
        return functools.reduce(lambda one, other: f"{numpy}.{call.name}imum({one}, {other})", each) if numpy else None
    if call.name == "mean":
        return f"({sums}) / ({' + '.join(f'{part}.size' for part in parts)})"
    return f"({sums})" if call.name == "sum" else None
