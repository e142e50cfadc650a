"""npmem_magic: which expression of a cell took the NumPy memory, to the byte.

In a notebook: ``%load_ext npmem_magic``, then ``%%memtrace`` or ``%%dtypeinfo`` above a cell. In a script: `trace`,
`find_arrays`, `memsize`.

The rooms, by verb: run a cell (`cell`, its `language`, the IPython `shell`, whom to `follow`), watch it (`record`),
what came of it (`trace`, `export`), look at arrays (`arrays`, `upcasts`, `inspection`), size them before they are made
(`sizing`, by `standins`), weigh variants (`compare`), look at the machine (`doctor`), show it (`render`), the magics
(`magics`), and `host`, `limits` and `sizes` for everybody.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from .advise import advised
from .budgets import PeakOverBudget
from .cell import Call, Cell
from .compare import analyze as _analyze
from .compare import compare as _compare
from .follow import find_function, function_of
from .host import NpmemError, Unavailable
from .language import PlainPython
from .record import Options
from .record.ledger import choose as choose_ledger
from .record.sampler import close as _end_helper
from .trace import Trace, load, show_with

if TYPE_CHECKING:
    from .arrays import ArrayInfo, find_arrays
    from .compare.comparison import Comparison
    from .sizing import MemSize, memsize

__all__ = [
    "ArrayInfo",
    "MemSize",
    "NpmemError",
    "PeakOverBudget",
    "Trace",
    "Unavailable",
    "analyze_memory",
    "compare",
    "find_arrays",
    "last",
    "ledger",
    "load",
    "load_ipython_extension",
    "memsize",
    "trace",
    "unload_ipython_extension",
]

__version__ = "0.1.0"


def _renderer() -> Any:
    """What draws a Trace, imported when the first one is drawn: half of what loading would take."""
    from . import render

    return render


show_with(_renderer)


def __getattr__(name: str) -> Any:
    """The rooms that look at arrays are imported when one of their names is first asked for, to load quickly."""
    if name in ("ArrayInfo", "find_arrays"):
        from . import arrays

        return getattr(arrays, name)
    if name in ("MemSize", "memsize"):
        from . import sizing

        return getattr(sizing, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


last: Trace | None = None
"""The newest trace, of a magic or of `trace`; also that of a run which raised."""


def trace(
    what: str | Callable[..., object],
    *args: object,
    namespace: dict[str, Any] | None = None,
    label: str | None = None,
    follow: Iterable[str | Callable[..., object]] = (),
    sampler: str = "auto",
    interval: float = 0.0,
    python: bool = False,
    gpu: str = "auto",
    verify: bool | None = None,
    limit: str | int = "",
    max_peak: str | int = "",
    children: bool = False,
) -> Trace:
    """What running `what` costs, in bytes.

    Parameters
    ----------
    what : str or callable
        Source text, its lines counted from 1, or a function to call with `args`.
    namespace : dict, optional
        Where the text runs and leaves its names; by default the notebook's own, without a notebook a fresh dict.
    label, follow : str and iterable of functions or dotted names, optional
        Kept as `Trace.label`; functions whose lines are to be shown too.
    sampler, interval : {"auto", "memory_profiler", "off"} and float
        Who reads the resident memory meanwhile; seconds between two readings, 0 leaves them to the sampler.
    python, gpu, verify, limit, max_peak, children : optional
        As the magic's options of these names (``%memtrace?`` prints them); a `verify` of None proves what is cheap.
        Beyond `limit` a MemoryError is raised, after a higher peak than `max_peak` `PeakOverBudget`.

    Raises
    ------
    NpmemError
        When a trace is running already, or a name to follow means no Python function.
    BaseException
        Whatever the traced code raises, as it was raised. Its trace is then in `npmem_magic.last`.
    """
    names = _own_namespace() if namespace is None else namespace
    options = Options(sampler, interval, label, python, gpu=gpu, limit=limit, max_peak=max_peak, children=children)
    recording = advised(_work(what, args, names, follow), names, options, verify)
    _keep(recording.trace)
    if recording.error is not None:
        raise recording.error
    return recording.trace


def compare(
    *variants: str | Callable[..., object],
    repeat: int = 1,
    namespace: dict[str, Any] | None = None,
    labels: Iterable[str] | None = None,
    copy: bool = True,
    sampler: str = "auto",
    interval: float = 0.0,
) -> Comparison:
    """What variants cost from the same start, and whether they come to the same.

    Parameters
    ----------
    variants : str or callable
        Source texts, or functions to call without arguments; `functools.partial` binds some.
    repeat : int
        How often each runs, in turns.
    namespace : dict, optional
        Where the texts find what they read; by default the notebook's names, without a notebook none. It is not
        changed: each run works on copies, and the random states are put back.
    labels : iterable of str, optional
        What they are called; by default texts ``a``, ``b``, ... and functions by their names.
    copy : bool
        False lets them work on the values themselves, one after the other, where copies cannot be made.
    sampler, interval
        As for `trace`.

    Raises
    ------
    NpmemError
        When a copy cannot be made or would not fit into the memory that is free; nothing has run then. A variant that
        raises does not end the comparison: see `Trace.error`.
    """
    names = _own_namespace() if namespace is None else namespace
    return _compare(
        *variants, repeat=repeat, namespace=names, labels=labels, copy=copy, sampler=sampler, interval=interval
    )


def analyze_memory(*functions: Callable[[], object], interval: float = 50e-6, repeat: int = 1) -> Comparison | Trace:
    """Draw what calls of functions cost: one plot a function, below each other, on the same axes.

    Arguments are bound by `functools.partial`, and shared on purpose: nothing is copied. When a function changes an
    array that a later one reads, the report says so.

    Parameters
    ----------
    functions : callable
        Called without arguments, in this order; written in Python or in C.
    interval : float
        Seconds between two readings of the resident memory.
    repeat : int
        How often each runs, in turns.

    Returns
    -------
    Comparison, or Trace for a single function
        Shown already; in a notebook the value of a cell's last expression is not shown twice.

    Raises
    ------
    BaseException
        Whatever the first function that fails raises.
    """
    return _analyze(functions, interval, repeat)


def _work(what: Any, args: tuple[object, ...], names: dict[str, Any], follow: Iterable[Any]) -> Cell | Call:
    also = [find_function(each, names) if isinstance(each, str) else _python_function(each) for each in follow]
    if not isinstance(what, str):
        return Call.from_callable(what, args, {}, also)
    if args:
        raise NpmemError("Arguments were given with source text. They go with a function: trace(function, *args).")
    return Cell.from_source(what, PlainPython(), names, follow=also)


def _python_function(func: Callable[..., object]) -> Any:
    function = function_of(func)
    if function is None:
        raise NpmemError(f"{func!r} is not a function written in Python, so it has no lines to follow.")
    return function


def _own_namespace() -> dict[str, Any]:
    """The names of the notebook that runs; those of a fresh `__main__` where there is none."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return {"__name__": "__main__"} if shell is None else shell.user_ns


def _keep(trace: Trace) -> None:
    global last
    last = trace


def ledger() -> tuple[str, str]:
    """Which ledger counts here, ``"native"`` or ``"pure"``, and a sentence that says why.

    The environment variable ``NPMEM_LEDGER`` decides if it is set to one of the two names.

    Raises
    ------
    NpmemError
        When that variable names something else, or nothing can count here.
    """
    chosen, why = choose_ledger()
    return chosen.name, why


def load_ipython_extension(shell: Any) -> None:
    """What ``%load_ext npmem_magic`` does.

    Raises
    ------
    NpmemError
        When there is no IPython shell to load it into.
    """
    if shell is None:
        raise NpmemError(
            "There is no IPython shell here, so there is nothing to load the magics into. "
            "In a script call npmem_magic.trace(function, *args) or npmem_magic.trace('source text')."
        )
    from . import magics  # imports IPython, which a script may do without

    magics.install(shell, _keep)


def unload_ipython_extension(shell: Any) -> None:
    """What ``%unload_ext npmem_magic`` does: the magics go, nothing keeps running."""
    from . import magics

    magics.uninstall(shell)
    _end_helper()
