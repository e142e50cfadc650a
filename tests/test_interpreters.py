"""Interpreters of other kinds: within this process, and free-threaded ones. They are served or told why not."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from oracle import near

import npmem_magic
from npmem_magic.host import NpmemError, Unavailable
from npmem_magic.record import ledger as ledgers

ROOT = Path(npmem_magic.__file__).resolve().parent.parent

START = """
    import sys
    try:
        import _interpreters as interpreters
    except ImportError:  # before 3.13
        import _xxsubinterpreters as interpreters
    kinds = {"legacy": False, "isolated": True}
    create = interpreters.create
    made = create(KIND) if sys.version_info >= (3, 13) else create(isolated=kinds[KIND])
    failed = interpreters.run_string(made, INSIDE)
    if failed:
        print(failed)
    sys.stdout.flush()
    """
INSIDE = """
import warnings
warnings.simplefilter("ignore")  # NumPy's own, that it is not made for this
try:
    import numpy
except ImportError:
    print("no NumPy")
else:
    import npmem_magic
    try:
        trace = npmem_magic.trace("a = np.empty(10**6)", namespace={"np": numpy}, sampler="off")
        print(trace.engine, trace.peak, trace.net, trace.expressions[0].source, flush=True)
    except npmem_magic.Unavailable as error:
        print("declined:", error, flush=True)
"""
AFTER = """
    import numpy, npmem_magic
    trace = npmem_magic.trace("a = np.empty(10**6)", namespace={"np": numpy}, sampler="off")
    print(trace.engine, trace.peak, trace.net, trace.expressions[0].source)
    """


def run_in(kind: str, after: str = "") -> list[str]:
    """The lines that an interpreter of the `kind` within a fresh process writes, and then the process itself."""
    code = f"KIND, INSIDE = {kind!r}, {INSIDE!r}\n{textwrap.dedent(START)}{textwrap.dedent(after)}"
    paths = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True, text=True, timeout=120, env={**os.environ, "PYTHONPATH": paths}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def right(told: str, ledger: str) -> bool:
    """Whether a line of those tells what an array of 10**6 float64 takes."""
    engine, peak, net, source = told.split(maxsplit=3)
    exact = near if engine == "pure" else int.__eq__
    return (
        engine == ledger and exact(int(peak), 8 * 10**6) and exact(int(net), 8 * 10**6) and source == "np.empty(10**6)"
    )


def test_an_interpreter_that_shares_the_gil_is_served_or_told_why_not(ledger: str) -> None:
    """From 3.13 on the native ledger would be loaded in the first interpreter, where NumPy is not."""
    (told,) = run_in("legacy")
    if told.startswith("declined:") and (ledger == "pure" or sys.version_info >= (3, 13)):
        assert "cannot count here" in told
        assert ledger == "native" or "within another one's process" in told
    else:
        assert told == "no NumPy" or right(told, "native")


def test_an_isolated_interpreter_does_no_harm(ledger: str) -> None:
    """NumPy does not load into one with a GIL of its own, so there is nothing to measure; the first one goes on."""
    if sys.version_info < (3, 12):
        pytest.skip("all interpreters share the GIL before 3.12")
    told = run_in("isolated", AFTER)
    assert told[0] == "no NumPy"
    assert right(told[-1], ledger)


def test_without_the_gil_the_pure_ledger_declines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ledgers.VARIABLE, "pure")
    monkeypatch.setattr(sys, "_is_gil_enabled", lambda: False, raising=False)
    with pytest.raises(Unavailable, match=r"without the GIL.*PYTHON_GIL=1"):
        npmem_magic.ledger()
    with pytest.raises(NpmemError, match="without the GIL"):
        npmem_magic.trace("ran = True", namespace={})
    monkeypatch.setattr(sys, "_is_gil_enabled", lambda: True, raising=False)
    assert npmem_magic.ledger()[0] == "pure"


def test_a_free_threaded_build_that_has_its_gil_is_served_by_the_pure_ledger(monkeypatch: pytest.MonkeyPatch) -> None:
    """The native one is refused at import there: see test_install, which compiles it for such a build."""
    refused = "the native ledger relies on the GIL, and this CPython is free-threaded"
    monkeypatch.delenv(ledgers.VARIABLE, raising=False)
    monkeypatch.setattr(ledgers, "_why_not", refused)
    monkeypatch.setattr(ledgers, "_ledger", None)
    name, why = npmem_magic.ledger()
    assert name == "pure" and refused in why and "NumPy and Python" in why
