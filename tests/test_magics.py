"""The door: options, the line form, names kept, loading and unloading, and `npmem_magic.trace`."""

from __future__ import annotations

import gc
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tracing
from conftest import fresh_shell
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from tracing import K, names, size

import npmem_magic
from npmem_magic import NpmemError, Trace
from npmem_magic.magics import MemoryMagics

ROOT = Path(npmem_magic.__file__).parent.parent


@pytest.fixture(autouse=True)
def no_garbage() -> None:
    """What earlier tests left would be freed in the middle of a run, and the bytes would count."""
    gc.collect()


def run(ip: InteractiveShell, cell: str) -> tuple[Any, str, str]:
    """The cell's value, what it wrote and what it complained."""
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        result = ip.run_cell(cell, store_history=True)
    return result.result, out.getvalue(), err.getvalue()


def refused(ip: InteractiveShell, cell: str) -> str:
    """The one line that IPython shows of a UsageError; the cell must not have run."""
    _, out, err = run(ip, cell)
    assert "Traceback" not in out
    assert err.startswith("UsageError: "), out + err
    assert "ran" not in ip.user_ns
    return err


# What must be left alone


@pytest.mark.parametrize(
    "cell", ["%%memtrace -q\n", "%%memtrace -q", "%%memtrace -q\n\n\n", "%%memtrace -q\n# nothing"]
)
def test_nothing_to_run(ip: InteractiveShell, cell: str) -> None:
    assert run(ip, cell) == (None, "", "")
    assert npmem_magic.last is not None
    assert (npmem_magic.last.peak, npmem_magic.last.net, npmem_magic.last.gross) == (0, 0, 0)


@pytest.mark.parametrize(
    "options",
    ["--nonsense", "-z", "--pythons", "--sampler wrong", "--interval soon", "--interval -1", "--interval nan", "-o 1x",
     "-o", "-f no_such_function", "-f math.sin", "-f collections.OrderedDict", "statement", "-q more"],
)  # fmt: skip
def test_wrong_options_lose_nothing(ip: InteractiveShell, options: str) -> None:
    assert len(refused(ip, f"%%memtrace {options}\nran = True").splitlines()) == 1


def test_line_magic_without_statement(ip: InteractiveShell) -> None:
    assert "%memtrace STATEMENT" in refused(ip, "%memtrace")
    assert "unrecognized" in refused(ip, "%memtrace -z ran = True")


def test_other_cells_are_not_touched(ip: InteractiveShell) -> None:
    magics = ip.magics_manager.registry["MemoryMagics"]
    for cell in (
        [],
        ["x = 1\n"],
        ["%%memtracer\n", "x = (\n"],
        ["%%memtrace?\n"],
        ["%memtrace x\n"],
        [" %%memtrace\n"],
    ):
        assert magics.prepare(cell) is cell


# The line form


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("1 + 1", 2),
        ("x = 5", None),
        ("'a  b'", "a  b"),
        ('"it\'s  -q"', "it's  -q"),
        ("{'k': '{y} $z'}", {"k": "{y} $z"}),
        ("len('--quiet')", 7),
        ("-- -1", -1),
        ("3 -1", 2),
        ("5;", None),
        ("a = 2; a * 2", 4),
        ("(lambda: 'x # y')()", "x # y"),
    ],
)
def test_statement_is_left_as_typed(ip: InteractiveShell, line: str, value: object) -> None:
    assert run(ip, f"%memtrace -q {line}") == (value, f"Out[1]: {value!r}\n" if value is not None else "", "")


def test_value_can_be_assigned(ip: InteractiveShell) -> None:
    run(ip, "v = %memtrace -q -l 'two words' 6 * 7")
    assert ip.user_ns["v"] == 42
    assert ip.magics_manager.registry["MemoryMagics"].traces["two words"].label == "two words"


def test_statement_in_a_function_sees_its_names(ip: InteractiveShell) -> None:
    assert run(ip, "def f(n):\n    v = %memtrace -q n + 1\n    return v\nf(2)")[0] == 3


def test_error_of_a_statement_names_the_line_of_the_cell(ip: InteractiveShell) -> None:
    out = run(ip, "x = 1\n%memtrace -q 1 / 0")[1]
    assert "----> 2 get_ipython().run_line_magic('memtrace'" in out
    assert "----> 1 1 / 0" in out
    assert "magics.py" not in out
    assert "cell.py" not in out


# Options


def test_output_is_bound_also_after_an_error(ip: InteractiveShell) -> None:
    run(ip, "%%memtrace -q -o good\nx = 1")
    run(ip, "%%memtrace -q -o bad -l name\nx = 1\n1 / 0")
    assert isinstance(ip.user_ns["good"], Trace)
    assert ip.user_ns["good"].error is None
    assert ip.user_ns["bad"].error == "ZeroDivisionError('division by zero')"
    assert ip.user_ns["bad"].label == "name"
    assert npmem_magic.last is ip.user_ns["bad"]


