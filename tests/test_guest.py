"""A cell under ``%%memtrace`` behaves as it does without it: output, value, names, errors and their lines."""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Callable, Iterable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from io import StringIO
from typing import Any

import pytest
from conftest import fresh_shell
from guest_cells import CELLS, FIRST_LINE
from IPython.core.interactiveshell import InteractiveShell

NUMBER = re.compile(r"(?<=Cell In\[)\d+(?=\])")
FILE = re.compile(r"<ipython-input-\d+-[0-9a-f]+>|/tmp/ipykernel_\d+/\d+\.py")
PLACE = re.compile(r"0x[0-9a-f]+|(?<='version': )\d+")
ABOVE = re.compile(r"^ +1 # plain\n", re.MULTILINE)  # the line that stands where the magic stands


@dataclass(frozen=True)
class Seen:
    """What a user can see of a cell that has run."""

    stdout: str
    stderr: str
    value: str
    out: tuple[str, ...]
    error: str
    succeeded: bool
    names: dict[str, str]


def observe(before: Iterable[str], cell: str, prepare: Callable[[InteractiveShell], None] = lambda shell: None) -> Seen:
    """Run cells in a new shell and say what came of the last one."""
    with fresh_shell() as shell:
        shell.extension_manager.load_extension("npmem_magic")
        prepare(shell)
        for each in before:
            shell.run_cell(each, store_history=True)
        old = dict(shell.user_ns)
        out, err = StringIO(), StringIO()
        with redirect_stdout(out), redirect_stderr(err), warnings.catch_warnings():
            warnings.resetwarnings()
            warnings.showwarning = print_warning
            result = shell.run_cell(cell, store_history=True)
        return Seen(
            stdout=normal(out.getvalue()),
            stderr=normal(err.getvalue()),
            value=shown(result.result),
            out=tuple(f"{key}: {shown(value)}" for key, value in shell.user_ns["Out"].items()),
            error=shown(result.error_before_exec or result.error_in_exec),
            succeeded=result.success,
            names=changed(old, shell.user_ns),
        )


def print_warning(message: Warning | str, category: type[Warning], filename: str, lineno: int, *_: Any) -> None:
    """As Python itself does where pytest does not collect warnings."""
    print(warnings.formatwarning(message, category, filename, lineno), file=sys.stderr)


def normal(text: str) -> str:
    """`text` without what differs between any two runs: file names made of hashes, addresses, the line above."""
    return ABOVE.sub("", PLACE.sub("0x", FILE.sub("<cell>", NUMBER.sub("n", text))))


def shown(value: object) -> str:
    try:
        return f"{type(value).__name__}: {normal(repr(value))}"
    except RuntimeError:
        return f"{type(value).__name__}: not to be shown"


def changed(old: dict[str, Any], new: dict[str, Any]) -> dict[str, str]:
    """Names that came, went or were bound anew, with their values; IPython's own record of the inputs left out."""
    inputs = re.compile(r"_i+$|_i\d+$|In$|_ih$|_dh$|_oh$|Out$")
    names = {name for name in {*old, *new} if not inputs.match(name) and old.get(name) is not new.get(name)}
    return {name: shown(new[name]) if name in new else "gone" for name in sorted(names)}


def same(before: Iterable[str], cell: str, magic: str = "%%memtrace -q", **more: Any) -> None:
    plain = observe(before, "# plain\n" + cell, **more)
    traced = observe(before, f"{magic}\n{cell}", **more)
    assert traced == plain


@pytest.mark.usefixtures("ledger")
@pytest.mark.parametrize("name", CELLS)
def test_same_as_plain(name: str) -> None:
    same(*CELLS[name])


@pytest.mark.usefixtures("ledger")
@pytest.mark.parametrize("name", FIRST_LINE)
def test_cell_magics_inside(name: str) -> None:
    plain, traced = observe([], FIRST_LINE[name]), observe([], "%%memtrace -q\n" + FIRST_LINE[name])
    stdout = traced.stdout.replace("Cell In[n], line 2", "Cell In[n], line 1").replace("----> 2 ", "----> 1 ")
    assert replace(traced, stdout=stdout) == plain


@pytest.mark.parametrize("mode", ["all", "last", "last_expr", "none", "last_expr_or_assign"])
@pytest.mark.parametrize(
    "cell",
    ["1\n2", "x = 5", "x = 5;", "1\n2;", "for i in range(2):\n    i", "y: int = 3", "a, b = 1, 2", "x = 1\nx += 1"],
)
def test_interactivity(mode: str, cell: str) -> None:
    def configure(shell: InteractiveShell) -> None:
        shell.ast_node_interactivity = mode

    same([], cell, prepare=configure)


@pytest.mark.parametrize("cell", ["import asyncio\nawait asyncio.sleep(0)", "async def f(): pass\nf.__name__"])
def test_autoawait_off(cell: str) -> None:
    same(["%autoawait off"], cell)


def test_ast_transformers() -> None:
    import ast

    class Doubled(ast.NodeTransformer):
        def visit_Constant(self, node: ast.Constant) -> ast.Constant:
            return ast.copy_location(ast.Constant(node.value * 2), node) if isinstance(node.value, int) else node

    same([], "x = 21\nx", prepare=lambda shell: shell.ast_transformers.append(Doubled()))


def test_input_transformers() -> None:
    def swap(lines: list[str]) -> list[str]:
        return [line.replace("plus(1)", "1 + 1") for line in lines]

    same([], "x = plus(1)\nx", prepare=lambda shell: shell.input_transformers_post.append(swap))


def test_history_and_counter_go_on() -> None:
    def numbers(first: str) -> list[Any]:
        with fresh_shell() as shell, redirect_stdout(StringIO()):
            shell.extension_manager.load_extension("npmem_magic")
            shell.run_cell(first + "10", store_history=True)
            shell.run_cell("_ + 1", store_history=True)
            return [shell.execution_count, dict(shell.user_ns["Out"])]

    assert numbers("%%memtrace -q\n") == numbers("") == [3, {1: 10, 2: 11}]


def test_the_comparison_can_fail() -> None:
    with pytest.raises(AssertionError):
        same([], "1 / 0", magic="%%memtrace -q\n")  # one line lower
    with pytest.raises(AssertionError):
        same([], "5;", magic="%%time")


@pytest.mark.usefixtures("ledger")
def test_error_fails_the_cell_after_the_report() -> None:
    seen = observe([], "%%memtrace\nimport numpy as np\nx = np.zeros(10 * 2**17)\n1 / 0")
    assert not seen.succeeded
    assert seen.stdout.index("Peak 10.0 MiB") < seen.stdout.index("ZeroDivisionError  ")


@pytest.mark.usefixtures("ledger")
def test_last_traceback_is_the_user_s() -> None:
    with fresh_shell() as shell, redirect_stdout(StringIO()):
        shell.extension_manager.load_extension("npmem_magic")
        result = shell.run_cell("%%memtrace -q\ndef f():\n    1 / 0\nf()")
        link, names = result.error_in_exec.__traceback__, []
        while link:
            names.append(link.tb_frame.f_code.co_name)
            link = link.tb_next
        assert names == ["run_code", "<module>", "f"]


def test_leading_blank_lines_keep_the_numbers_of_the_gutter() -> None:
    seen = observe([], "%%memtrace -q\n\n\n\n1 / 0")
    assert "----> 5 1 / 0" in seen.stdout
