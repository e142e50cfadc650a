"""Files that may be read again: plain ones, by functions that only look at numbers."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

READERS = (np.load, np.loadtxt, np.genfromtxt, np.fromfile)


def is_plain_file(path: object) -> bool:
    """Whether `path` is the path of a file that is there: no pipe, no device, no address, no open file."""
    return (type(path) is str or isinstance(path, Path)) and os.path.isfile(path)


def is_harmless(given: Mapping[str | None, Any]) -> bool:
    """Whether keywords (constants have their values) neither write into the file nor run what it says."""
    return None not in given and "allow_pickle" not in given and given.get("mmap_mode", "r") in ("r", "c")
