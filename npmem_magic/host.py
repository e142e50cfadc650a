"""What this interpreter and this machine can do, named by behaviour, and the errors that say so.

A leaf of the import graph: everything may import it, it imports nothing of the project.
"""

from __future__ import annotations

import os
import sys


class NpmemError(Exception):
    """Base of every error this project raises on purpose: what was seen, why it matters, what to do."""


class Unavailable(NpmemError):
    """Something this machine or installation cannot do; printed once as a sentence, never swallowed.

    Attributes
    ----------
    what, reason, remedy : str
        What is missing, why, and what to do about it (`remedy` may be empty).
    """

    def __init__(self, what: str, reason: str, remedy: str = "") -> None:
        self.what, self.reason, self.remedy = what, reason, remedy
        super().__init__(f"{what}: {reason}." + (f" {remedy}." if remedy else ""))


# sys.monitoring (PEP 669) delivers line events that can be switched off one by one.
HAS_MONITORING = hasattr(sys, "monitoring")

# /proc/self/statm gives the resident set of a process on an open descriptor; Linux only.
HAS_STATM = os.path.exists("/proc/self/statm")
