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
import re
import textwrap
import weakref
from collections.abc import Callable, Iterable, Mapping
from types import FunctionType, ModuleType
from typing import Any

from . import allowed, files, reach
from .known import Unknown, Values

_STATEMENTS = (
    ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Expr, ast.For, ast.While, ast.If, ast.With, ast.Delete, ast.Pass,
    ast.Break, ast.Continue, ast.Assert, ast.FunctionDef, ast.Return, ast.Raise, ast.Try, ast.Import, ast.ImportFrom,
    ast.Global, ast.Nonlocal,
)  # fmt: skip
_CONTEXTS = frozenset({"errstate", "printoptions", "nullcontext", "catch_warnings"})
_UNKNOWN = object()
_REACHES = re.compile(r"__|@|;|\.\s*[^\W\d]")  # in a formula: private names, the caller's names, methods


def find_effects(tree: ast.AST, namespace: Mapping[str, Any]) -> str:
    """Why `tree`, run in `namespace`, may have an effect outside of it; empty when it has none."""
    try:
        _Reader(namespace, set()).read(tree)
    except Unknown as found:
        return str(found)
    except RecursionError:
        return "it is nested too deeply to be read"
    return ""


def _weakly(method: Callable[[FunctionType], None]) -> Callable[[FunctionType], None]:
    """`method`, without holding its object: the two would hold each other, and the namespace with all its arrays."""
    held = weakref.WeakMethod(method)

    def call(function: FunctionType) -> None:
        living = held()
        assert living is not None
        living(function)

    return call


