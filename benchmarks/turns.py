"""Worker processes: started as the tool's users would start theirs, asked for one run at a time."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from install import last_words
from peers import TOOLS, Tool
from worker import MARK

SCRIPT = Path(__file__).with_name("worker.py")
START = 60.0  # seconds that a worker may take to be ready


class NoAnswer(Exception):
    """The tool failed; the text says how, without paths."""


class TooSlow(Exception):
    """The run was ended because it took longer than it may."""


@dataclass(frozen=True)
class Pythons:
    """The interpreter that has npmem_magic, and the one that has the peers."""

    ours: Path
    theirs: Path

    def of(self, tool: Tool) -> Path:
        """The one to run `tool` with."""
        return self.theirs if tool.packages else self.ours


def environment(tool: Tool, folder: Path) -> dict[str, str]:
    """What a worker finds: scripts find their neighbours, IPython keeps its files in `folder`, nobody pages."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONSAFEPATH", "NPMEM_LEDGER")}
    return {**kept, "TERM": "dumb", "IPYTHONDIR": str(folder), "PYTHONUNBUFFERED": "1", **tool.environment}


class Worker:
    """One process of one tool. `table` names the cells it knows."""

    def __init__(self, tool: Tool, table: str, python: Path, folder: Path) -> None:
        self.folder = folder
        self._complaints = (folder / "stderr.txt").open("w+", encoding="utf-8", errors="replace")
        self._process = subprocess.Popen(
            [str(python), *tool.launch, str(SCRIPT), *tool.tail, tool.key, table],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            text=True,
            cwd=folder,
            env=environment(tool, folder),
            start_new_session=True,
        )
        assert self._process.stdin and self._process.stdout
        self._requests: IO[str] = self._process.stdin
        self._answers: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._listen, args=(self._process.stdout,), daemon=True).start()
        try:
            self._answer(START)
        except (NoAnswer, TooSlow):
            self.kill()
            raise

    def _listen(self, answers: IO[str]) -> None:
        for line in answers:
            if MARK in line:  # a tool may have left its own line unfinished
                self._answers.put(line.partition(MARK)[2])
        self._answers.put("")

    def _answer(self, patience: float) -> dict[str, Any]:
        try:
            text = self._answers.get(timeout=patience)
        except queue.Empty:
            raise TooSlow from None
        if not text:
            self._answers.put("")  # the end is the answer to whatever is asked next, too
            self._process.wait(timeout=START)
            self._complaints.seek(0)
            raise NoAnswer(f"its process ended ({self._process.returncode}): {last_words(self._complaints.read())}")
        answer: dict[str, Any] = json.loads(text)
        if "error" in answer:
            raise NoAnswer(answer["error"])
        return answer

    def ask(self, kind: str, key: str, patience: float) -> dict[str, Any]:
        """The answer to one request; `NoAnswer` and `TooSlow` otherwise. `patience` is in seconds."""
        with suppress(BrokenPipeError):  # its end is reported as the answer
            print(json.dumps([kind, key]), file=self._requests, flush=True)
        return self._answer(patience)

    def close(self) -> None:
        """Let it end by itself, as command line tools write their result then."""
        with suppress(BrokenPipeError):
            self._requests.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=START)
        self.kill()

    def kill(self) -> None:
        """End it and what it started; once is enough."""
        if self._complaints.closed:
            return
        if hasattr(os, "killpg"):
            with suppress(ProcessLookupError):  # all have ended
                os.killpg(self._process.pid, signal.SIGKILL)
        else:
            self._process.kill()
        self._process.wait()
        self._complaints.close()


@contextmanager
def worker(tool: Tool, table: str, python: Path) -> Iterator[Worker]:
    """A worker in a folder of its own; both are gone afterwards, also after Ctrl-C."""
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as folder:
        running = Worker(tool, table, python, Path(folder))
        try:
            yield running
        except BaseException:
            running.kill()
            raise
        else:
            running.close()


def partner(tool: Tool) -> Tool | None:
    """The tool of the other process that plain runs need, where `tool` is on for a whole process."""
    return TOOLS["script"] if tool.launch else None


def say(text: str) -> None:
    """Progress, out of the way of the tables."""
    print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)
