"""A process that runs cells, plain or under one tool, as it is told on its standard input: ``worker.py TOOL TABLE``.

A request is a JSON line ``["plain" or "tool", cell]``; the answer, marked because tools print too, is a JSON object
with `seconds` (the cell's own wall time) and `peak` (bytes, where the tool tells), or `error`.
"""

from __future__ import annotations

import gc
import importlib
import itertools
import json
import linecache
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cells
import peers
import truth

MARK = "@@npmem "
TABLES: dict[str, Any] = {"cost": (cells.prepare, cells.CELLS), "truth": (truth.prepare, truth.CASES)}


class Place:
    """Where cells run: an IPython shell for the form "cell", else a namespace; `folder` is for files."""

    shell: Any

    def __init__(self, form: str, prepared: dict[str, Any]) -> None:
        self.form = form
        self.folder = Path.cwd()
        self._marks: list[float] = []
        self._numbers = itertools.count()
        needs_shell = form in ("cell", "function")
        self.shell = notebook() if needs_shell else None
        self.names: dict[str, Any] = self.shell.user_ns if needs_shell else {"__name__": "__main__"}
        self.names.update(prepared, _mark=lambda: self._marks.append(time.perf_counter()))
        self._kept = set(self.names)

    def timed(self, run: Callable[[str], Any], text: str) -> tuple[float, Any]:
        """Seconds between the first and the last line of `text`, and what `run` gave; the names it made are gone."""
        self._marks.clear()
        gc.collect()
        try:
            answer = run(f"_mark()\n{text}\n_mark()")
        finally:
            for name in [*self.names]:
                if name not in self._kept:
                    del self.names[name]
        began, ended = self._marks[-2:]  # memory_usage runs a brief function several times
        return ended - began, answer

    def plain(self, text: str) -> None:
        """Run `text` the way the tool's users have it, without the tool."""
        forms: dict[str, Callable[[str], Callable[[], object]]] = {"script": self.script, "function": self.function}
        self.cell(text) if self.form == "cell" else forms[self.form](text)()

    def cell(self, text: str) -> Any:
        """IPython's result of a cell; its error is raised."""
        result = self.shell.run_cell(text)
        result.raise_error()
        return result

    def script(self, text: str) -> Callable[[], None]:
        """`text` as a file of its own, ready to run in the namespace; compiled anew, since code adapts as it runs."""
        code = compile(text, str(self._stored(text)), "exec")
        return lambda: exec(code, self.names)

    def function(self, text: str) -> Callable[[], object]:
        """`text` as the body of a function that is defined in a file of its own."""
        source = f"def work_():\n{textwrap.indent(text, '    ')}\n"
        exec(compile(source, str(self._stored(source)), "exec"), self.names)
        work: Callable[[], object] = self.names["work_"]
        return work

    def _stored(self, source: str) -> Path:
        path = self.folder / f"cell{next(self._numbers)}.py"
        path.write_text(source, encoding="utf-8")
        linecache.checkcache(str(path))
        return path


def notebook() -> Any:
    """A quiet IPython shell without history."""
    shells = importlib.import_module("IPython.core.interactiveshell")
    config = importlib.import_module("traitlets.config").Config()
    config.HistoryManager.enabled = False
    return shells.InteractiveShell.instance(config=config)


def answer(place: Place, tool: peers.Tool, kind: str, text: str) -> dict[str, Any]:
    """What to say to one request; an error of the cell or the tool becomes a sentence."""
    try:
        if kind == "plain":
            return {"seconds": place.timed(place.plain, text)[0]}
        seconds, peak = place.timed(lambda marked: tool.measure(place, marked), text)
    except peers.Absent as error:
        return {"error": str(error)}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}".splitlines()[0]}
    return {"seconds": seconds, "peak": peak}


def main() -> None:
    """Answer until the standard input ends."""
    tool = peers.TOOLS[sys.argv[1]]
    prepare, choice = TABLES[sys.argv[2]]
    texts = {each.key: each.text for each in choice}
    place = Place(tool.form, prepare())
    # Started once: NumPy's and numexpr's own first use is not to be charged to a cell.
    threading.Thread(target=gc.collect).start()
    print(MARK + json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        kind, key = json.loads(line)
        print(MARK + json.dumps(answer(place, tool, kind, texts[key])), flush=True)


if __name__ == "__main__":
    main()