def test_source_counts_from_the_second_line(ip: InteractiveShell) -> None:
    run(ip, "%%memtrace -q -o t\n\nimport numpy as np\nx = np.zeros(1000)")
    assert (ip.user_ns["t"].source, ip.user_ns["t"].first_line) == ("\nimport numpy as np\nx = np.zeros(1000)\n", 2)


@pytest.mark.usefixtures("ledger")
def test_bytes(ip: InteractiveShell) -> None:
    run(ip, f"%%memtrace -q -o t\nimport numpy as np\nx = np.zeros({size()}).copy()")
    trace = ip.user_ns["t"]
    assert (trace.peak, trace.net, trace.gross) == (2 * K, K, 2 * K)
    assert {line.line for line in trace.lines} == {2, 3}


@pytest.mark.usefixtures("ledger")
def test_bytes_of_an_awaiting_cell(ip: InteractiveShell) -> None:
    run(ip, f"%%memtrace -q -o t\nimport asyncio, numpy as np\nx = np.zeros({size()})\nawait asyncio.sleep(0)")
    assert (ip.user_ns["t"].peak, ip.user_ns["t"].net) == (K, K)


def test_follow(ip: InteractiveShell) -> None:
    run(ip, "%%memtrace -q -o t -f numpy.linspace\nimport numpy as np\nx = np.linspace(0, 1, 100_000)")
    assert "linspace" in {line.function for line in ip.user_ns["t"].lines}


def test_functions_of_earlier_cells_are_followed(ip: InteractiveShell) -> None:
    run(ip, "import numpy as np\ndef make():\n    return np.zeros(100_000)")
    run(ip, "%%memtrace -q -o t\nx = make()")
    assert {("make", 3), ("<cell>", 2)} <= {(each.function, each.line) for each in ip.user_ns["t"].lines}


@pytest.mark.parametrize("sampler", ["auto", "off", "memory_profiler"])
def test_samplers(ip: InteractiveShell, sampler: str) -> None:
    assert run(ip, f"%%memtrace -q --sampler {sampler} --interval 0.001\n3")[0] == 3


def test_report_is_shown_before_the_value(ip: InteractiveShell) -> None:
    _, out, _ = run(ip, "%%memtrace\nimport numpy as np\nnp.zeros(100_000).sum()")
    assert "Peak 781.3 KiB" in out
    assert out.index("Peak 781.3 KiB") < out.index("Out[1]")


def test_rich_report_is_one_marked_display() -> None:
    with fresh_shell() as shell:
        shown: list[dict[str, Any]] = []
        shell.display_pub.publish = lambda **message: shown.append(message)
        shell.extension_manager.load_extension("npmem_magic")
        shell.run_cell("%%memtrace\nx = 1;")
    assert len(shown) == 1
    assert {"text/plain", "text/html"} <= set(shown[0]["data"])
    assert shown[0]["metadata"]["npmem_magic"]["kind"] == "memtrace"


def test_terminal_prints_text(ip: InteractiveShell) -> None:
    ip.display_formatter.active_types = ["text/plain"]
    ip.display_pub.publish = None  # must not be called
    assert run(ip, "%%memtrace\nx = 1")[1].startswith("No NumPy data was allocated")


def test_help_lists_every_option() -> None:
    text = MemoryMagics.memtrace.__doc__
    assert text is not None
    assert all(option in text for option in ("--output", "--label", "--quiet", "--follow", "--sampler", "--interval"))


# A trace within a trace


@pytest.mark.usefixtures("ledger")
@pytest.mark.parametrize("inner", ["%memtrace -q 1", "import npmem_magic\nnpmem_magic.trace('1')"])
def test_nested(ip: InteractiveShell, inner: str) -> None:
    _, out, err = run(ip, f"%%memtrace -q -o t\nimport numpy as np\nx = np.zeros({size()})\n{inner}\ny = 1")
    assert "UsageError" in err or "NpmemError" in out
    assert "y" not in ip.user_ns
    assert (ip.user_ns["t"].net, ip.user_ns["t"].peak) == (K, K)
    assert run(ip, "%memtrace -q 2")[0] == 2


@pytest.mark.usefixtures("ledger")
def test_nested_error_can_be_caught(ip: InteractiveShell) -> None:
    caught = "try:\n    %memtrace -q 1\nexcept Exception as e:\n    m = type(e).__name__\n"
    run(ip, f"%%memtrace -q -o t\n{caught}import numpy as np\nx = np.zeros({size()})")
    assert ip.user_ns["m"] == "UsageError"
    assert ip.user_ns["t"].net == K


# Cells that reach the magic by another road


def test_run_cell_magic(ip: InteractiveShell) -> None:
    assert ip.run_cell_magic("memtrace", "-q", "x = 1\nx + 1") == 2
    assert ip.run_cell_magic("memtrace", "-q", "import asyncio\nawait asyncio.sleep(0, 4)") == 4
    with pytest.raises(SyntaxError):
        ip.run_cell_magic("memtrace", "-q", "x = (")
    with pytest.raises(ZeroDivisionError):
        ip.run_cell_magic("memtrace", "-q", "1 / 0")


