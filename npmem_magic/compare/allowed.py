"""What is known to have no effect outside of the values it works on: modules, built-in functions, types, methods."""

from __future__ import annotations

import array
import collections
import datetime
import decimal
import fractions
import functools
import random
import re

# A module is allowed when it is one of these or below one of these, and not below one of FOREIGN.
MODULES = (
    "numpy", "scipy", "numexpr", "pandas", "math", "cmath", "itertools", "functools", "operator", "collections",
    "statistics", "random", "fractions", "decimal", "datetime", "string", "copy", "gc", "warnings", "contextlib",
    "builtins", "_operator", "_random", "_functools", "_collections", "_bisect", "bisect", "heapq",
)  # fmt: skip
FOREIGN = (
    "numpy.testing", "numpy.ctypeslib", "numpy.f2py", "numpy.distutils", "numpy.core", "numpy._core", "numpy.lib.format",
    "numpy.lib.npyio", "numpy.lib._npyio_impl", "numpy.lib._datasource", "numpy.compat", "numpy._utils",
    "scipy.io", "scipy.datasets", "scipy.misc", "scipy.weave", "scipy._lib", "scipy.test", "pandas.io", "pandas.testing",
    "pandas.plotting", "pandas._config", "numexpr.cpuinfo", "numexpr.tests", "contextlib.redirect",
)  # fmt: skip

_FILES = "load loadtxt genfromtxt fromregex fromfile save savez savez_compressed savetxt memmap open_memmap DataSource"
_SPARSE_FILES = "save_npz load_npz hb_read mmread mmwrite"
_PRINTS = "info show_config show_runtime lookfor source who test print_config show_versions describe_option"
_SETTINGS = "seterr seterrcall setbufsize freeze unfreeze enable disable set_debug set_threshold reset_option option_context"
_POINTERS = "ctypes as_ctypes"
_OBJECTS = "attrgetter methodcaller redirect_stdout redirect_stderr SystemRandom ExcelWriter HDFStore"
_OTHERS = "tofile dump plot hist boxplot style eval_type show clipboard register_dataframe_accessor flush warn warn_explicit"
DENIED = frozenset(
    " ".join((_FILES, _SPARSE_FILES, _PRINTS, _SETTINGS, _POINTERS, _OBJECTS, _OTHERS)).split()
)
_DENIED_NAME = re.compile(r"__\w*|(read|set|register|add_doc|add_newdoc|print|show)_\w+|to_\w+")
_FINE = frozenset(
    "to_numpy to_frame to_list to_dict to_datetime to_numeric to_timedelta to_period to_timestamp to_series to_records "
    "to_flat_index to_julian_date to_pydatetime to_offset set_index set_axis set_flags set_fill_value set_categories "
    "set_names set_levels set_codes".split()
)  # fmt: skip

BUILTINS = frozenset(
    "abs all any bin bool bytearray bytes chr complex dict divmod enumerate filter float format frozenset hash hex int "
    "isinstance issubclass iter len list map max memoryview min next object oct ord pow range repr reversed round set "
    "slice sorted str sum tuple type zip True False None NotImplemented Ellipsis".split()
)  # fmt: skip

SCALARS = frozenset({
    int, float, complex, bool, str, bytes, type(None), type(Ellipsis), datetime.date, datetime.datetime,
    datetime.timedelta, decimal.Decimal, fractions.Fraction, re.Pattern, range, slice,
})  # fmt: skip
CONTAINERS = (list, tuple, dict, set, frozenset, collections.deque, collections.OrderedDict, collections.defaultdict)
MUTABLE_DATA = (bytearray, array.array, memoryview, random.Random, functools.partial)
DATA_PACKAGES = frozenset({"numpy", "pandas", "scipy"})


def is_denied(name: str) -> bool:
    """Whether a function or method of this name reaches outside: a file, the terminal, a setting, a raw pointer."""
    return name in DENIED or (name not in _FINE and _DENIED_NAME.fullmatch(name) is not None)


def is_known_module(name: str) -> bool:
    """Whether the functions of a module are known."""
    return _is_below(name, MODULES) and not _is_below(name, FOREIGN)


def _is_below(name: str, tops: tuple[str, ...]) -> bool:
    return any(name == top or name.startswith(top + ".") for top in tops)
