"""The same promise in a real Jupyter kernel: messages in the order a notebook shows them, plain and under the magic."""

from __future__ import annotations

import os
import queue
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.manager import KernelManager
from tracing import ENGINES

import npmem_magic
from npmem_magic.record import ledger

ROOT = Path(npmem_magic.__file__).parent.parent
LIMIT = 60.0  # seconds; a cell takes far less
COLOR = re.compile(r"\x1b\[[0-9;]*m")
VARIES = re.compile(r"0x[0-9a-f]+|(?<=In\[)\d+|[^ ]*ipykernel_\d+[^ ]*\.py")
ABOVE = re.compile(r"^ +1 (?:# plain)?\n", re.MULTILINE)  # the line above the body, where the magic stands


@pytest.fixture(scope="module", params=ENGINES)
def kernel(request: pytest.FixtureRequest) -> Iterator[BlockingKernelClient]:
    """A client of a kernel with the extension loaded and told which ledger to use."""
    if request.param == "native" and ledger._native_obstacle():
        pytest.skip("the native ledger is not built here")
    manager = KernelManager(kernel_name="python3")
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    manager.start_kernel(env={**os.environ, "PYTHONPATH": path, ledger.VARIABLE: request.param})
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=LIMIT)
        assert run(client, "%load_ext npmem_magic")[-1] == "reply ok"
        yield client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def run(kernel: BlockingKernelClient, cell: str) -> list[str]:
    """What the notebook would show of `cell`, in order, and the status last; streams of one kind joined."""
    shown: list[tuple[str, str]] = []
    message = kernel.execute(cell, allow_stdin=False)
    while True:
        try:
            got = kernel.get_iopub_msg(timeout=LIMIT)
        except queue.Empty:
            pytest.fail(f"the kernel is silent after {shown}")
        if got["parent_header"].get("msg_id") != message:
            continue
        kind, content = got["msg_type"], got["content"]
        if kind == "status" and content["execution_state"] == "idle":
            break
        shown += describe(kind, content)
    while (reply := kernel.get_shell_msg(timeout=LIMIT))["parent_header"].get("msg_id") != message:
        continue
    return [*joined(shown), f"reply {reply['content']['status']}"]


def describe(kind: str, content: dict[str, Any]) -> list[tuple[str, str]]:
    match kind:
        case "stream":
            return [(content["name"], content["text"])]
        case "execute_result" | "display_data":
            ours = "npmem_magic" in content["metadata"]
            return [(kind, "report" if ours else content["data"]["text/plain"])]
        case "error":
            return [("error", "\n".join(content["traceback"]))]
    return []


def joined(shown: list[tuple[str, str]]) -> list[str]:
    texts: list[str] = []
    for place, (kind, text) in enumerate(shown):
        if place and shown[place - 1][0] == kind and kind.startswith("std"):
            texts[-1] += text
        else:
            texts.append(f"{kind} {text}")
    return [ABOVE.sub("", VARIES.sub("", COLOR.sub("", text))) for text in texts]


CELLS = {
    "value": "x = 1\nx + 1",
    "silent": "x = 1\nx;",
    "print and value": "print('a')\nimport sys\nprint('b')\n'c'",
    "rich": "from IPython.display import display, HTML\ndisplay(HTML('<b>x</b>'))\n3",
    "string": 's = """a\n  b"""\ns',
    "await": "import asyncio\nawait asyncio.sleep(0.01, 'v')",
    "await silent": "import asyncio\nawait asyncio.sleep(0.01, 'v');",
    "await in the loop that runs": "import asyncio\nt = asyncio.create_task(asyncio.sleep(0, 5))\nawait t",
    "async for": "async def g():\n    yield 1\nasync for v in g():\n    print(v)",
    "error": "x = 1\n\n1 / 0",
    "error in function": "def f():\n    raise ValueError('v')\nf()",
    "error in await": "import asyncio\nasync def f():\n    await asyncio.sleep(0)\n    1 / 0\nawait f()",
    "syntax error": "x = 1\ny = = 2",
    "return outside": "return 5",
    "syntax error with await": "import asyncio\nawait asyncio.sleep(0)\nx = (",
    "interrupt": "raise KeyboardInterrupt",
    "shell": "!echo hello",
    "shell captured": "o = !echo hello\no",
    "input refused": "input()",
    "future": "x = 1\nfrom __future__ import annotations\ndef f(a: Unknown): pass\nf.__annotations__",
    "matplotlib closed": "import sys\n'matplotlib.pyplot' in sys.modules",
}


@pytest.mark.parametrize("name", CELLS)
def test_same_messages(kernel: BlockingKernelClient, name: str) -> None:
    plain = run(kernel, "# plain\n" + CELLS[name])
    assert run(kernel, "%%memtrace -q\n" + CELLS[name]) == plain


def test_report_then_value(kernel: BlockingKernelClient) -> None:
    cell = "%%memtrace\nimport numpy as np\nx = np.zeros(100_000)\nprint('out')\nx.nbytes"
    assert run(kernel, cell) == ["stdout out\n", "display_data report", "execute_result 800000", "reply ok"]


def test_report_then_error(kernel: BlockingKernelClient) -> None:
    shown = run(kernel, "%%memtrace\nimport numpy as np\nx = np.zeros(100_000)\n1 / 0")
    assert [each.split()[0] for each in shown] == ["display_data", "error", "reply"]
    assert shown[-1] == "reply error"


def test_capture_around(kernel: BlockingKernelClient) -> None:
    assert run(kernel, "%%capture c\n%%memtrace\nprint('inside')\n5") == ["reply ok"]
    shown = run(kernel, "print(c.stdout); c.outputs[0].metadata['npmem_magic']['kind']")
    assert shown == ["stdout inside\n\n", "execute_result 'memtrace'", "reply ok"]


def test_interrupt_of_a_running_cell(kernel: BlockingKernelClient) -> None:
    cell = "%%memtrace -q -o t\nimport os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(30)"
    shown = run(kernel, cell)
    assert "KeyboardInterrupt" in shown[0]
    assert shown[-1] == "reply error"
    assert "KeyboardInterrupt" in run(kernel, "t.error")[0]
    assert run(kernel, "%memtrace -q 3") == ["execute_result 3", "reply ok"]


def test_comparing(kernel: BlockingKernelClient) -> None:
    cell = (
        "%%memcompare -o c\nimport numpy as np, asyncio\nx = np.ones(9)\n# variant: a\nprint(1)\nx + 1\n# variant: b\n"
    )
    assert run(kernel, cell + "x += 1\nx") == ["stdout 1\n", "display_data report", "reply ok"]
    assert run(kernel, cell + "await asyncio.sleep(0)\nx") == ["stdout 1\n", "display_data report", "reply ok"]
    assert run(kernel, "c.equal['b'].verdict, 'npmem_magic' in repr(type(c))")[0].startswith(
        "execute_result ('differs'"
    )


def test_analyze_memory_shows_its_report_once(kernel: BlockingKernelClient) -> None:
    cell = "from npmem_magic import analyze_memory\nfrom functools import partial\nimport numpy as np\n"
    call = "analyze_memory(partial(np.ones, 9), partial(np.zeros, 9))"
    assert run(kernel, cell + call) == ["display_data report", "reply ok"]
    assert run(kernel, f"{call}\nr = {call}\n5") == ["display_data report"] * 2 + ["execute_result 5", "reply ok"]
    assert run(kernel, "r") == ["display_data report", "reply ok"]
