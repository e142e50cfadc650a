"""Arrays that are put together piece by piece: by ``np.append`` in a loop, or out of a list that a loop fills."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from ..standins import Array
from .calls import Call, call_of
from .text import module_name, new_name, with_body
from .view import CellView, Statement

_JOINS = frozenset({"append", "concatenate", "hstack", "vstack", "column_stack", "row_stack"})
_FROM_LIST = _JOINS - {"append"} | {"array", "asarray", "stack"}


@dataclass(frozen=True, eq=False)
class Growth:
    """One array that grows.

    Attributes
    ----------
    name : str
        Of the array.
    result : Array
        What it is in the end.
    begin, end : Statement
        The first and last statement that go: where it (or the list) is begun, and the loop, or what joins the list.
    loop, statement : Statement
        The loop (None for a comprehension), and the statement in it that adds a piece.
    item : str
        The text of one piece, of `item_ndim` dimensions; -1 where they are not known.
    join : str
        The function that joins.
    first : str
        The text of what it begins with; empty for a list.
    listed : str
        The name of the list; empty without one.
    between : tuple of str
        Statements that stay, before the loop.
    counter, variable, iterable : str
        Name that counts the rounds from 0, if there is one; and of a comprehension its variable and what it goes over.
    """

    name: str
    result: Array
    begin: Statement
    end: Statement
    loop: Statement | None
    statement: Statement
    item: str
    item_ndim: int
    join: str
    first: str = ""
    listed: str = ""
    between: tuple[str, ...] = ()
    counter: str | None = None
    variable: str = ""
    iterable: str = ""

    @property
    def numpy(self) -> str | None:
        """The name of NumPy there."""
        return module_name(self.statement)

    def is_one_item(self) -> bool | None:
        """Whether a piece is one item of the array rather than several; None where that is not known."""
        if self.join in ("array", "asarray", "stack"):
            return True
        return None if self.item_ndim < 0 else self.item_ndim < len(self.result.shape)


def growths(cell: CellView) -> Iterator[Growth]:
    """Every array of the cell that is put together piece by piece."""
    for statement in cell.statements:
        match statement.node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if statement.loops:
                yield from _appended(statement, name, value)
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=listed), attr="append"), args=[item])):
                if statement.loops:
                    yield from _listed(statement, listed, item)
        match statement.node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call() as value):
                yield from _comprehended(statement, name, value)


def _appended(statement: Statement, name: str, value: ast.expr) -> Iterator[Growth]:
    """``r = np.append(r, piece)`` in a loop."""
    call, loop = call_of(value, statement), _loop_of(statement)
    pieces = _pieces(call) if call is not None else None
    if (
        isinstance(value, ast.Subscript)
        and isinstance(value.slice, ast.Tuple)
        and ast.unparse(value.value).endswith(".r_")
    ):
        pieces = list(value.slice.elts)
    if (
        pieces is None
        or len(pieces) != 2
        or loop is None
        or not isinstance(pieces[0], ast.Name)
        or pieces[0].id != name
    ):
        return
    begin, result = _begun(loop, name), _result(statement, name)
    if begin is None or result is None or _reads(loop.node, name) != 1:
        return
    join = call.name if call is not None else "concatenate"
    if call is not None and "axis" in call.arguments:
        join = "hstack" if ast.unparse(call.arguments["axis"]) in ("1", "-1") else "concatenate"
    item = pieces[1].elts[0] if isinstance(pieces[1], ast.List) and len(pieces[1].elts) == 1 else pieces[1]
    first = statement.source(begin.node.value) if isinstance(begin.node, ast.Assign) else ""
    yield Growth(
        name, result, begin, loop, loop, statement, statement.source(item), _ndim(statement, item), join, first,
        between=_between(begin, loop), counter=_counter(loop),
    )  # fmt: skip


def _listed(statement: Statement, listed: str, item: ast.expr) -> Iterator[Growth]:
    """A list filled in a loop, and joined after it."""
    loop = _loop_of(statement)
    begin = _begun(loop, listed) if loop is not None else None
    if loop is None or begin is None or _reads(loop.node, listed) != 1:
        return
    for place in range(loop.place + 1, len(loop.block)):
        match loop.block[place]:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call() as value):
                after = next(each for each in loop.cell.statements if each.node is loop.block[place])
                call = call_of(value, after)
                if (
                    call is None
                    or call.name not in _FROM_LIST
                    or not _is_name(next(iter(call.arguments.values())), listed)
                ):
                    continue
                result = _result(after, name)
                is_only = sum(_reads(each, listed) for each in loop.block[loop.place :]) == 2
                if result is not None and place == loop.place + 1 and is_only:
                    yield Growth(
                        name, result, begin, after, loop, statement, statement.source(item), _ndim(statement, item),
                        call.name, listed=listed, between=_between(begin, loop), counter=_counter(loop),
                    )  # fmt: skip


def _comprehended(statement: Statement, name: str, value: ast.Call) -> Iterator[Growth]:
    """``np.array([f(i) for i in range(n)])``."""
    call, result = call_of(value, statement), _result(statement, name)
    if call is None or call.name not in _FROM_LIST or result is None or set(call.arguments) - {"axis"} == set():
        return
    match next(iter(call.arguments.values())):
        case ast.ListComp(
            elt=item, generators=[ast.comprehension(target=ast.Name(id=variable), iter=iterable, ifs=[])]
        ) if len(call.arguments) == 1:
            taken = statement.cell.noted.taken
            if variable in taken or item is None:
                return
            source = statement.source(iterable)
            counter = variable if isinstance(iterable, ast.Call) and _is_range(iterable) else None
            yield Growth(
                name, result, statement, statement, None, statement, statement.source(item), -1, call.name,
                counter=counter, variable=variable, iterable=source,
            )  # fmt: skip


def _pieces(call: Call) -> list[ast.expr] | None:
    given = list(call.arguments.values())
    if call.name == "append" and len(given) >= 2:
        return given[:2]
    if call.name in _JOINS and given and isinstance(given[0], ast.List | ast.Tuple):
        return given[0].elts
    return None


def _loop_of(statement: Statement) -> Statement | None:
    if not isinstance(statement.parents[-1], ast.For):
        return None
    return next(each for each in statement.cell.statements if each.node is statement.parents[-1])


def _begun(loop: Statement, name: str) -> Statement | None:
    """The statement before the loop that begins with nothing: ``[]``, ``np.array([])``, ``np.empty((0, 3))``."""
    for each in loop.cell.statements:
        if each.block is loop.block and each.place < loop.place and loop.place - each.place <= 3:
            match each.node:
                case ast.Assign(targets=[ast.Name(id=found)], value=value) if found == name:
                    array = each.array(value)
                    if (array is not None and array.size == 0) or (isinstance(value, ast.List) and not value.elts):
                        return each
    return None


def _between(begin: Statement, loop: Statement) -> tuple[str, ...]:
    return tuple(loop.source(each) for each in loop.block[begin.place + 1 : loop.place])


def _result(statement: Statement, name: str) -> Array | None:
    ended = statement.cell.noted.ended.get(name)
    found = ended.value if ended is not None and not statement.in_function else None
    return found if isinstance(found, Array) and found.shape else None


def _reads(node: ast.AST, name: str) -> int:
    return sum(
        isinstance(each, ast.Name) and each.id == name and isinstance(each.ctx, ast.Load) for each in ast.walk(node)
    )


def _is_name(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _is_range(node: ast.Call) -> bool:
    return _is_name(node.func, "range") and len(node.args) == 1


def _counter(loop: Statement) -> str | None:
    match loop.node:
        case ast.For(target=ast.Name(id=name), iter=ast.Call() as call) if _is_range(call):
            return name
        case ast.For(
            target=ast.Tuple(elts=[ast.Name(id=name), _]), iter=ast.Call(func=ast.Name(id="enumerate"), args=[_])
        ):
            return name
    return None


def _ndim(statement: Statement, item: ast.expr) -> int:
    array = statement.array(item)
    return len(array.shape) if array is not None else -1


def is_whole(growth: Growth) -> bool:
    """Whether each piece is an item of what the loop goes over, as it is, and the loop does nothing else."""
    node = growth.loop.node if growth.loop is not None else None
    return (
        isinstance(node, ast.For) and len(node.body) == 1 and not node.orelse
        and ast.unparse(node.target) == growth.item and not isinstance(node.iter, ast.Call)
    )  # fmt: skip


def room(growth: Growth) -> str | None:
    """An expression that makes an array as large as the result; None where NumPy has no name."""
    if growth.numpy is None:
        return None
    dtype = "" if growth.result.dtype == float else f", dtype={growth.numpy}.{growth.result.dtype.name}"
    shape = growth.result.shape[0] if len(growth.result.shape) == 1 else growth.result.shape
    return f"{growth.numpy}.empty({shape}{dtype})"


Lines = tuple[list[str], list[str], list[str]]  # before the loop, in it, and the names that it leaves


def whole_item(growth: Growth) -> Lines:
    """Each piece is one item of the array, or one column."""
    axis = ":, " if growth.join in ("hstack", "column_stack") and len(growth.result.shape) == 2 else ""
    if growth.counter is not None:
        return [], [f"{growth.name}[{axis}{growth.counter}] = {growth.item}"], []
    end = new_name(growth.statement, "end")
    return [f"{end} = 0"], [f"{growth.name}[{axis}{end}] = {growth.item}", f"{end} += 1"], [end]


def piece(growth: Growth) -> Lines:
    """Each piece is several items."""
    axis = ":, " if growth.join in ("hstack", "column_stack") and len(growth.result.shape) == 2 else ""
    end, part = new_name(growth.statement, "end"), new_name(growth.statement, "part")
    length = f"{part}.shape[1]" if axis else f"len({part})"
    body = [f"{part} = {growth.item}", f"{growth.name}[{axis}{end}:{end} + {length}] = {part}", f"{end} += {length}"]
    return [f"{end} = 0"], [*body, f"del {part}"], [end]


def loop_with(growth: Growth, body: list[str]) -> str | None:
    """The loop of a growth with another body."""
    if growth.loop is not None:
        return with_body(growth.loop, growth.statement, body)
    return f"for {growth.variable} in {growth.iterable}:\n" + "\n".join(f"    {line}" for line in body)
