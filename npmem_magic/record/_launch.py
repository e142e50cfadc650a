"""Launch: the kernel's end of the helper process: start it by exec, steer it, take its points, end it.

The pipe only wakes the helper and, by closing, tells it that the kernel is gone, even after SIGKILL; what it shall do
stands in shared memory. See `_helper` for the other end.
"""

from __future__ import annotations

import mmap
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import IO

import numpy as np
import numpy.typing as npt

from . import _helper, gauges, nvml

Curve = npt.NDArray[np.int64]
_START_LIMIT = 10.0  # seconds for a helper to start; a machine this slow has other troubles


def _shared_memory(size: int) -> tuple[mmap.mmap, str, tuple[int, ...]]:
    """Memory to share with the helper, its name there, and the descriptors the helper must inherit."""
    if sys.platform == "win32":
        name = f"npmem-{os.getpid()}-{time.monotonic_ns()}"
        return mmap.mmap(-1, size, tagname=name), name, ()
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("npmem")
    else:
        descriptor, path = tempfile.mkstemp(prefix="npmem-")
        os.unlink(path)
    os.ftruncate(descriptor, size)
    return mmap.mmap(descriptor, size), str(descriptor), (descriptor,)


def _launch(arguments: list[str], descriptors: tuple[int, ...]) -> subprocess.Popen[bytes]:
    """Exec the helper in a session of its own, out of reach of the interrupt that stops a cell."""
    flags = 0
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
    return subprocess.Popen(
        [sys.executable, "-I", "-S", _helper.__file__, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        bufsize=0,
        cwd=os.path.abspath(os.sep),  # a helper must not keep the user's folder busy
        close_fds=True,
        pass_fds=descriptors,
        start_new_session=True,
        creationflags=flags,
    )


class Helper:
    """The kernel's end of one helper process."""

    def __init__(self, names: tuple[str, ...], points: int) -> None:
        self.owner, self.gauges, self.points = os.getpid(), names, points
        self.run = 0
        self.said, self.ended = b"", False
        self._memory, name, descriptors = _shared_memory(8 * _helper.words_needed(points, len(names)))
        self.words = memoryview(self._memory).cast("q")
        needs_site = gauges.NEEDS_SITE.intersection(names) or any(name.startswith(nvml.GAUGE) for name in names)
        site = [path for path in sys.path if path] if needs_site else []
        try:
            self._process = _launch([name, str(self.owner), str(points), ",".join(names), *site], descriptors)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)  # the mapping keeps the memory
        if sys.platform != "win32":
            os.set_blocking(self._pipe(self._process.stdout).fileno(), False)
            os.set_blocking(self._pipe(self._process.stdin).fileno(), False)

    @staticmethod
    def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
        assert pipe is not None
        return pipe

    @property
    def pid(self) -> int:
        return self.words[_helper.PID]

    def alive(self) -> bool:
        """Whether the process runs: only it holds the other end of its output, so the end of that is its end."""
        if self.ended:
            return False
        if sys.platform == "win32":
            return self._process.poll() is None
        try:
            while text := os.read(self._pipe(self._process.stdout).fileno(), 4096):
                self.said += text
        except BlockingIOError:
            return True
        except OSError:  # the cell closed our descriptor
            return False
        return False

    def wait_until(self, ready: Callable[[], bool], limit: float, step: float) -> bool:
        """True once `ready`, False when the helper died or `limit` seconds have passed."""
        deadline = time.monotonic() + limit
        while not ready():
            if not self.alive() or time.monotonic() > deadline:
                return ready()
            time.sleep(step)
        return True

    def send(self, command: int) -> None:
        """Set the command word and wake the helper; a dead helper is found out by `alive`."""
        self.words[_helper.COMMAND] = command
        try:
            self._pipe(self._process.stdin).write(b".")
        except OSError:
            return

    def settle(self) -> bool:
        """Wait for a helper just launched; True when it serves."""
        ready = self.wait_until(lambda: self.pid != 0, _START_LIMIT, 0.001)
        if ready and sys.platform != "win32":
            self._process.wait()  # what we launched has handed over to a process that is not our child
        return ready

    def rows(self) -> Curve:
        """Points of the present run, shape (n, 1 + gauges); consistent also while the helper writes on."""
        state, width = self.words[_helper.STATE], 1 + len(self.gauges)
        start = _helper.HEADER + (state >> 32) * self.points * width
        raw = self.words[start : start + (state & 0xFFFFFFFF) * width].tobytes()
        return np.frombuffer(raw, np.int64).reshape(-1, width)

    def recent(self, most: int) -> tuple[list[int], list[int]]:
        """Times and first gauge of at most about `most` points of the present run; it makes no array."""
        state, width = self.words[_helper.STATE], 1 + len(self.gauges)
        start, count = _helper.HEADER + (state >> 32) * self.points * width, state & 0xFFFFFFFF
        rows = self.words[start : start + count * width]
        step = width * (count // most + 1)
        return rows[0::step].tolist(), rows[1::step].tolist()

    def last_words(self) -> str:
        """The last line of what the process printed: its error, or nothing when it was killed."""
        lines = self.said.decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else ""

    def end(self) -> None:
        """Quit, kill if that does not help, and let go of pipes and memory."""
        self.send(_helper.QUIT)
        self.wait_until(lambda: False, 1.0, 0.001)  # until it has gone
        if self.alive() and self.pid:
            os.kill(self.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
        self.ended = True
        self._process.kill()  # does nothing, unless it hung before it handed over
        self._pipe(self._process.stdin).close()
        self._pipe(self._process.stdout).close()
        self._process.wait()
        self.words.release()
        self._memory.close()
