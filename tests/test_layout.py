"""The house rules a reader can rely on, held by reading the source: no module is imported here but to find itself."""

from __future__ import annotations

import ast
import itertools
import re
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "npmem_magic"

# Upper may import lower; within one row the rooms are strangers, unless LEAVES_MAY names the exception.
STOREYS = (
    ("__init__",),
    ("magics",),
    ("dtype_magics", "compare_magics", "doctor_magics", "guard_magics", "pytest_plugin"),
    ("arguments", "live"),
    ("door", "asking"),
    ("shell",),
    ("exercise",),
    ("render",),
    ("advise",),
    ("inspection",),
    ("upcasts", "sizing"),
    ("compare", "rules"),
    ("doctor", "rewriting"),
    ("record", "arrays"),
    ("folds", "budgets"),
    ("holdings",),
    ("trace",),
    (
        "export",
        "devices",
        "account",
        "cell",
        "language",
        "follow",
        "syntax",
        "buffers",
        "host",
        "limits",
        "places",
        "rounds",
        "sizes",
        "standins",
    ),
)
# cell.py, language.py and follow.py are one subject in three files of bearable length.
LEAVES_MAY = {
    ("export", "host"),
    ("sizes", "host"),
    ("cell", "host"),
    ("cell", "language"),
    ("cell", "follow"),
    ("language", "follow"),
    ("language", "host"),
    ("follow", "host"),
    ("sizes", "host"),
    ("places", "syntax"),
    ("rounds", "syntax"),
}
# The one file (or, for the records, the room's helper) that may import a third-party package, lazily or not.
ONLY_IN = {
    "IPython": {"magics", "arguments", "dtype_magics", "compare_magics", "doctor_magics", "guard_magics", "door"},
    "matplotlib": {"render.canvas"},
    "pynvml": {"record.nvml"},
    "pytest": {"pytest_plugin"},
}
LAZY = {"matplotlib", "pandas", "numexpr", "pynvml", "memory_profiler", "psutil", "threadpoolctl"}
LIMITS = {"function": 45, "file": 300, "rule": 90}


