"""Results that are shown as they are made, and not a second time when they are also the value of the cell."""

from __future__ import annotations

import sys
from dataclasses import fields
from typing import Any

from ..trace import Trace, renderer
from .comparison import Comparison


class _Shown:
    """Remembers in which cell it was shown; shows itself again in any other."""

    _cell: int

    def _ipython_display_(self) -> None:
        if _number(_shell()) != self._cell:
            _publish(self)
        object.__setattr__(self, "_cell", 0)


class ShownComparison(_Shown, Comparison):
    """A Comparison that was shown when it was made."""


class ShownTrace(_Shown, Trace):
    """A Trace that was shown when it was made."""


def draw(result: Comparison | Trace) -> Comparison | Trace:
    """Show `result` where there is somebody to see it, and return it as one that knows that it was shown."""
    kind: Any = ShownTrace if isinstance(result, Trace) else ShownComparison
    shown: Comparison | Trace = kind(**{field.name: getattr(result, field.name) for field in fields(result)})
    object.__setattr__(shown, "_cell", _number(_shell()))
    _publish(shown)
    return shown


def _publish(result: Any) -> None:
    shell = _shell()
    if shell is None or shell.display_formatter.active_types == ["text/plain"]:
        print(renderer().text(result))
        return
    data, metadata = renderer().bundle(result)
    shell.display_pub.publish(data=data, metadata=metadata)


def _shell() -> Any:
    """IPython's shell; None where there is none."""
    ipython = sys.modules.get("IPython")
    return None if ipython is None else ipython.get_ipython()


def _number(shell: Any) -> int:
    """The number of the cell that runs; 0 without a shell."""
    return 0 if shell is None else int(shell.execution_count)
