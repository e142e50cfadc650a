"""The measurements that the README quotes: ``python -m benchmarks``, or ``python benchmarks``."""

from importlib import import_module

import_module("benchmarks.overhead" if __package__ else "overhead").main()
