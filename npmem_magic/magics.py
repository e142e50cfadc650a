"""The door: parse what the user typed, run it watched, show the report.

With `door` and `dtype_magics` the only file that imports IPython. While the extension is loaded an input transformer
looks at cells that begin with one of its magics before they run: a syntax error comes out there, in IPython's own words
and with the numbers of the gutter, and a cell that awaits is handed to the event loop that IPython itself would use.
"""

# mypy: disable-error-code="untyped-decorator, no-untyped-call"
# IPython's argument decorators carry no types.

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics, line_cell_magic, magics_class, needs_local_scope, no_var_expand
from IPython.core.magic_arguments import argument, magic_arguments

from . import arguments, guard_magics
from .advise import advised, advised_async
from .advise.takeover import page_of, rewritten
from .cell import Cell
from .compare_magics import CompareMagics
from .doctor_magics import DoctorMagics
from .door import BODY, as_cell, in_terminal, seconds_of, told_as_usage, variable_name
from .dtype_magics import DtypeMagics
from .follow import find_function
from .language import loop_is_running
from .live import Display, display_of, present, telling
from .record import Options, Recording
from .record.gpus import MODES
from .shell import IPythonFrontend, PlainTraceback, raise_as_it_was
from .trace import Trace

_DOORS = {"memtrace": "MemoryMagics", "dtypeinfo": "DtypeMagics"}  # which class runs a cell magic
_WORD = re.compile(r"""(?:"[^"]*"|'[^']*'|[^\s"'])+|\S""")
_QUOTED = re.compile(r"\"([^\"]*)\"|'([^']*)'")


@dataclass(frozen=True)
class Request:
    """One use of the magic: what to run, and what to do with the result."""

    given: str
    statement: str
    output: str | None
    label: str | None
    quiet: bool
    functions: tuple[str, ...]
    live: bool
    options: Options
    verify: bool | None