def modules() -> dict[str, ast.Module]:
    """Every module of the package by its dotted name below it: ``record.ledger``; a package is ``record.__init__``."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        found[name] = ast.parse(path.read_text(encoding="utf-8"), str(path))
    return found


MODULES = modules()
NATIVE = {".".join(path.relative_to(PACKAGE).with_suffix("").parts) for path in PACKAGE.rglob("*.c")}


def room(module: str) -> str:
    return module.split(".")[0]


def storey(module: str) -> int:
    return next(level for level, names in enumerate(STOREYS) if room(module) in names)


def resolve(target: str, known: Iterable[str]) -> str:
    """The file of `known` that ``npmem_magic.TARGET`` names: a module, a package, or the one that defines the name."""
    parts = target.split(".") if target else []
    while parts:
        for name in (".".join(parts), ".".join([*parts, "__init__"])):
            if name in known:
                return name
        parts.pop()
    return "__init__"


def imports(module: str, tree: ast.Module) -> Iterator[tuple[str, int]]:
    """(absolute dotted target, line) of every import in the file: lazy ones and those for types alone included."""
    here = ["npmem_magic", *module.split(".")[:-1]]
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from ((alias.name, node.lineno) for alias in names)
            case ast.ImportFrom(module=source, names=names, level=level):
                base = [*here[: len(here) - level + 1], *([source] if source else [])] if level else [source or ""]
                yield from ((".".join([*base, alias.name]), node.lineno) for alias in names)
            case ast.Call(
                func=ast.Name("__import__") | ast.Attribute(attr="import_module"), args=[ast.Constant(str(name)), *_]
            ):
                yield name, node.lineno


def edges(source: dict[str, ast.Module]) -> Iterator[tuple[str, str, int]]:
    """(importing file, imported file, line) inside the package."""
    for module, tree in source.items():
        for target, line in imports(module, tree):
            if target.split(".")[0] == "npmem_magic":
                yield module, resolve(target.partition(".")[2], {*source, *MODULES, *NATIVE}), line


def wrong_way(source: dict[str, ast.Module]) -> list[str]:
    """Imports that climb, or cross between two rooms of one storey."""
    wrong = []
    for module, target, line in edges(source):
        same_room = room(module) == room(target)
        if same_room or storey(module) < storey(target) or (room(module), room(target)) in LEAVES_MAY:
            continue
        wrong.append(f"{module}:{line} imports {target}")
    return wrong


def circles(source: dict[str, ast.Module]) -> list[str]:
    """Every file that reaches itself by imports."""
    graph: dict[str, set[str]] = {}
    for module, target, _ in edges(source):
        # `from . import part` in a package's own file names the package on the way; that is no circle.
        if module != target:
            graph.setdefault(module, set()).add(target)
    return [module for module in graph if module in reached(graph, module)]


def reached(graph: dict[str, set[str]], start: str) -> set[str]:
    seen: set[str] = set()
    todo = list(graph.get(start, ()))
    while todo:
        module = todo.pop()
        if module not in seen:
            seen.add(module)
            todo.extend(graph.get(module, ()))
    return seen


def foreign(source: dict[str, ast.Module]) -> list[str]:
    """Third-party packages imported outside the one file that may."""
    wrong = []
    for module, tree in source.items():
        for target, line in imports(module, tree):
            package = target.split(".")[0]
            if package in ONLY_IN and module not in ONLY_IN[package]:
                wrong.append(f"{module}:{line} imports {package}")
    return wrong


def early(source: dict[str, ast.Module]) -> list[str]:
    """Heavy packages imported when the module is, rather than on first use."""
    return [
        f"{module}:{line} imports {target} at import time"
        for module, tree in source.items()
        for target, line in imports(module, at_import(tree))
        if target.split(".")[0] in LAZY
    ]


def at_import(tree: ast.Module) -> ast.Module:
    """`tree` without what does not run at import: function bodies and blocks for types alone."""

    class Prune(ast.NodeTransformer):
        def visit_FunctionDef(self, node: ast.FunctionDef) -> None: ...
        def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None: ...
        def visit_If(self, node: ast.If) -> ast.AST | None:
            return None if ast.unparse(node.test).endswith("TYPE_CHECKING") else self.generic_visit(node)

    pruned = Prune().visit(ast.parse(ast.unparse(tree)))
    assert isinstance(pruned, ast.Module)
    return pruned


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def unannotated(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    arguments = function.args
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    named += [extra for extra in (arguments.vararg, arguments.kwarg) if extra]
    missing = [argument.arg for argument in named if argument.annotation is None]
    if missing[:1] in (["self"], ["cls"]):
        missing.pop(0)
    return missing if function.returns else [*missing, "return"]


def silenced(tree: ast.Module) -> list[int]:
    """Lines that swallow any error whatever: bare except, suppress(Exception), `except Exception: pass`."""
    lines = []
    for node in ast.walk(tree):
        match node:
            case ast.ExceptHandler(type=None):
                lines.append(node.lineno)
            case ast.ExceptHandler(type=ast.Name("Exception" | "BaseException"), body=[ast.Pass() | ast.Continue()]):
                lines.append(node.lineno)
            case ast.Call(func=ast.Name("suppress") | ast.Attribute(attr="suppress"), args=args):
                lines += [node.lineno for arg in args if ast.unparse(arg) in ("Exception", "BaseException")]
    return lines


def source_of(**files: str) -> dict[str, ast.Module]:
    return {name.replace("__in__", "."): ast.parse(text) for name, text in files.items()}


# The rules themselves can fail


def test_a_climbing_import_is_seen() -> None:
    for text in (
        "from . import render",
        "from .render import text",
        "import npmem_magic.render",
        "from npmem_magic import render",
        "def f():\n    from .render import text",
        "import typing\nif typing.TYPE_CHECKING:\n    from . import render",
        "import importlib\nimportlib.import_module('npmem_magic.render')",
    ):
        assert wrong_way(source_of(trace=text)), text
    assert not wrong_way(source_of(trace="from . import export, host\nfrom .sizes import human"))
    assert wrong_way(source_of(host="from . import sizes")) and not wrong_way(source_of(export="from . import host"))
    assert wrong_way(source_of(record__in____init__="from .. import render"))
    assert wrong_way(source_of(record__in__ledger="from ..render import text"))


def test_a_circle_is_seen() -> None:
    inside = "record__in__ledger", "record__in____init__"
    assert circles(source_of(**dict(zip(inside, ("from . import Options", "from . import ledger"), strict=True))))
    assert not circles(source_of(**dict(zip(inside, ("import numpy", "from . import ledger"), strict=True))))


def test_an_early_import_is_seen() -> None:
    assert early(source_of(export="import pandas as pd")) and early(source_of(export="if 1:\n    import psutil"))
    assert not early(source_of(export="def f():\n    import pandas"))
    assert not early(source_of(export="from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import pandas"))


def test_silence_is_seen() -> None:
    for text in (
        "try:\n    f()\nexcept:\n    raise",
        "try:\n    f()\nexcept Exception:\n    pass",
        "import contextlib\nwith contextlib.suppress(OSError, Exception):\n    f()",
    ):
        assert silenced(ast.parse(text)), text
    assert not silenced(ast.parse("try:\n    f()\nexcept OSError:\n    pass\nexcept Exception as error:\n    g(error)"))


def test_a_missing_annotation_is_seen() -> None:
    function = next(functions(ast.parse("def f(self, a, *, b: int, **c): ...")))
    assert unannotated(function) == ["a", "c", "return"]


# The house


def test_every_module_has_its_storey() -> None:
    known = {name for names in STOREYS for name in names}
    assert [module for module in MODULES if room(module) not in known] == []


def test_imports_go_one_way() -> None:
    assert wrong_way(MODULES) == []


def test_no_circle() -> None:
    assert circles(MODULES) == []


def test_third_party_packages_have_one_door() -> None:
    assert foreign(MODULES) == []


def test_heavy_packages_are_imported_on_first_use() -> None:
    assert early(MODULES) == []


@pytest.mark.parametrize("module", MODULES)
def test_sizes(module: str) -> None:
    tree = MODULES[module]
    path = PACKAGE.joinpath(*module.split(".")).with_suffix(".py")
    limit = LIMITS["rule" if room(module) == "rules" and not module.endswith("__init__") else "file"]
    count = len(path.read_text(encoding="utf-8").splitlines())
    assert count <= limit
    lengths = {node.name: (node.end_lineno or node.lineno) - node.lineno + 1 for node in functions(tree)}
    assert {name: length for name, length in lengths.items() if length > LIMITS["function"]} == {}


@pytest.mark.parametrize("module", MODULES)
def test_every_function_is_annotated(module: str) -> None:
    assert {node.name: unannotated(node) for node in functions(MODULES[module]) if unannotated(node)} == {}


@pytest.mark.parametrize("module", MODULES)
def test_errors_are_not_swallowed(module: str) -> None:
    assert silenced(MODULES[module]) == []


@pytest.mark.parametrize("module", MODULES)
def test_every_module_says_what_it_is(module: str) -> None:
    assert ast.get_docstring(MODULES[module])


# The whole checkout


def made(path: Path) -> bool:
    hidden = any(part.startswith(".") and part != ".ci" for part in path.parts)
    return hidden or "__pycache__" in path.parts or path.parts[0] in ("build", "dist")


def tracked() -> list[Path]:
    """The text files that belong to the project: git's where it is a checkout, else those that are not build output."""
    done = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    names = done.stdout.splitlines() if done.returncode == 0 else []
    files = [ROOT / name for name in names] or [path for path in ROOT.rglob("*") if not made(path.relative_to(ROOT))]
    return [path for path in files if path.is_file() and path.suffix not in {".png", ".so", ".pyc"}]


