"""The tools that are compared: how each is installed and started, and how its users would run a cell with it on.

The functions run in a worker process (see `worker`) that has the tool; nothing of a tool is imported elsewhere.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from worker import Place

MIB = 2**20


class Absent(Exception):
    """The tool cannot do this here; the text says why."""


def in_bytes(mebibytes: float) -> int:
    """`mebibytes` in bytes."""
    return round(mebibytes * MIB)


@dataclass(frozen=True)
class Tool:
    """One row of the comparison.

    `form` is where its users have their code: a notebook "cell", a "script", or a "function" in a file. `measure`
    runs a text under the tool and gives the peak that the tool then tells, in bytes above the start, or None when it
    tells only after its process has ended: then `afterwards` reads it from the folder the worker ran in.
    `launch` is what stands between the interpreter and the script, and `tail` between the script and its arguments;
    a tool with a `launch` is on for its whole process, so that its plain runs need another process.
    """

    key: str
    title: str
    form: str
    measure: Callable[[Place, str], int | None]
    packages: tuple[str, ...] = ()
    lines: bool = False
    launch: tuple[str, ...] = ()
    tail: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    afterwards: Callable[[Path], int] | None = None
    how: str = ""

    @property
    def ours(self) -> bool:
        """Whether it is npmem_magic."""
        return self.key in ("native", "bare", "pure")

    @property
    def every_pair(self) -> bool:
        """Whether no pair is spared: where a few per cent matter."""
        return self.key in ("plain", "native", "bare")


def nothing(place: Place, text: str) -> int | None:
    """A second plain run: what it differs by is noise."""
    place.plain(text)
    return None


def npmem(place: Place, text: str, engine: str = "native", options: str = "") -> int:
    """``%%memtrace`` with its defaults (resident sampler, sites and lines on), less the display."""
    package = importlib.import_module("npmem_magic")
    if "npmem_magic" not in place.shell.extension_manager.loaded:
        place.shell.run_line_magic("load_ext", "npmem_magic")
    place.cell(f"%%memtrace -q {options}\n{text}")
    if package.last.engine != engine:
        raise Absent(f"the {package.last.engine} engine measured: there is no {engine} one in this build")
    return int(package.last.peak)


def npmem_bare(place: Place, text: str) -> int:
    """The same without the resident sampler: the ledger and the line clock alone."""
    return npmem(place, text, options="--sampler off")


def npmem_pure(place: Place, text: str) -> int:
    """The same with ``NPMEM_LEDGER=pure``."""
    return npmem(place, text, "pure")


def memit(place: Place, text: str) -> int:
    """``%%memit``: the increment it prints."""
    load_memory_profiler(place)
    found = place.cell(f"%%memit -o -q\n{text}").result
    return in_bytes(max(found.mem_usage) - found.baseline)


def load_memory_profiler(place: Place) -> None:
    """Its magics in the worker's shell."""
    if "memory_profiler" not in place.shell.extension_manager.loaded:
        place.shell.run_line_magic("load_ext", "memory_profiler")


def memory_usage(place: Place, text: str) -> int:
    """``memory_usage((f,), interval=5e-5)``: highest sample above the one before the call."""
    sample = importlib.import_module("memory_profiler").memory_usage
    work = place.function(text)
    before = sample()[0]
    return in_bytes(max(sample((work,), interval=5e-5)) - before)


def mprun(place: Place, text: str) -> int:
    """``%mprun -f f f()``: highest "Mem usage" of a line above that of the ``def``."""
    load_memory_profiler(place)
    place.names["_work"] = place.function(text)
    profile = place.shell.run_line_magic("mprun", "-r -T mprun.txt -f _work _work()")
    usage = [cost for _, costs in profile.code_map.items() for _, cost in costs if cost]
    return in_bytes(max(cost[1] for cost in usage) - usage[0][1])


def memray(place: Place, text: str) -> int:
    """``memray.Tracker`` around the code: the peak that ``memray stats`` prints."""
    package = importlib.import_module("memray")
    run, stored = place.script(text), place.folder / "memray.bin"
    stored.unlink(missing_ok=True)
    with package.Tracker(stored):
        run()
    return int(package.FileReader(stored).metadata.peak_memory)