class _Reader(ast.NodeVisitor):
    """Reads one text; `functions` are the code objects that are being read already."""

    def __init__(self, namespace: Mapping[str, Any], functions: set[object], local: Iterable[str] = ()) -> None:
        self._namespace, self._functions = namespace, functions
        self._modules: dict[str, Any] = {}
        self._local = set(local)
        self._values = Values(_weakly(self.read_function))

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
                _strip_annotations(node)
            case _:
                raise Unknown(f"the source of `{function.__name__}` was not found, so what it does is not known")
        closure = inspect.getclosurevars(function).nonlocals
        for value in (*closure.values(), *(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()):
            self._values.check(value, f"a value that `{function.__name__}` keeps")
        inner = _Reader({**function.__globals__, **closure}, self._functions, function.__code__.co_varnames)
        inner.read(node)

    def visit(self, node: ast.AST) -> None:
        if isinstance(node, ast.stmt) and not isinstance(node, _STATEMENTS):
            raise Unknown(f"`{type(node).__name__.lower()}` is not known to have no effects")
        if isinstance(node, ast.Await):
            raise Unknown("it awaits")
        super().visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Store) or node.id in self._modules:
            return
        if node.id in self._namespace:
            self._values.check(self._namespace[node.id], f"`{node.id}`")
        elif node.id not in self._local and hasattr(builtins, node.id):
            kind = getattr(builtins, node.id)
            if node.id not in allowed.BUILTINS and not (isinstance(kind, type) and issubclass(kind, BaseException)):
                raise Unknown(f"`{node.id}` reaches outside of the values it is given")

    def visit_Attribute(self, node: ast.Attribute) -> None:
        base = self._resolve(node.value)
        if node.attr.startswith("__"):
            raise Unknown(f"`{ast.unparse(node)}` reaches into Python itself")
        is_written = not isinstance(node.ctx, ast.Load)
        if isinstance(base, ModuleType | type | FunctionType):
            if is_written:
                raise Unknown(f"`{ast.unparse(node)}` is set, which others would see")
            if not isinstance(base, ModuleType):
                self.visit(node.value)
            self._check_member(base, node)
        elif base is not _UNKNOWN and self._values.is_plain_object(base):
            self._check_attribute(base, node, is_written)
            self._check_whole(node)
        else:
            if allowed.is_denied(node.attr):
                raise Unknown(f"`{ast.unparse(node)}` reaches a file, the screen, or a setting")
            if is_written and (node.attr not in allowed.SETTABLE or self._is_of_module(node.value)):
                raise Unknown(f"`{ast.unparse(node)}` is set, which others would see")
            self.visit(node.value)

    def _check_member(self, base: Any, node: ast.Attribute) -> None:
        if isinstance(base, ModuleType) and not allowed.is_known_module(base.__name__):
            raise Unknown(f"the module `{base.__name__}` is not known to have no effects")
        if allowed.is_denied(node.attr):
            raise Unknown(f"`{ast.unparse(node)}` reaches a file, the screen, or a setting")
        value = getattr(base, node.attr, None)
        if isinstance(base, ModuleType) and node.attr not in allowed.HELPERS:
            self._values.check_member(value, f"`{ast.unparse(node)}`")

    def _check_attribute(self, base: Any, node: ast.Attribute, is_written: bool) -> None:
        """An attribute of an object of the user's: data that the object itself holds, reached by no code."""
        held = vars(base)
        is_code = inspect.getattr_static(type(base), node.attr, None) is not None
        custom = type(base).__setattr__ if is_written else type(base).__getattribute__
        plain = object.__setattr__ if is_written else object.__getattribute__
        if is_code or custom is not plain or (node.attr not in held and not is_written):
            raise Unknown(f"`{ast.unparse(node)}` runs code of the class {type(base).__name__}")
        if isinstance(node.value, ast.Attribute):
            self._check_attribute(self._resolve(node.value.value), node.value, False)
        if node.attr in held and not self._values.is_plain_object(held[node.attr]):
            self._values.check(held[node.attr], f"`{ast.unparse(node)}`")

    def _check_whole(self, node: ast.Attribute) -> None:
        """An object of the user's may only be passed through on the way to its data, never be used itself."""
        found = self._resolve(node)
        if found is not _UNKNOWN and self._values.is_plain_object(found):
            self._values.check(found, f"`{ast.unparse(node)}`")

    def visit_Subscript(self, node: ast.Subscript) -> None:
        if not isinstance(node.ctx, ast.Load) and self._is_of_module(node.value):
            raise Unknown(f"`{ast.unparse(node)}` is set, which others would see")
        self.generic_visit(node)

    def _is_of_module(self, node: ast.expr) -> bool:
        while isinstance(node, ast.Attribute | ast.Subscript):
            node = node.value
        return isinstance(self._resolve(node), ModuleType | type)

    def visit_Call(self, node: ast.Call) -> None:
        if self._is_reading(node):
            for part in (*node.args[1:], *node.keywords):
                self.visit(part)
            return
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in ("evaluate", "NumExpr", "eval", "query", "validate"):
            self._check_formula(node)
        if isinstance(node.func, ast.Name | ast.Attribute):
            called = self._resolve(node.func)
            if called is not _UNKNOWN and self._values.is_plain_object(called):
                raise Unknown(f"`{ast.unparse(node.func)}` is called, which runs code of {type(called).__name__}")
        self.generic_visit(node)

    def _is_reading(self, node: ast.Call) -> bool:
        """Whether the call reads numbers of a plain file that is there, by its path, and does nothing else."""
        if self._resolve(node.func) not in files.READERS or not node.args:
            return False
        path = node.args[0].value if isinstance(node.args[0], ast.Constant) else self._resolve(node.args[0])
        given = {each.arg: getattr(each.value, "value", None) for each in node.keywords}
        return files.is_plain_file(path) and files.is_harmless(given) and len(node.args) == 1

    def _check_formula(self, node: ast.Call) -> None:
        """A text that numexpr or pandas computes: a constant, with nothing in it that reaches further."""
        match node.args:
            case [ast.Constant(value=str(text)), *_]:
                if _REACHES.search(text):
                    raise Unknown(f"what {text!r} reaches is not known")
                for name in reach.names_in_text(text, self._namespace):
                    self._values.check(self._namespace[name], f"`{name}`")
            case _:
                raise Unknown(f"the formula of `{ast.unparse(node.func)}` is not a plain text")

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str) and allowed.is_denied(node.value):
            raise Unknown(f"{node.value!r} names a method that reaches a file, the screen, or a setting")

    def visit_With(self, node: ast.With) -> None:
        for item in node.items:
            called = item.context_expr.func if isinstance(item.context_expr, ast.Call) else None
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            if name not in _CONTEXTS:
                raise Unknown(f"`with {ast.unparse(item.context_expr)}` is not known to have no effects")
        self.generic_visit(node)

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            where = alias.name if isinstance(node, ast.Import) else node.module or ""
            if (
                not allowed.is_known_module(where)
                or alias.name == "*"
                or (isinstance(node, ast.ImportFrom) and node.level > 0)
            ):
                raise Unknown(f"`{ast.unparse(node)}` runs a module that is not known to have no effects")
            try:
                module = importlib.import_module(where)
            except ImportError as error:
                raise Unknown(f"`{ast.unparse(node)}` fails ({error})") from error
            name = alias.asname or alias.name.partition(".")[0]
            if isinstance(node, ast.Import):
                found: Any = module if alias.asname else importlib.import_module(name)
            else:
                found = getattr(module, alias.name, None)
                if allowed.is_denied(alias.name):
                    raise Unknown(f"`{ast.unparse(node)}` reaches a file, the screen, or a setting")
                self._values.check_member(found, f"`{alias.name}`")
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


def _strip_annotations(function: ast.FunctionDef) -> None:
    """They were evaluated when the function was made."""
    function.returns = None
    for node in ast.walk(function):
        if isinstance(node, ast.arg):
            node.annotation = None


def _source_lines(function: FunctionType) -> list[str]:
    code = function.__code__
    lines = linecache.getlines(code.co_filename, function.__globals__)
    return inspect.getblock(lines[code.co_firstlineno - 1 :]) if lines else []
