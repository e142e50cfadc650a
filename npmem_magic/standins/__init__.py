"""What an expression would give, worked out without making it: shapes and dtypes on stand-ins. A leaf.

`work_out` reads an expression's tree against values that stand for the real ones. Python's own numbers are computed,
arrays are known by shape and dtype only, and what a function of NumPy makes of them is asked of NumPy itself, on arrays
of a few elements. Nothing of the user's is called, and nothing large is allocated.
"""

from __future__ import annotations

from .evaluate import Evaluation, parse, work_out
from .values import Array, Known, Unknown, Value, from_object

__all__ = ["Array", "Evaluation", "Known", "Unknown", "Value", "from_object", "parse", "work_out"]
