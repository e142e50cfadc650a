"""The magics of dtypes and sizes: ``%dtypeinfo``, ``%%dtypeinfo``, ``%memsize``."""

# mypy: disable-error-code="untyped-decorator, no-untyped-call"
# IPython's argument decorators carry no types.

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics, line_cell_magic, line_magic, magics_class, needs_local_scope, no_var_expand
from IPython.core.magic_arguments import argument, magic_arguments, parse_argstring

from .cell import Cell
from .door import BODY, complain, in_terminal, told_as_usage, variable_name
from .language import loop_is_running
from .record import Recording, record, record_async
from .shell import IPythonFrontend, raise_as_it_was
from .trace import Trace


@magics_class
class DtypeMagics(Magics):
    """The magics that look at arrays. `keep` is told of every trace."""

    shell: Any

    def __init__(self, shell: InteractiveShell, keep: Callable[[Trace], None]) -> None:
        super().__init__(shell)
        self.language = IPythonFrontend(shell)
        self._keep = keep

    @no_var_expand
    @needs_local_scope
    @line_cell_magic
    @magic_arguments()
    @argument("-o", "--output", metavar="NAME", type=variable_name, help="Bind what was found to NAME.")
    @argument("-q", "--quiet", action="store_true", help="Look (and check what is expected), but show no report.")
    @argument(
        "--expect",
        metavar="DTYPES",
        help="Fail the cell unless the arrays are so: float32 (every float array), or x=float32,y<=float32.",
    )
    @argument("--gpu", action="store_true", help="Add whether it all fits on the GPU.")
    @argument("names", nargs="*", help="Names to look at; all of them without any.")
    def dtypeinfo(self, line: str, cell: str | None = None, local_ns: dict[str, Any] | None = None) -> object:
        """Show every array: dtype, bytes, who owns and holds them, what would fit, and where a dtype grew.

        ``%dtypeinfo`` looks at the names as they are; ``%%dtypeinfo`` runs the cell below it, which behaves as it does
        without the magic, and shows what that made or changed.
        """
        chosen, request = self._dtype_request(line)
        if cell is None:
            with told_as_usage():
                answer = _asking().about_names(request, self.shell.user_ns if local_ns is None else local_ns)
            self._answer(answer, chosen)
            return None
        work = self._watched(cell)
        if work.is_async and loop_is_running():
            raise UsageError("this code awaits. Put it into a cell of its own with %%dtypeinfo as the first line.")
        before = _asking().Snapshot(work.namespace)
        with told_as_usage():
            recording = record(work, work.namespace, _asking().looking())
        return self._inspected(recording, before, chosen, request)

    @no_var_expand
    @needs_local_scope
    @line_magic
    @magic_arguments()
    @argument("--budget", metavar="SIZE", help="Bytes to work in, such as 1GiB: how many rows at a time that is.")
    @argument("what", nargs=argparse.REMAINDER, help="A shape and perhaps a dtype, or an expression of NumPy.")
    def memsize(self, line: str, local_ns: dict[str, Any] | None = None) -> None:
        """Say how many bytes an array would take before it is made, whether they fit, and how to chunk if not.

        ``%memsize 3075200x512 float32``, ``%memsize np.zeros((1000, 256, 256), np.uint16)``, or an expression over the
        names of the notebook, ``%memsize a[:, None] - b[None, :]``. Nothing of it is evaluated.
        """
        with told_as_usage():
            sheet, _ = _asking().about_size(line, self.shell.user_ns if local_ns is None else local_ns)
        self._show_sheet(sheet)

    def _dtype_request(self, line: str) -> tuple[argparse.Namespace, Any]:
        chosen = parse_argstring(self.dtypeinfo, line)
        with told_as_usage():
            return chosen, _asking().DtypeRequest.of(chosen.names, chosen.expect, chosen.gpu)

    def _watched(self, source: str) -> Cell:
        with told_as_usage():
            return Cell.from_source(source, self.language, self.shell.user_ns, BODY)

    def _inspected(self, recording: Recording, before: Any, chosen: argparse.Namespace, request: Any) -> object:
        """Show what the run did to dtypes; then the cell's own value, its own error, or that of ``--expect``."""
        outcome = recording.outcome
        self._keep(recording.trace)
        failed = None
        try:
            answer = _asking().about_run(request, recording, before, self.shell.user_ns)
        except Exception as error:  # whatever looking dies of, the cell's value or error must still arrive
            complain(error)
        else:
            failed = answer.error
            self._answer(answer, chosen, is_line=False)
        raised = outcome.error or failed
        if raised is not None:
            raise_as_it_was(raised)
        return outcome.value

    def _answer(self, answer: Any, chosen: argparse.Namespace, is_line: bool = True) -> None:
        if chosen.output is not None:
            self.shell.user_ns[chosen.output] = answer.value
        if not chosen.quiet:
            self._show_sheet(answer.sheet)
        if is_line and answer.error is not None:
            raise_as_it_was(answer.error)

    def _show_sheet(self, sheet: Any) -> None:
        from .render import sheets  # with the first report

        if in_terminal(self.shell):
            print(sheets.text(sheet))
        else:
            data, metadata = sheets.bundle(sheet)
            self.shell.display_pub.publish(data=data, metadata=metadata)

    async def run_awaiting(self, line: str, cell: str) -> object:
        """`dtypeinfo` for a cell that awaits: the input transformer makes IPython await it."""
        chosen, request = self._dtype_request(line)
        work = self._watched(cell)
        before = _asking().Snapshot(work.namespace)
        with told_as_usage():
            recording = await record_async(work, work.namespace, _asking().looking())
        return self._inspected(recording, before, chosen, request)


def _asking() -> Any:
    """What answers these magics, imported when one of them is first used."""
    from . import asking

    return asking