@magics_class
class MemoryMagics(Magics):
    """The magics of one shell.

    `traces` holds what was kept with ``-l``, by label. `keep` is told of every trace.
    """

    shell: Any

    def __init__(self, shell: InteractiveShell, keep: Callable[[Trace], None]) -> None:
        super().__init__(shell)
        self.language = IPythonFrontend(shell)
        self.tracebacks = PlainTraceback(shell)
        self.traces: dict[str, Trace] = {}
        self._keep = keep
        self._last: tuple[Trace, str, str] | None = None  # the last trace, with the line and the text it came from

    @no_var_expand
    @needs_local_scope
    @line_cell_magic
    @magic_arguments()
    @argument(
        "-o", "--output", metavar="NAME", type=variable_name, help="Bind the Trace to NAME, also when the cell raises."
    )
    @argument("-l", "--label", metavar="LABEL", help="Keep the trace under LABEL, to be compared later.")
    @argument("-q", "--quiet", action="store_true", help="Measure, but show no report.")
    @argument(
        "-f",
        "--follow",
        metavar="FUNC",
        action="append",
        default=[],
        help="Show the lines of FUNC too: a name defined here, or a dotted one such as package.module.function. "
        "May be given several times. Functions of the notebook are followed without it.",
    )
    @argument(
        "--python",
        action="store_true",
        help="Count Python objects, too, and tell them apart from NumPy's data. It slows the code down, and the report "
        "says by how much.",
    )
    @argument(
        "--sampler",
        choices=("auto", "memory_profiler", "off"),
        default="auto",
        help="Who reads the resident memory while the code runs. It draws a curve; the bytes are exact without it.",
    )
    @argument(
        "--interval",
        metavar="SECONDS",
        type=seconds_of,
        default=0.0,
        help="Seconds between two readings of the resident memory. Without it the sampler finds a good one.",
    )
    @argument(
        "--gpu",
        choices=MODES,
        default="auto",
        help="GPU memory: sampled, and by the books of CuPy and torch. With exact, torch's own peak counter is reset "
        "at each line: line peaks are then exact, and torch.cuda.max_memory_allocated() counts from the last line.",
    )
    @arguments.of_long_runs
    @argument(
        "--verify",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="Prove all advice by running it on copies, and show only what is proven; or prove nothing. Without it "
        "what is cheap to run is proven.",
    )
    @argument("--apply", metavar="N", help="Put the last cell with its advice N (or `all`) into the next cell.")
    @argument("--explain", metavar="RULE", help="Show the page of a rule of the advice; `all` lists the rules.")
    @argument("statement", nargs=argparse.REMAINDER, help="With %%memtrace on a line of its own: what to run.")
    def memtrace(self, line: str, cell: str | None = None, local_ns: dict[str, Any] | None = None) -> object:
        """Run code and show which expression took the NumPy memory, to the byte.

        ``%%memtrace`` on the first line measures the cell below it; ``%memtrace STATEMENT`` measures one
        statement. The code behaves as it does without the magic, and its value is the result.
        """
        if self._answered(line):
            return None
        request = self._request(line)
        if cell is not None:
            work = self._cell(request, cell, self.shell.user_ns, BODY)
        elif request.statement:
            work = self._cell(request, request.statement, self.shell.user_ns if local_ns is None else local_ns, 1)
        else:
            raise UsageError("there is nothing to measure. Write %memtrace STATEMENT, or %%memtrace above a cell.")
        if work.is_async and loop_is_running():
            raise UsageError("this code awaits. Put it into a cell of its own with %%memtrace as the first line.")
        with told_as_usage(), display_of(self.shell, request.live) as display:
            recording = advised(work, work.namespace, telling(request.options, display), request.verify)
        return self._finish(recording, request, work, display)

    async def run_awaiting(self, line: str, cell: str) -> object:
        """`memtrace` for a cell that awaits: the input transformer makes IPython await it."""
        request = self._request(line)
        work = self._cell(request, cell, self.shell.user_ns, BODY)
        with told_as_usage(), display_of(self.shell, request.live) as display:
            recording = await advised_async(work, work.namespace, telling(request.options, display), request.verify)
        return self._finish(recording, request, work, display)

    def _request(self, line: str) -> Request:
        """What the line asks for; the statement behind the options is left exactly as it was typed."""
        words = list(_WORD.finditer(line))
        chosen = cast(Any, self.memtrace).parser.parse_args([_unquoted(word[0]) for word in words])
        rest = words[len(words) - len(chosen.statement) :]
        if rest and rest[0][0] == "--":
            rest = rest[1:]
        return Request(
            given=(line[: rest[0].start()] if rest else line).strip(),
            statement=line[rest[0].start() :].rstrip() if rest else "",
            output=chosen.output,
            label=chosen.label,
            quiet=chosen.quiet,
            functions=tuple(chosen.follow),
            live=chosen.live,
            options=arguments.options_of(chosen),
            verify=chosen.verify,
        )

    def _answered(self, line: str) -> bool:
        """Whether the line asked for something other than a run, which is then done."""
        chosen = cast(Any, self.memtrace).parser.parse_args([_unquoted(word[0]) for word in _WORD.finditer(line)])
        if chosen.explain is not None:
            with told_as_usage():
                print(page_of(chosen.explain))
        elif chosen.apply is not None:
            if self._last is None:
                raise UsageError("nothing was traced yet. Put %%memtrace above a cell first.")
            trace, given, raw = self._last
            with told_as_usage():
                text = rewritten(trace, raw, chosen.apply)
            self.shell.set_next_input(as_cell(given, text, trace.first_line == BODY), replace=False)
        return chosen.explain is not None or chosen.apply is not None

    def _cell(self, request: Request, source: str, namespace: dict[str, Any], first_line: int) -> Cell:
        if first_line == BODY and request.statement:
            raise UsageError(
                f"%%memtrace takes no statement on its own line, but there is {request.statement!r}: is it an option "
                "spelled wrongly? Code goes on the lines below; for one statement write %memtrace STATEMENT."
            )
        if not request.quiet:
            self.warm_up()
        with told_as_usage():
            follow = [find_function(name, self.shell.user_ns) for name in request.functions]
        return Cell.from_source(source, self.language, namespace, first_line, follow)

    def _finish(self, recording: Recording, request: Request, work: Cell, display: Display | None) -> object:
        """Keep and show the trace; then the cell's own value, or its own error again."""
        trace, outcome = recording.trace, recording.outcome
        self._keep(trace)
        self._last = trace, request.given, work.raw
        if request.label is not None:
            self.traces[request.label] = trace
        if request.output is not None:
            self.shell.user_ns[request.output] = trace
        if not request.quiet:
            self.show(trace, display)
        elif display is not None:
            display.clear()
        if recording.error is not None:
            raise_as_it_was(recording.error)
        return outcome.value

    def warm_up(self) -> None:
        """Make the report ready to be drawn, so that it comes at once when the cell has ended."""
        if not in_terminal(self.shell):
            self._renderer().warm_up()

    def show(self, result: object, display: Display | None = None) -> None:
        """Show the report of a result, in the place of the live display where there is one."""
        present(self.shell, self._renderer, result, display)

    @staticmethod
    def _renderer() -> Any:
        """The report's ink, imported when it is first needed: half of what loading would take."""
        from . import render

        return render

    def prepare(self, lines: list[str]) -> list[str]:
        """The input transformer: see the module's docstring. Other cells pass as they are."""
        magic = re.match(r"%%(memtrace|dtypeinfo)(\s|$)", lines[0]) if lines else None
        if magic is None:
            return lines
        line, body = lines[0].rstrip().partition(" ")[2], "".join(lines[1:])
        if not body:
            return [f"get_ipython().run_cell_magic({magic[1]!r}, {line!r}, '\\n')\n"]
        text = "\n" + self.language.transform(body)
        self.language.check(text, self.language.register(text, "\n" + body))
        if not self.shell.should_run_async(body, transformed_cell=text):
            return lines
        door = f"get_ipython().magics_manager.registry[{_DOORS[magic[1]]!r}]"
        return [f"await {door}.run_awaiting({line!r}, {body!r})\n"]


