"""What this interpreter and this machine can do, named by behaviour, and the errors that say so.

A leaf of the import graph: everything may import it, it imports nothing of the project.
"""

from __future__ import annotations

import os
import sys


class NpmemError(Exception):
    """Base of every error this project raises on purpose: what was seen, why it matters, what to do."""


class Unavailable(NpmemError):
    """Something this machine or installation cannot do; printed once as a sentence, never swallowed.

    Attributes
    ----------
    what, reason, remedy : str
        What is missing, why, and what to do about it (`remedy` may be empty).
    """

    def __init__(self, what: str, reason: str, remedy: str = "") -> None:
        self.what, self.reason, self.remedy = what, reason, remedy
        super().__init__(f"{what}: {reason}." + (f" {remedy}." if remedy else ""))


# sys.monitoring (PEP 669) delivers line events that can be switched off one by one.
HAS_MONITORING = hasattr(sys, "monitoring")

# /proc/self/statm gives the resident set of a process on an open descriptor; Linux only.
HAS_STATM = os.path.exists("/proc/self/statm")


def free_memory() -> int | None:
    """Bytes that this process can still take: what the machine has available, or a container's limit leaves.

    None where nothing tells it.
    """
    found = [each for each in (_available(), *_left_by_cgroups()) if each is not None]
    return min(found, default=None)


def _available() -> int | None:
    for line in _lines("/proc/meminfo"):
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    try:
        import psutil
    except ImportError:
        return None
    return int(psutil.virtual_memory().available)


def _left_by_cgroups() -> list[int]:
    """What the limit of each control group around this process leaves, its file cache counted as free."""
    left = []
    for line in _lines("/proc/self/cgroup"):
        _, controllers, path = line.split(":", 2)
        if controllers not in ("", "memory"):
            continue
        top = "/sys/fs/cgroup" + (f"/{controllers}" if controllers else "")
        names = ("memory.limit_in_bytes", "memory.usage_in_bytes") if controllers else ("memory.max", "memory.current")
        parts = [part for part in path.split("/") if part]
        # In a container the path may be the host's, and only the top is there to be read.
        folders = ["/".join([top, *parts[:depth]]) for depth in range(len(parts) + 1)]
        left += [each for folder in folders if (each := _left_in(folder, *names)) is not None]
    return left


def _left_in(folder: str, limit: str, usage: str) -> int | None:
    limits, used = _lines(f"{folder}/{limit}"), _lines(f"{folder}/{usage}")
    if not limits or not used or not limits[0].isdigit():  # "max": there is none
        return None
    statistics = dict(line.split() for line in _lines(f"{folder}/memory.stat"))
    cache = int(statistics.get("total_inactive_file", statistics.get("inactive_file", 0)))
    return max(0, int(limits[0]) - max(0, int(used[0]) - cache))


def _lines(path: str) -> list[str]:
    """The lines of a small file; none where there is no such file, or it may not be read."""
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read().splitlines()
    except OSError:
        return []