# Written in pieces, so that this file does not find itself.
MACHINE = re.compile(
    "/(" + "|".join(["ro" + "ot", "ho" + "me", "wo" + "rk", "fa" + "rm", "Us" + "ers"]) + r")/[A-Za-z0-9._-]+"
)
HOSTS = re.compile(
    "|".join(["py" + r"pi\.org", "pythonhosted" + r"\.org", "anaconda" + r"\.org", "index" + "-url", "find" + "-links"])
)
NEIGHBOUR = re.compile(r"\.\./" + "sha" + "red|" + "[\"']sha" + "red[/\"']")


@pytest.mark.parametrize(("what", "pattern"), {"path": MACHINE, "package host": HOSTS, "neighbour": NEIGHBOUR}.items())
def test_nothing_names_the_machine_it_was_made_on(what: str, pattern: re.Pattern[str]) -> None:
    files = tracked()
    assert len(files) > 20
    found = [
        f"{path.relative_to(ROOT)}:{number}: {match[0]}"
        for path in files
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        for match in [pattern.search(line)]
        if match
    ]
    assert found == [], f"a {what} of one machine"


def test_limits_are_all_used() -> None:
    """A typing slip in LIMITS or STOREYS must not switch a rule off."""
    assert set(LIMITS) == {"function", "file", "rule"}
    assert len(list(itertools.chain(*STOREYS))) == len(set(itertools.chain(*STOREYS)))


def test_readme_names_every_option_of_the_magic() -> None:
    described = (ROOT / "README.md").read_text(encoding="utf-8")
    doors = [MODULES[name] for name in ONLY_IN["IPython"]]
    calls = [node for door in doors for node in ast.walk(door) if isinstance(node, ast.Call)]
    spellings = [
        [arg.value for arg in call.args if isinstance(arg, ast.Constant) and str(arg.value).startswith("-")]
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id == "argument"
    ]
    options = [names[0] for names in spellings if names]
    assert len(options) >= 9
    assert [option for option in options if f"| `{option}" not in described] == []
