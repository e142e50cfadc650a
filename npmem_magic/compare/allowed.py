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
    "numpy.testing", "numpy.ctypeslib", "numpy.f2py", "numpy.distutils", "numpy.core", "numpy._core", "numpy._utils",
    "numpy.lib.format", "numpy.lib.npyio", "numpy.lib._npyio_impl", "numpy.lib._datasource", "numpy.compat",
    "scipy.io", "scipy.datasets", "scipy.misc", "scipy._lib", "scipy.test", "pandas.io", "pandas.testing",
    "pandas.plotting", "pandas._config", "numexpr.cpuinfo", "numexpr.tests",
)  # fmt: skip

DENIED = frozenset({
    # files
    "load", "loadtxt", "genfromtxt", "fromregex", "fromfile", "save", "savez", "savez_compressed", "savetxt", "memmap",
    "open_memmap", "DataSource", "save_npz", "load_npz", "hb_read", "mmread", "mmwrite", "tofile", "dump", "flush",
    "ExcelWriter", "HDFStore",
    # the screen
    "info", "lookfor", "source", "test", "plot", "hist", "boxplot", "style", "show", "warn", "warn_explicit",
    # settings
    "seterr", "seterrcall", "setbufsize", "freeze", "enable", "disable", "set_debug", "set_threshold", "reset_option",
    "option_context", "describe_option", "get_objects", "get_referrers", "get_referents",
    # raw pointers, the system, and names that are looked up as the code runs
    "ctypes", "as_ctypes", "SystemRandom", "attrgetter", "methodcaller", "redirect_stdout", "redirect_stderr",
})  # fmt: skip
_DENIED_NAME = re.compile(r"__\w*|(read|set|register|add_doc|add_newdoc|print|show)_\w+|to_\w+")
_FINE = frozenset({
    "to_numpy", "to_frame", "to_list", "to_dict", "to_datetime", "to_numeric", "to_timedelta", "to_period",
    "to_timestamp", "to_series", "to_records", "to_flat_index", "to_julian_date", "to_pydatetime", "to_offset",
    "set_index", "set_axis", "set_flags", "set_fill_value", "set_categories", "set_names", "set_levels", "set_codes",
})  # fmt: skip

# What a module holds beside functions and classes can be changed for everybody, but for these.
HELPERS = frozenset({"r_", "c_", "s_", "mr_", "mgrid", "ogrid", "index_exp", "masked", "nomask", "NA", "NaT"})
# Attributes of arrays and tables that may be set.
SETTABLE = frozenset({
    "shape", "dtype", "strides", "flat", "real", "imag", "mask", "fill_value", "writeable", "index", "columns", "name",
    "names",
})  # fmt: skip

BUILTINS = frozenset({
    "abs", "all", "any", "bin", "bool", "bytearray", "bytes", "chr", "complex", "dict", "divmod", "enumerate", "filter",
    "float", "format", "frozenset", "hash", "hex", "int", "isinstance", "issubclass", "iter", "len", "list", "map",
    "max", "memoryview", "min", "next", "oct", "ord", "pow", "range", "repr", "reversed", "round", "set", "slice",
    "sorted", "str", "sum", "tuple", "zip", "True", "False", "None", "NotImplemented", "Ellipsis",
})  # fmt: skip

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
