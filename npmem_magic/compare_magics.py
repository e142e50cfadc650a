"""The door of `%%memcompare` and `%memcompare`: variants of a cell side by side, or traces that were kept."""

# mypy: disable-error-code="untyped-decorator, no-untyped-call"
# IPython's argument decorators carry no types.

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand
from IPython.core.magic_arguments import argument, magic_arguments, parse_argstring

from .cell import Cell
from .door import BODY, told_as_usage, variable_name
from .host import NpmemError
from .record import Options
from .shell import IPythonFrontend, IsolatedFrontend, raise_as_it_was
from .sizes import human
from .trace import Trace

if TYPE_CHECKING:
    from .compare.comparison import Comparison
    from .compare.rounds import Bench
    from .compare.variants import Section, Variant


def _engine() -> Any:
    """What compares, imported when the first comparison is asked for: a third of what loading would take."""
    from .compare import engine

    return engine


class Door(Protocol):
    """What this needs of the magics it belongs to: what was kept, and how a result is shown."""

    traces: dict[str, Trace]

    def show(self, result: object) -> None: ...
    def warm_up(self) -> None: ...


def _repeat(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of times; write for example -r 5")
    return int(text)


@magics_class
class CompareMagics(Magics):
    """The comparing magics of one shell."""

    shell: Any

    def __init__(self, shell: InteractiveShell, door: Door) -> None:
        super().__init__(shell)
        self._door = door
        self._language = IPythonFrontend(shell)

    @no_var_expand
    @line_cell_magic
    @magic_arguments()
    @argument(
        "-r",
        "--repeat",
        metavar="N",
        type=_repeat,
        default=1,
        help="Run each variant N times, in turns; times come with their spread.",
    )
    @argument("--names", metavar="A,B", help="What the variants are called, instead of the names on their separators.")
    @argument("-o", "--output", metavar="NAME", type=variable_name, help="Bind the Comparison to NAME.")
    @argument("-q", "--quiet", action="store_true", help="Compare, but show no report.")
    @argument(
        "--no-copy",
        action="store_true",
        help="Let the variants work on your variables themselves, one after the other, where copies cannot be made.",
    )
    @argument("--sampler", choices=("auto", "memory_profiler", "off"), default="auto", help="As for %%memtrace.")
    @argument("labels", nargs="*", help="With %%memcompare on a line of its own: labels of traces that were kept.")
    def memcompare(self, line: str, cell: str | None = None) -> None:
        """Run variants of a piece of code from the same start, and show what each costs and whether the results agree.

        ``%%memcompare`` on the first line of a cell; in it a line ``# variant: NAME`` above each variant. What stands
        above the first one runs once, before. The variants work on copies: your own variables stay as they are.

        ``%memcompare LABEL LABEL`` shows traces kept by ``%%memtrace -l LABEL`` side by side; nothing runs.
        ``%memcompare`` alone lists them.
        """
        request = self._request(line)
        if cell is None:
            self._compare_kept(request)
            return
        setup, sections = self._sections(request, cell)
        if setup.source.strip():
            outcome = Cell.from_source(setup.source, self._language, self.shell.user_ns, setup.first_line).run()
            if outcome.error is not None:
                raise_as_it_was(outcome.error)
        with told_as_usage():
            bench = self._bench(request, sections)
            comparison = _engine().run_now(bench.run())
        self._finish(bench, comparison, request)

    async def run_awaiting(self, line: str, cell: str) -> None:
        """`memcompare` for a cell that awaits: the input transformer makes IPython await it."""
        request = self._request(line)
        setup, sections = self._sections(request, cell)
        if setup.source.strip():
            work = Cell.from_source(setup.source, self._language, self.shell.user_ns, setup.first_line)
            outcome = await work.run_async()
            if outcome.error is not None:
                raise_as_it_was(outcome.error)
        with told_as_usage():
            bench = self._bench(request, sections)
            comparison = await bench.run()
        self._finish(bench, comparison, request)

    def _request(self, line: str) -> Any:
        request = parse_argstring(self.memcompare, line)
        request.labels = [_unquoted(label) for label in request.labels]
        request.names = request.names and _unquoted(request.names)
        return request

    def _sections(self, request: Any, cell: str) -> tuple[Section, list[Section]]:
        if request.labels:
            raise UsageError(
                f"%%memcompare takes no labels above a cell, but there is {request.labels[0]!r}. Names of the variants "
                "go on their separators, or behind --names; %memcompare LABEL LABEL compares what was kept."
            )
        with told_as_usage():
            setup, sections = _engine().split(cell, BODY)
            names = request.names.split(",") if request.names else _names(sections)
            _engine().check_labels([name.strip() for name in names], len(sections))
        if not request.quiet:
            self._door.warm_up()
        pairs = zip(names, sections, strict=True)
        return setup, [_engine().Section(name.strip(), each.source, each.first_line) for name, each in pairs]

    def _bench(self, request: Any, sections: list[Section]) -> Bench:
        options = Options(sampler=request.sampler)
        terms = _engine().Terms(request.repeat, not request.no_copy, True, options)
        bench: Bench = _engine().Bench(
            [self._variant(each, terms.copy) for each in sections], self.shell.user_ns, terms
        )
        return bench

    def _variant(self, section: Section, on_copies: bool) -> Variant:
        def frontend() -> IPythonFrontend:
            return IsolatedFrontend(self.shell)

        around = self._in_place_of_user_names if on_copies else None
        variant: Variant = _engine().of_text(section.name, section.source, section.first_line, frontend, around)
        return variant

    @contextmanager
    def _in_place_of_user_names(self, namespace: dict[str, Any]) -> Iterator[None]:
        """Let magics inside of a variant find `namespace` where they look for the user's names."""
        own = self.shell.user_ns
        self.shell.user_ns = namespace
        try:
            yield
        finally:
            self.shell.user_ns = own

    def _finish(self, bench: Bench, comparison: Comparison, request: Any) -> None:
        """Keep and show; when every variant raised, the cell fails with the first one's error."""
        if request.output is not None:
            self.shell.user_ns[request.output] = comparison
        if not request.quiet:
            self._door.show(comparison)
        errors = [bench.errors.get(label) for label in comparison.traces]
        if errors[0] is not None and None not in errors:
            raise_as_it_was(errors[0])

    def _compare_kept(self, request: Any) -> None:
        kept = self._door.traces
        if not request.labels:
            print(_listed(kept))
            return
        missing = [label for label in request.labels if label not in kept]
        if missing:
            raise UsageError(f"there is no trace with the label {missing[0]!r}. {_listed(kept)}")
        with told_as_usage():
            _engine().check_labels(request.labels, len(request.labels))
        comparison = _engine().of_kept({label: kept[label] for label in request.labels})
        if request.output is not None:
            self.shell.user_ns[request.output] = comparison
        if not request.quiet:
            self._door.show(comparison)

    def prepare(self, lines: list[str]) -> list[str]:
        """An input transformer: syntax errors come out before anything runs, and IPython awaits what awaits."""
        if not lines or not re.match(r"%%memcompare(\s|$)", lines[0]):
            return lines
        line, body = lines[0].rstrip().partition(" ")[2], "".join(lines[1:])
        try:
            setup, sections = _engine().split(body, BODY)
        except NpmemError:  # the magic itself says so
            return [f"get_ipython().run_cell_magic('memcompare', {line!r}, {body or chr(10)!r})\n"]
        awaits = False
        for each in (setup, *sections):
            above = "\n" * (each.first_line - 1)
            text = above + self._language.transform(each.source)
            self._language.check(text, self._language.register(text, above + each.source))
            awaits = awaits or self.shell.should_run_async(each.source, transformed_cell=text)
        if not awaits:
            return lines
        door = f"get_ipython().magics_manager.registry[{type(self).__name__!r}]"
        return [f"await {door}.run_awaiting({line!r}, {body!r})\n"]


def _unquoted(word: str) -> str:
    return word[1:-1] if len(word) > 1 and word[0] == word[-1] and word[0] in "'\"" else word


def _names(sections: list[Section]) -> list[str]:
    spare = _engine().letters(len(sections))
    names: list[str] = _engine().unique([each.name or letter for each, letter in zip(sections, spare, strict=True)])
    return names


def _listed(kept: Mapping[str, Trace]) -> str:
    if not kept:
        return "No trace was kept so far. %%memtrace -l LABEL keeps one, and %memcompare LABEL LABEL compares them."
    rows = "\n".join(f"  {label}: peak {human(trace.peak)}" for label, trace in kept.items())
    return f"Kept traces, to be compared by %memcompare LABEL LABEL:\n{rows}"
