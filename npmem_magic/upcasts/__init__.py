"""Where a dtype grew: per expression its operands, what came of them, the rule of NumPy that did it, and the rewrite.

The names' dtypes were noted when each line first ran (`record.facts`); what an expression makes of them is worked out
by NumPy itself on stand-ins (`standins`), never by running the user's code again.
"""

from __future__ import annotations

from .find import Found, find
from .growth import Growth, Operand

__all__ = ["Found", "Growth", "Operand", "find"]
