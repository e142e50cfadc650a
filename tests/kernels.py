"""A real kernel to talk to: every message of a cell with the time it came at."""

from __future__ import annotations

import os
import queue
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import KernelManager

import npmem_magic

ROOT = Path(npmem_magic.__file__).parent.parent
LIMIT = 90.0  # seconds; a cell takes far less
COLOR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Message:
    """One message of a cell, `at` seconds after it was sent."""

    at: float
    kind: str
    content: dict[str, Any]

    @property
    def ours(self) -> str:
        """Which display of ours it is: ``live``, ``memtrace``, or nothing."""
        return str(self.content.get("metadata", {}).get("npmem_magic", {}).get("kind", ""))

    @property
    def text(self) -> str:
        """What it shows as plain text."""
        match self.kind:
            case "stream":
                return str(self.content["text"])
            case "error":
                return COLOR.sub("", "\n".join(self.content["traceback"]))
        return str(self.content.get("data", {}).get("text/plain", ""))

    @property
    def display_id(self) -> str:
        return str(self.content.get("transient", {}).get("display_id", ""))


class Kernel:
    """One kernel with the extension loaded."""

    def __init__(self, manager: KernelManager) -> None:
        self.manager, self.client = manager, manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=LIMIT)

    def run(self, cell: str) -> list[Message]:
        """All that the notebook is told of `cell`, until the kernel is idle again."""
        sent, message = time.monotonic(), self.client.execute(cell, allow_stdin=False)
        shown: list[Message] = []
        while True:
            try:
                got = self.client.get_iopub_msg(timeout=LIMIT)
            except queue.Empty:
                pytest.fail(f"the kernel is silent after {shown}")
            if got["parent_header"].get("msg_id") != message:
                continue
            if got["msg_type"] == "status" and got["content"]["execution_state"] == "idle":
                break
            if got["msg_type"] not in ("status", "execute_input"):
                shown.append(Message(time.monotonic() - sent, got["msg_type"], got["content"]))
        while self.client.get_shell_msg(timeout=LIMIT)["parent_header"].get("msg_id") != message:
            continue
        return shown

    def value(self, expression: str) -> str:
        """What the kernel answers; the test fails where it answers with an error."""
        (message,) = (each for each in self.run(expression) if each.kind in ("execute_result", "error"))
        assert message.kind == "execute_result", message.text
        return message.text


@contextmanager
def kernel(ledger: str) -> Iterator[Kernel]:
    """A fresh kernel that counts with `ledger`; gone at the end."""
    manager = KernelManager(kernel_name="python3")
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    manager.start_kernel(env={**os.environ, "PYTHONPATH": path, "NPMEM_LEDGER": ledger})
    started = Kernel(manager)
    try:
        started.run("%load_ext npmem_magic\nimport numpy as np, time")
        yield started
    finally:
        started.client.stop_channels()
        manager.shutdown_kernel(now=True)