def test_awaiting_statement_inside_a_loop_is_refused(ip: InteractiveShell) -> None:
    import asyncio

    async def inside() -> None:
        ip.run_cell_magic("memtrace", "-q", "await nothing")

    with pytest.raises(UsageError, match="cell of its own"):
        asyncio.run(inside())


def test_capture_around(ip: InteractiveShell) -> None:
    run(ip, "%%capture c\n%%memtrace\nprint('inside')\n5")
    assert ip.user_ns["c"].stdout.startswith("inside")


# Loading


def known(shell: InteractiveShell) -> list[Any]:
    manager = shell.magics_manager
    transforms = shell.input_transformer_manager.line_transforms
    return [set(manager.magics["line"]), set(manager.magics["cell"]), len(transforms), vars(shell).get("showtraceback")]


def test_unload_leaves_the_shell_as_it_was() -> None:
    with fresh_shell() as shell:
        before = known(shell)
        for command in ("load_ext", "load_ext", "reload_ext", "unload_ext"):
            with redirect_stdout(StringIO()):
                shell.run_line_magic(command, "npmem_magic")
            if command != "unload_ext":
                assert len(shell.input_transformer_manager.line_transforms) == before[2] + 2  # one a cell magic
                assert run(shell, "%%memtrace -q\n3")[0] == 3
        assert known(shell) == before
        with redirect_stderr(StringIO()) as err:
            assert not shell.run_cell("%%memtrace\nx = 1").success
        assert "not found" in err.getvalue()


def test_loading_by_hand_twice(ip: InteractiveShell) -> None:
    before = known(ip)[:3]
    npmem_magic.load_ipython_extension(ip)
    assert known(ip)[:3] == before
    npmem_magic.unload_ipython_extension(ip)
    npmem_magic.unload_ipython_extension(ip)


def test_no_shell() -> None:
    with pytest.raises(NpmemError, match=r"npmem_magic\.trace"):
        npmem_magic.load_ipython_extension(None)


def test_import_is_light() -> None:
    heavy = ["matplotlib", "pandas", "numexpr", "memory_profiler", "psutil", "pynvml", "multiprocessing", "IPython"]
    code = f"import sys, npmem_magic; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "[]"


# npmem_magic.trace


@pytest.mark.usefixtures("ledger")
def test_trace_of_text() -> None:
    here = names()
    trace = npmem_magic.trace("x = np.zeros(N)\ny = x.copy()", namespace=here, label="two")
    assert (trace.peak, trace.net, trace.label, trace.first_line) == (2 * K, 2 * K, "two", 1)
    assert here["y"].shape == (size(),)


@pytest.mark.usefixtures("ledger")
def test_trace_of_a_callable() -> None:
    trace = npmem_magic.trace(np.zeros, size())
    assert (trace.peak, trace.gross, trace.expressions[0].source) == (K, K, "zeros(*args)")
    assert npmem_magic.trace(lambda n: np.zeros(n).copy(), size()).peak == 2 * K


@pytest.mark.usefixtures("ledger")
def test_trace_raises_what_the_code_raised() -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        npmem_magic.trace("import numpy as np\nx = np.zeros(N)\n1 / 0", namespace={"N": size()})
    assert [entry.name for entry in caught.traceback][-2:] == ["trace", "<module>"]
    assert npmem_magic.last is not None
    assert npmem_magic.last.net == K


@pytest.mark.parametrize(
    ("what", "options"), [("1", {"follow": ["no.such"]}), ("1", {"follow": [len]}), ("1", {"sampler": "wrong"})]
)
def test_trace_says_what_is_wrong(what: str, options: dict[str, Any]) -> None:
    with pytest.raises(NpmemError):
        npmem_magic.trace(what, **options)
    with pytest.raises(NpmemError, match="function"):
        npmem_magic.trace("x = 1", 5)


def test_trace_in_a_notebook_uses_its_names(ip: InteractiveShell) -> None:
    run(ip, "import npmem_magic\nbase = 3\nt = npmem_magic.trace('made = base + 1')")
    assert ip.user_ns["made"] == 4


def test_trace_in_a_script(tmp_path: Path) -> None:
    script = tmp_path / "job.py"
    script.write_text(
        "import numpy as np, npmem_magic\n"
        "def helper(n):\n    return np.zeros(n)\n"
        "def work(n):\n    return helper(n).shape\n"
        "t = npmem_magic.trace(work, 100_000)\n"
        "print(t.peak, t.source, sorted({line.function for line in t.lines if line.hits}), sorted(t.functions))\n"
    )
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, env={"PYTHONPATH": tracing.HOME}, check=True
    )
    assert done.stdout == "800000 work(*args)\n ['<cell>', 'helper', 'work'] ['helper', 'work']\n"
