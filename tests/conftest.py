"""Fixtures of all tests: shells to run cells in, and the check that nothing is left running."""

from __future__ import annotations

import atexit
import builtins
import gc
import sys
import threading
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import IPython
import psutil
import pytest
import tracing
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from npmem_magic.host import Unavailable
from npmem_magic.record import gpus, sampler
from npmem_magic.record import ledger as ledgers


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests marked ``gpu`` are skipped, with the reason, where there is none."""
    wanting = [item for item in items if item.get_closest_marker("gpu")]
    if not wanting:
        return
    try:
        gpus.find()
    except Unavailable as missing:
        for item in wanting:
            item.add_marker(pytest.mark.skip(reason=str(missing)))


@contextmanager
def fresh_shell() -> Iterator[InteractiveShell]:
    """A new IPython shell without history, as the one and only instance; everything global is put back."""
    keep = sys.modules["__main__"], sys.displayhook, sys.excepthook, sys.stdout, sys.stderr, list(sys.path)
    display = vars(builtins).get("display")
    InteractiveShell.clear_instance()
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor" if IPython.version_info >= (9,) else "NoColor"
    shell = InteractiveShell.instance(config=config)
    try:
        yield shell
    finally:
        shell.run_line_magic("unload_ext", "npmem_magic") if "npmem_magic" in shell.extension_manager.loaded else None
        shell.events.callbacks.clear()
        # What a shell does at exit collects garbage twice; for hundreds of shells that would take minutes.
        atexit.unregister(shell.atexit_operations)
        shell.restore_sys_module_state()
        InteractiveShell.clear_instance()
        sys.modules["__main__"], sys.displayhook, sys.excepthook, sys.stdout, sys.stderr, sys.path[:] = keep
        if display is None:
            vars(builtins).pop("display", None)


@pytest.fixture(params=tracing.ENGINES)
def ledger(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The test runs once with each ledger, where there is one; the value is its name."""
    if request.param == "native" and ledgers._native_obstacle():
        pytest.skip("the native ledger is not built here")
    monkeypatch.setenv(ledgers.VARIABLE, request.param)
    tracing.use(request.param)
    yield request.param
    tracing.use("native")


@pytest.fixture
def ip() -> Iterator[InteractiveShell]:
    """A shell with the extension loaded."""
    with fresh_shell() as shell:
        shell.extension_manager.load_extension("npmem_magic")
        yield shell


def running() -> dict[str, Any]:
    """What a watcher could leave behind, as values that compare."""
    found: dict[str, Any] = {
        "trace function": sys.gettrace(),
        "profile function": sys.getprofile(),
        "trace function of threads": threading.gettrace(),
        "profile function of threads": threading.getprofile(),
        "tracemalloc": tracemalloc.is_tracing(),
        "limits": limits(),
    }
    if hasattr(sys, "monitoring"):
        found["monitoring"] = [(sys.monitoring.get_tool(tool), events(tool)) for tool in range(6)]
    return found


def events(tool: int) -> int:
    """The global events that a monitoring tool has switched on; 0 where nobody uses the tool id."""
    return sys.monitoring.get_events(tool) if sys.monitoring.get_tool(tool) else 0


def limits() -> list[tuple[int, int]]:
    """This process's resource limits; none where the system has none."""
    try:
        import resource
    except ImportError:
        return []
    return [resource.getrlimit(getattr(resource, name)) for name in sorted(dir(resource)) if name.startswith("RLIMIT_")]


def children() -> set[int]:
    """Ids of the living child processes."""
    alive = psutil.Process().children(recursive=True)
    return {each.pid for each in alive if each.status() != psutil.STATUS_ZOMBIE}


@pytest.fixture(autouse=True, scope="module")
def small_heap() -> None:
    """Keep what is loaded out of the collections that come before every trace; a test run makes thousands of them."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def leave_nothing_running() -> Iterator[None]:
    """Fail a test that leaves a trace function, a tool, a limit or a process behind (one idle helper may wait)."""
    before, family = running(), children()
    yield
    assert running() == before
    assert len(children() - family) <= 1
    sampler.close()
    assert children() - family == set()
