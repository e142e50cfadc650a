"""tracemalloc on and off, also beside threads that the run has left working.

Up to 3.12.8 and 3.13.1, CPython crashes when tracemalloc is stopped while another thread, without the GIL, is about to
note what it has allocated (gh-128679, repaired since; gh-143143 is about what is left of it). NumPy's sorting does so.
So while such a thread works, tracemalloc stays on, and is stopped once they wait or have ended.
"""

from __future__ import annotations

import sys
import threading
import time
import tracemalloc

LEFT_ON = (
    "Threads of the cell work on. tracemalloc stays on until they wait or have ended: stopping it beside them can "
    "crash the interpreter."
)

_PAUSE = 0.05  # seconds between two looks
_WAITING = {  # functions of the standard library whose frame is the innermost one of a thread that waits
    ("threading", "wait"),
    ("threading", "join"),
    ("threading", "_wait_for_tstate_lock"),
    ("concurrent.futures.thread", "_worker"),
    ("selectors", "select"),
}

_lock = threading.RLock()
_users: list[Switch] = []
_waiters: list[threading.Thread] = []


class Switch:
    """tracemalloc for one run; `is_ours` while it runs because of us."""

    def __init__(self) -> None:
        self.is_ours = False
        self._before: frozenset[threading.Thread] = frozenset()

    def on(self) -> None:
        """From here on it runs, and nobody of ours stops it."""
        with _lock:
            _users.append(self)
            self._before = frozenset(threading.enumerate())
            self.is_ours = not tracemalloc.is_tracing()
            if self.is_ours:
                tracemalloc.start()

    def off(self) -> tuple[str, ...]:
        """Leave it as it was found, now or as soon as that is safe, which a sentence then says."""
        with _lock:
            if self in _users:
                _users.remove(self)
            if not self.is_ours:
                return ()
            self.is_ours = False
            strays = [thread for thread in threading.enumerate() if thread not in self._before and _works(thread)]
            if not strays:
                tracemalloc.stop()
                return ()
            _waiters[:] = [threading.Thread(target=_stop_after, args=(strays,), name="npmem_magic", daemon=True)]
            _waiters[0].start()
            return (LEFT_ON,)


def settle() -> None:
    """Return when tracemalloc is as it was found before the runs that are over."""
    for waiter in list(_waiters):
        waiter.join()
    if _waiters:  # somebody has thrown an exception into it
        _stop_after([])


def _stop_after(strays: list[threading.Thread]) -> None:
    while any(_works(thread) for thread in strays):
        time.sleep(_PAUSE)
    while True:
        with _lock:
            if not _users:
                tracemalloc.stop()
                _waiters.clear()
                return
        time.sleep(_PAUSE)


def _works(thread: threading.Thread) -> bool:
    """Whether a thread may be allocating: it lives, is not this one, and is not within a function that waits."""
    if not thread.is_alive() or thread is threading.current_thread():
        return False
    frame = sys._current_frames().get(thread.ident or 0)
    return frame is not None and (frame.f_globals.get("__name__"), frame.f_code.co_name) not in _WAITING
