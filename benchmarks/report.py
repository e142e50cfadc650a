"""Markdown: tables, and the lines above them that say where, when and with which versions."""

from __future__ import annotations

import os
import platform
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from peers import TOOLS


def table(rows: Sequence[Sequence[str]], rule: str = "---:") -> str:
    """A Markdown table; the first row is the head, the first column stands left, the others right unless `rule`d."""
    ruled = [rows[0], ["---", *[rule] * (len(rows[0]) - 1)], *rows[1:]]
    return "\n".join("| " + " | ".join(each.replace("|", "\\|") for each in row) + " |" for row in ruled)


def processor(text: str) -> str:
    """The processor's class, of the text of ``/proc/cpuinfo``: its model name without trade marks and clock."""
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    name = re.sub(r"\((?:R|TM)\)|@.*|\bCPU\b", " ", found[1]) if found else platform.processor() or platform.machine()
    return " ".join(name.split())


def machine() -> str:
    """Cores, memory, processor and system: the class of machine, not which one."""
    try:
        memory = f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB RAM"
    except (AttributeError, ValueError, OSError):
        memory = "RAM unknown"
    cpuinfo = Path("/proc/cpuinfo")
    text = cpuinfo.read_text(encoding="utf-8", errors="replace") if cpuinfo.exists() else ""
    return f"{os.cpu_count()} cores, {memory}, {processor(text)}, {platform.system()}"


def head(peer_versions: Mapping[str, str]) -> str:
    """Date, machine and versions."""
    ours = {name: version(name) for name in ("npmem_magic", "numpy", "numexpr", "ipython")}
    packages = {package for tool in TOOLS.values() for package in tool.packages[:1]}
    theirs = {name: peer_versions[name] for name in sorted(packages) if name in peer_versions}
    listed = ", ".join(f"{name} {number}" for name, number in {**ours, **theirs}.items())
    return f"{time.strftime('%Y-%m-%d')}; {machine()}; Python {platform.python_version()}; {listed}."


def how(tools: Iterable[str]) -> str:
    """What was run for each tool, and whether it tells lines."""
    rows = [[TOOLS[tool].title, TOOLS[tool].how, "yes" if TOOLS[tool].lines else "no"] for tool in tools]
    return table([["column", "what was run", "reports lines"], *rows], "---")


def absences(why: Mapping[str, str]) -> str:
    """A list of what is missing, with reasons; nothing where nothing is."""
    return "\n".join(f"- {what}: {reason}" for what, reason in why.items())
