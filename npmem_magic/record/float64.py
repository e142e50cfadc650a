"""float64 arrays on their way to a GPU: which line sends them, and what float32 would save there."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Any

from ..folds import Run
from ..sizes import human
from ..trace import Advice
from .cupy_books import CupyBooks, Site

RULE = "float32-on-gpu"
LEAST = 1 << 20  # bytes saved from which on it is worth a word
_SENDERS = frozenset({"asarray", "array", "ascontiguousarray", "as_tensor", "tensor"})
_MOVERS = frozenset({"to", "cuda"})


def advice(namespace: Mapping[str, object], run: Run, cupy: CupyBooks | None) -> tuple[Advice, ...]:
    """One for each place of the cell that sent float64 to a device, if a name of `namespace` still holds it there."""
    found: dict[tuple[int, str], tuple[str, int]] = {}
    for name, value in list(namespace.items()):
        for line, before, after, nbytes in (*_of_cupy(value, run, cupy), *_of_torch(name, value, run)):
            known = found.get((line, before), ("", 0))[1]
            found[line, before] = after, known + nbytes // 2
    return tuple(
        Advice(RULE, line, before, after, saving, "ask", "measured", _why(saving))
        for (line, before), (after, saving) in sorted(found.items())
        if saving >= LEAST
    )


def _why(saving: int) -> str:
    return (
        f"float64 goes to the GPU here. float32 takes {human(saving)} less there, and less time on most GPUs, if its 7 "
        "digits are enough: only you can know."
    )


_Rewrite = tuple[int, str, str, int]  # line, before, after, bytes of the array


def _of_cupy(value: Any, run: Run, books: CupyBooks | None) -> Iterator[_Rewrite]:
    if books is None or type(value).__module__.partition(".")[0] != "cupy" or str(_read(value, "dtype")) != "float64":
        return
    site = books.by_pointer.get(int(_read(_read(_read(value, "data"), "mem"), "ptr") or 0))
    if site is None or site.code is None or site.code.co_filename != run.work.filename:
        return
    before = _source(site, run)
    if after := _with_dtype(before):
        yield site.place[0], before, after, int(value.nbytes)


def _read(value: Any, name: str) -> Any:
    return getattr(value, name, None)


def _source(site: Site, run: Run) -> str:
    return run.text(run.work.filename).expression(*site.place)


def _of_torch(name: str, value: Any, run: Run) -> Iterator[_Rewrite]:
    if type(value).__module__.partition(".")[0] != "torch" or str(_read(value, "dtype")) != "torch.float64":
        return
    if not _read(value, "is_cuda"):
        return
    text = run.text(run.work.filename)
    for statements in text.starting.values():
        for node in statements:
            match node:
                case ast.Assign(targets=[ast.Name(id=target)], value=ast.Call() as call) if target == name:
                    place = (call.lineno, call.col_offset, call.end_lineno or 0, call.end_col_offset or 0)
                    before = text.expression(*place)
                    if after := _with_dtype(before) or _narrowed(call):
                        yield call.lineno, before, after, int(value.element_size() * value.nelement())


def _with_dtype(source: str) -> str:
    """The call ``cp.asarray(x)`` with ``dtype=cp.float32``; empty for what is no such call, or says its dtype."""
    match _expression(source):
        case ast.Call(func=ast.Attribute(value=module, attr=sender), args=[_], keywords=keywords) as call:
            if sender in _SENDERS and "dtype" not in [keyword.arg for keyword in keywords]:
                dtype = ast.Attribute(module, "float32", ast.Load())
                return ast.unparse(ast.Call(call.func, call.args, [*keywords, ast.keyword("dtype", dtype)]))
    return ""


def _narrowed(call: ast.Call) -> str:
    """``x.to("cuda")`` as ``x.float().to("cuda")``: narrowed before it is sent; empty for any other call."""
    match call:
        case ast.Call(func=ast.Attribute(value=tensor, attr=mover)) if mover in _MOVERS:
            narrow = ast.Call(ast.Attribute(tensor, "float", ast.Load()), [], [])
            return ast.unparse(ast.Call(ast.Attribute(narrow, mover, ast.Load()), call.args, call.keywords))
    return ""


def _expression(source: str) -> ast.expr | None:
    try:
        return ast.parse(source.strip(), mode="eval").body
    except (SyntaxError, ValueError):
        return None