def scalene(place: Place, text: str) -> None:
    """``scalene run``, its profiler switched on around the cell."""
    profiler = importlib.import_module("scalene").scalene_profiler
    run = place.script(text)
    profiler.start()
    try:
        run()
    finally:
        profiler.stop()


def scalene_afterwards(folder: Path) -> int:
    """The highest footprint in its JSON; no samples at all mean that it saw nothing."""
    stored = folder / "scalene.json"
    if not stored.exists():
        return 0
    return in_bytes(json.loads(stored.read_text(encoding="utf-8")).get("max_footprint_mb", 0.0))


def fil(place: Place, text: str) -> int:
    """``filprofiler.api.profile`` under ``fil-profile python``: the sum of its stacks at the peak."""
    package, stored = importlib.import_module("filprofiler.api"), place.folder / "fil" / "peak-memory.prof"
    run = place.script(text)
    stored.unlink(missing_ok=True)
    package.profile(run, stored.parent)
    if not stored.exists():
        return 0
    return sum(int(line.rsplit(" ", 1)[1]) for line in stored.read_text(encoding="utf-8").splitlines())


def tracemalloc(place: Place, text: str) -> int:
    """``tracemalloc.start()`` and nothing else: the traced peak."""
    module: Any = importlib.import_module("tracemalloc")
    run = place.script(text)
    module.start()
    try:
        before = module.get_traced_memory()[0]
        run()
        return int(module.get_traced_memory()[1] - before)
    finally:
        module.stop()


# memory_profiler's magics import distutils, which setuptools still brings where Python no longer does.
MEMORY_PROFILER = ("memory_profiler", "setuptools<81")
SCALENE = ("-m", "scalene", "run", "--off", "--memory", "--program-path", ".", "-o", "scalene.json")

TOOLS = {
    tool.key: tool
    for tool in (
        Tool("plain", "noise", "cell", nothing, how="a second plain run of the cell in the same IPython shell"),
        Tool("native", "npmem native", "cell", npmem, lines=True, how="`%%memtrace`, defaults"),
        Tool("bare", "npmem native, no sampler", "cell", npmem_bare, lines=True, how="`%%memtrace --sampler off`"),
        Tool(
            "pure",
            "npmem pure",
            "cell",
            npmem_pure,
            lines=True,
            environment={"NPMEM_LEDGER": "pure"},
            how="`%%memtrace` with `NPMEM_LEDGER=pure`",
        ),
        Tool("memit", "%memit", "cell", memit, MEMORY_PROFILER, how="`%%memit`, defaults"),
        Tool(
            "memory_usage",
            "memory_usage",
            "function",
            memory_usage,
            MEMORY_PROFILER,
            how="`memory_usage((f,), interval=5e-5)`",
        ),
        Tool("mprun", "%mprun", "function", mprun, MEMORY_PROFILER, lines=True, how="`%mprun -f f f()`"),
        Tool("memray", "memray", "script", memray, ("memray",), lines=True, how="`with memray.Tracker(file):`"),
        Tool(
            "scalene",
            "scalene",
            "script",
            scalene,
            ("scalene",),
            lines=True,
            launch=SCALENE,
            tail=("---",),
            afterwards=scalene_afterwards,
            how="`scalene run --memory`, on around the cell",
        ),
        Tool(
            "fil",
            "fil",
            "script",
            fil,
            ("filprofiler",),
            lines=True,
            launch=("-m", "filprofiler", "--no-browser", "python"),
            how="`fil-profile python`, `filprofiler.api.profile`",
        ),
        Tool("tracemalloc", "tracemalloc", "script", tracemalloc, how="`tracemalloc.start()`, one frame"),
        Tool("script", "plain script", "script", nothing, how="the partner of tools that are on for a whole process"),
    )
}
ASKED_FOR = tuple(key for key in TOOLS if key != "script")
NOT_UNASKED = ("bare",)
