"""An independent count of NumPy's data buffers in the same run: a recorder in C below the ledger's hooks.

Where `oracle` runs a program a second time, this sees the very requests that the ledger sees, so it also judges runs
that never come twice the same: threads, interrupts, collections at random.
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from oracle import Count, _default_handler

_THROUGH, _DEATH, _UNTOLD = 1, 2, 4  # flags of tape.c
_CAPSULE = b"mem_handler"  # a capsule keeps the address of its name
COMPILER = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")


class _Event(ctypes.Structure):
    _fields_ = [("address", ctypes.c_size_t), ("size", ctypes.c_int64), ("flags", ctypes.c_int64)]


class Tape:
    """Every living buffer by address with its bytes. Of the last reading: the living ones born through a ledger, the
    number born, and the number that were resized and of which nobody knows how large they had been."""

    def __init__(self, library: Any, loose: Any) -> None:
        self._library, self._loose = library, loose
        self.living: dict[int, int] = {}
        self.born: dict[int, int] = {}
        self.births = self.untold = self.lost = 0

    def read(self) -> Count:
        """What went through a ledger since the last reading: totals in bytes."""
        now = peak = gross = mine = at_peak = earlier = 0
        self.born, self.births, self.untold = {}, 0, 0
        for address, size, flags in self._events():
            if flags & _DEATH:
                known = address in self.living
                size = self.living.pop(address, size)
                mine_too = self.born.pop(address, None) is not None
                if not flags & _THROUGH:
                    continue
                self.untold += bool(flags & _UNTOLD and not known)
                now -= size
                mine, earlier = (mine - size, earlier) if mine_too else (mine, earlier + size)
                continue
            self.living[address] = size
            if flags & _THROUGH:
                self.born[address] = size
                self.births += 1
                now, mine, gross = now + size, mine + size, gross + size
                if now > peak:
                    peak, at_peak = now, mine
        return Count(peak, now, gross, at_peak, earlier)

    def _events(self) -> Iterator[tuple[int, int, int]]:
        count = ctypes.c_size_t()
        taken = self._library.tape_take(ctypes.byref(count))
        try:
            for event in taken[: count.value] if count.value else ():
                yield event.address, event.size, event.flags
        finally:
            self._library.tape_free_events(taken)

    def storm(self, rounds: int, size: int) -> int:
        """Take and free `rounds` buffers of `size` bytes and more without holding the GIL; one is left, for `calm`."""
        left: int = self._loose.storm(ctypes.addressof(_default_handler()), rounds, size)
        return left

    def calm(self, left: int, size: int) -> None:
        """Free what a storm of this `size` left."""
        self._loose.storm_end(ctypes.addressof(_default_handler()), left, size)

    def set_other_handler(self) -> Any:
        """Make this context's arrays with another handler, as a tool may; what it answers undoes that when called."""
        return _set_handler(ctypes.addressof(ctypes.c_char.in_dll(self._library, "other_handler")))


def _set_handler(address: int) -> Any:
    import sys

    module = sys.modules.get("numpy._core._multiarray_umath") or sys.modules["numpy.core._multiarray_umath"]
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    make = ctypes.pythonapi.PyCapsule_New
    make.restype, make.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
    slots = ctypes.cast(pointer(module._ARRAY_API, None), ctypes.POINTER(ctypes.c_void_p))
    set_handler = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.py_object)(slots[304])  # fixed by NumPy's numbering
    before = set_handler(make(address, _CAPSULE, None))
    return lambda: set_handler(before)


def build() -> tuple[Any, Any] | None:
    """The compiled recorder, called with the GIL held and with the GIL released; None where there is no compiler."""
    if COMPILER is None:
        return None
    folder = Path(tempfile.mkdtemp(prefix="npmem-tape-"))
    source, target = Path(__file__).with_name("tape.c"), folder / "tape.so"
    done = subprocess.run(
        [COMPILER, "-O1", "-shared", "-fPIC", "-pthread", str(source), "-o", str(target)], check=False
    )
    if done.returncode:
        return None
    library, loose = ctypes.PyDLL(str(target)), ctypes.CDLL(str(target))
    shutil.rmtree(folder)
    loose.storm.restype, loose.storm.argtypes = ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_int, ctypes.c_int]
    loose.storm_end.restype, loose.storm_end.argtypes = None, [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int]
    library.tape_take.restype = ctypes.POINTER(_Event)
    library.tape_take.argtypes = [ctypes.POINTER(ctypes.c_size_t)]
    library.tape_free_events.argtypes = [ctypes.POINTER(_Event)]
    library.tape_in.argtypes = [ctypes.c_void_p]
    return library, loose


@contextmanager
def recording() -> Iterator[Tape | None]:
    """Record until the end of the block; None where there is no compiler."""
    built = build()
    if built is None:
        yield None
        return
    library, _ = built
    library.tape_in(ctypes.addressof(_default_handler()))
    try:
        yield Tape(*built)
    finally:
        library.tape_out()