def _unquoted(word: str) -> str:
    return _QUOTED.sub(lambda found: found[1] or found[2] or "", word)


def install(shell: InteractiveShell, keep: Callable[[Trace], None]) -> MemoryMagics:
    """Give `shell` the magics; what an earlier load left there is removed first."""
    uninstall(shell)
    magics = MemoryMagics(shell, keep)
    for each in (magics, DtypeMagics(shell, keep), CompareMagics(shell, magics), DoctorMagics(shell)):
        shell.register_magics(each)
    guard_magics.install(shell, magics.tracebacks)
    for prepare in (magics.prepare, shell.magics_manager.registry[CompareMagics.__name__].prepare):
        shell.input_transformer_manager.line_transforms.insert(0, prepare)
    magics.tracebacks.install()
    return magics


def uninstall(shell: InteractiveShell) -> None:
    """Take the magics out of `shell` again; nothing happens where there are none."""
    manager = shell.magics_manager
    magics = manager.registry.pop(MemoryMagics.__name__, None)
    if magics is None:
        return
    guard_magics.uninstall(shell)
    others = [manager.registry.pop(kind.__name__, None) for kind in (DtypeMagics, CompareMagics, DoctorMagics)]
    for each in (magics, *others):
        for kind, ours in each.magics.items() if each is not None else ():
            for name in ours:
                manager.magics[kind].pop(name, None)
    prepares = [each.prepare for each in (magics, *others) if hasattr(each, "prepare")]
    transforms = shell.input_transformer_manager.line_transforms
    transforms[:] = [each for each in transforms if each not in prepares]
    magics.tracebacks.remove()
