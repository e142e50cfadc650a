"""Whether code has effects outside of the values it is given. Only what is known to have none passes.

The text is read, never run. The names it reads are looked up: everything it starts from has to be a module, a function
or data of a known kind. What known operations make of known data is known again, so that for intermediate values only
the names of methods have to be looked at.
"""

from __future__ import annotations

import ast
import builtins
import importlib
import inspect
import linecache
import textwrap
from collections.abc import Iterable, Mapping
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from . import allowed, reach

_STATEMENTS = (
    ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Expr, ast.For, ast.While, ast.If, ast.With, ast.Delete, ast.Pass,
    ast.Break, ast.Continue, ast.Assert, ast.FunctionDef, ast.Return, ast.Raise, ast.Try, ast.Import, ast.ImportFrom,
    ast.Global, ast.Nonlocal,
)  # fmt: skip
_CONTEXTS = frozenset({"errstate", "printoptions", "nullcontext", "catch_warnings"})
_UNKNOWN = object()
_ITEMS = 20_000  # items of containers that are looked at, in all


class _Found(Exception):
    """The reason, in a sentence."""


def find_effects(tree: ast.AST, namespace: Mapping[str, Any]) -> str:
    """Why `tree`, run in `namespace`, may have an effect outside of it; empty when it has none."""
    try:
        _Reader(namespace, set()).read(tree)
    except _Found as found:
        return str(found)
    except RecursionError:
        return "it is nested too deeply to be read"
    return ""


class _Reader(ast.NodeVisitor):
    """Reads one text; `functions` are the code objects that are being read already."""

    def __init__(self, namespace: Mapping[str, Any], functions: set[object], local: Iterable[str] = ()) -> None:
        self._namespace, self._functions = namespace, functions
        self._modules: dict[str, Any] = {}
        self._local = set(local)
        self._values = _Values(self)

    def read(self, tree: ast.AST) -> None:
        self._local |= reach.names_bound(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                self._import(node)
        self.visit(tree)

    def read_function(self, function: FunctionType) -> None:
        """The function's own source, with its own global names."""
        if function.__code__ in self._functions:
            return
        self._functions.add(function.__code__)
        source = textwrap.dedent("".join(_source_lines(function)))
        try:
            tree = ast.parse(source)
        except SyntaxError:
            tree = ast.Module([], [])
        match tree.body:
            case [ast.FunctionDef(name=name) as node] if name == function.__code__.co_name:
                node.decorator_list = []
            case _:
                raise _Found(f"the source of `{function.__name__}` was not found, so what it does is not known")
        closure = inspect.getclosurevars(function).nonlocals
        for value in (*closure.values(), *(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()):
            self._values.check(value, f"a value that `{function.__name__}` keeps")
        inner = _Reader({**function.__globals__, **closure}, self._functions, function.__code__.co_varnames)
        inner.read(node)

    def visit(self, node: ast.AST) -> None:
        if isinstance(node, ast.stmt) and not isinstance(node, _STATEMENTS):
            raise _Found(f"`{type(node).__name__.lower()}` is not known to have no effects")
        if isinstance(node, ast.Await):
            raise _Found("it awaits")
        super().visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Store) or node.id in self._modules:
            return
        if node.id in self._namespace:
            self._values.check(self._namespace[node.id], f"`{node.id}`")
        elif node.id not in self._local and hasattr(builtins, node.id):
            kind = getattr(builtins, node.id)
            if node.id not in allowed.BUILTINS and not (isinstance(kind, type) and issubclass(kind, BaseException)):
                raise _Found(f"`{node.id}` reaches outside of the values it is given")

    def visit_Attribute(self, node: ast.Attribute) -> None:
        base = self._resolve(node.value)
        if node.attr.startswith("__"):
            raise _Found(f"`{ast.unparse(node)}` reaches into Python itself")
        is_written = not isinstance(node.ctx, ast.Load)
        if isinstance(base, ModuleType | type | FunctionType):
            if is_written:
                raise _Found(f"`{ast.unparse(node)}` is set, which others would see")
            if not isinstance(base, ModuleType):
                self.visit(node.value)
            self._check_member(base, node)
        elif base is not _UNKNOWN and self._values.is_plain_object(base):
            self._check_attribute(base, node, is_written)
        else:
            if allowed.is_denied(node.attr):
                raise _Found(f"`{ast.unparse(node)}` reaches a file, the screen, or a setting")
            self.visit(node.value)

    def _check_member(self, base: Any, node: ast.Attribute) -> None:
        if isinstance(base, ModuleType) and not allowed.is_known_module(base.__name__):
            raise _Found(f"the module `{base.__name__}` is not known to have no effects")
        if allowed.is_denied(node.attr):
            raise _Found(f"`{ast.unparse(node)}` reaches a file, the screen, or a setting")
        value = getattr(base, node.attr, None)
        if isinstance(base, ModuleType) and not isinstance(value, ModuleType):
            self._values.check(value, f"`{ast.unparse(node)}`", is_member=True)

    def _check_attribute(self, base: Any, node: ast.Attribute, is_written: bool) -> None:
        """An attribute of an object of the user's: data that the object itself holds, reached by no code."""
        held = vars(base)
        is_code = inspect.getattr_static(type(base), node.attr, None) is not None
        custom = type(base).__setattr__ if is_written else type(base).__getattribute__
        plain = object.__setattr__ if is_written else object.__getattribute__
        if is_code or custom is not plain or (node.attr not in held and not is_written):
            raise _Found(f"`{ast.unparse(node)}` runs code of the class {type(base).__name__}")
        if node.attr in held:
            self._values.check(held[node.attr], f"`{ast.unparse(node)}`")

    def visit_Subscript(self, node: ast.Subscript) -> None:
        if not isinstance(node.ctx, ast.Load) and self._is_of_module(node.value):
            raise _Found(f"`{ast.unparse(node)}` is set, which others would see")
        self.generic_visit(node)

    def _is_of_module(self, node: ast.expr) -> bool:
        while isinstance(node, ast.Attribute | ast.Subscript):
            node = node.value
        return isinstance(self._resolve(node), ModuleType | type)

    def visit_Call(self, node: ast.Call) -> None:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in ("evaluate", "NumExpr", "eval", "query", "validate"):
            self._check_formula(node)
        if name == "type" and len(node.args) != 1:
            raise _Found("`type` makes a class")
        if isinstance(node.func, ast.Name | ast.Attribute):
            called = self._resolve(node.func)
            if called is not _UNKNOWN and self._values.is_plain_object(called):
                raise _Found(f"`{ast.unparse(node.func)}` is called, which runs code of {type(called).__name__}")
        self.generic_visit(node)

    def _check_formula(self, node: ast.Call) -> None:
        """A text that numexpr or pandas computes: a constant, with nothing in it that reaches further."""
        match node.args:
            case [ast.Constant(value=str(text)), *_] if "__" not in text and "@" not in text and ";" not in text:
                if any(part.isidentifier() for part in text.replace(" ", "").split(".")[1:] if part[:1].isalpha()):
                    raise _Found(f"what {text!r} calls is not known")
                for name in reach.names_in_text(text, self._namespace):
                    self._values.check(self._namespace[name], f"`{name}`")
            case _:
                raise _Found(f"the formula of `{ast.unparse(node.func)}` is not a plain text")

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str) and allowed.is_denied(node.value):
            raise _Found(f"{node.value!r} names a method that reaches a file, the screen, or a setting")

    def visit_With(self, node: ast.With) -> None:
        for item in node.items:
            called = item.context_expr.func if isinstance(item.context_expr, ast.Call) else None
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            if name not in _CONTEXTS:
                raise _Found(f"`with {ast.unparse(item.context_expr)}` is not known to have no effects")
        self.generic_visit(node)

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            where = alias.name if isinstance(node, ast.Import) else node.module or ""
            if not allowed.is_known_module(where) or alias.name == "*" or getattr(node, "level", 0):
                raise _Found(f"`{ast.unparse(node)}` runs a module that is not known to have no effects")
            module = importlib.import_module(where)
            name = alias.asname or alias.name.partition(".")[0]
            if isinstance(node, ast.Import):
                found: Any = module if alias.asname else importlib.import_module(name)
            else:
                found = getattr(module, alias.name, None)
                if allowed.is_denied(alias.name):
                    raise _Found(f"`{ast.unparse(node)}` reaches a file, the screen, or a setting")
                self._values.check(found, f"`{alias.name}`", is_member=True)
            self._modules[name] = found

    def _resolve(self, node: ast.expr) -> Any:
        """The value that an expression is known to have before the text runs."""
        match node:
            case ast.Name(id=name) if name in self._modules:
                return self._modules[name]
            case ast.Name(id=name) if name not in self._local:
                return self._namespace.get(name, _UNKNOWN)
            case ast.Attribute(value=value, attr=attr):
                base = self._resolve(value)
                if isinstance(base, ModuleType) and allowed.is_known_module(base.__name__):
                    return getattr(base, attr, _UNKNOWN)
                if base is not _UNKNOWN and self._values.is_plain_object(base):
                    return vars(base).get(attr, _UNKNOWN)
        return _UNKNOWN


class _Values:
    """Looks at the values that a text starts from."""

    def __init__(self, reader: _Reader) -> None:
        self._reader = reader
        self._left = _ITEMS

    def check(self, value: Any, name: str, is_member: bool = False) -> None:
        """Pass a value that is known; `is_member` when it was found in a known module, by a name that is not denied."""
        kind = type(value)
        if kind in allowed.SCALARS or isinstance(value, np.dtype):
            return
        if isinstance(value, ModuleType):
            if not allowed.is_known_module(value.__name__):
                raise _Found(f"the module `{value.__name__}` is not known to have no effects")
        elif isinstance(value, type | FunctionType | BuiltinFunctionType | MethodType | np.ufunc) or callable(value):
            self._check_callable(value, name, is_member)
        elif isinstance(value, allowed.CONTAINERS):
            self._check_items(list(value.items() if isinstance(value, dict) else value), name)
        elif not self.is_plain_object(value):
            self._check_data(value, name)

    def _check_data(self, value: Any, name: str) -> None:
        package = (type(value).__module__ or "").partition(".")[0]
        if package not in allowed.DATA_PACKAGES and not isinstance(value, allowed.MUTABLE_DATA):
            raise _Found(f"{name} is of the type {type(value).__qualname__}, whose code is not known")
        if isinstance(value, np.ndarray) and value.dtype.kind == "O":
            self._check_items(list(value.flat), name)
        for column in _object_columns(value):
            self._check_items(column, name)

    def _check_items(self, items: list[Any], name: str) -> None:
        if set(map(type, items)) <= allowed.SCALARS:
            return
        self._left -= len(items)
        if self._left < 0:
            raise _Found(f"{name} holds too many objects to look at each")
        for item in items:
            if self.is_plain_object(item) or (callable(item) and not isinstance(item, type)):
                raise _Found(f"{name} holds a {type(item).__qualname__}, whose code is not known")
            self.check(item, name)

    def _check_callable(self, value: Any, name: str, is_member: bool) -> None:
        if isinstance(value, FunctionType) and not allowed.is_known_module(value.__module__ or ""):
            self._reader.read_function(value)
            return
        if isinstance(value, np.vectorize):
            self.check(value.pyfunc, name)
            return
        if type(value).__name__ == "partial" and type(value).__module__ == "functools":
            for part in (value.func, *value.args, *value.keywords.values()):
                self.check(part, name)
            return
        if isinstance(value, np.ufunc):
            known = is_member or getattr(np, value.__name__, None) is value
        elif isinstance(value, BuiltinFunctionType | MethodType) and not isinstance(value.__self__, ModuleType | None):
            self.check(value.__self__, name)
            known = not allowed.is_denied(value.__name__)
        else:
            known = self._is_known_by_name(value, is_member)
        if not known:
            raise _Found(f"{name} is called or passed on, and what it does is not known")

    def _is_known_by_name(self, value: Any, is_member: bool) -> bool:
        module = getattr(value, "__module__", None) or type(value).__module__ or ""
        called = getattr(value, "__name__", "")
        if module == "builtins":
            return called in allowed.BUILTINS or (isinstance(value, type) and issubclass(value, BaseException))
        return (is_member or allowed.is_known_module(module)) and not allowed.is_denied(called)

    def is_plain_object(self, value: Any) -> bool:
        """An instance of a class of the user's, which holds its attributes itself."""
        kind = type(value)
        top = (kind.__module__ or "").partition(".")[0]
        is_known = top in ("builtins", *allowed.DATA_PACKAGES) or allowed.is_known_module(kind.__module__ or "")
        is_code = isinstance(value, type) or hasattr(value, "__qualname__")  # functions of Cython have no type in common
        return not is_known and not is_code and isinstance(getattr(value, "__dict__", None), dict)


def _object_columns(value: Any) -> list[list[Any]]:
    manager = getattr(value, "_mgr", None)
    arrays = getattr(manager, "arrays", ())
    return [list(each.flat) for each in arrays if isinstance(each, np.ndarray) and each.dtype.kind == "O"]


def _source_lines(function: FunctionType) -> list[str]:
    code = function.__code__
    lines = linecache.getlines(code.co_filename, function.__globals__)
    return inspect.getblock(lines[code.co_firstlineno - 1 :]) if lines else []
