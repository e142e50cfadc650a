"""The pytest plugin, in a pytest of its own: budgets that hold, that break, and that mean nothing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import npmem_magic

ROOT = Path(npmem_magic.__file__).parent.parent
HEAD = """
import numpy as np, pytest, unittest

N = 100_000
TABLE = np.ones(N)

def smooth(x):
    y = x + 1
    return y * 2 + y

@pytest.fixture
def image():
    return np.ones(10 * N)
"""
TESTS = """
@pytest.mark.max_numpy_peak("3x")
def test_holds(image):
    smooth(image)

@pytest.mark.max_numpy_peak("1x")
def test_breaks(image):
    smooth(image)

@pytest.mark.max_numpy_peak("1x")
def test_own_error(image):
    smooth(image)
    assert image.sum() == 3

@pytest.mark.max_numpy_peak("2.2x")
def test_globals_are_inputs():
    np.sqrt(TABLE) + TABLE

@pytest.mark.max_numpy_peak("1x")
def test_no_inputs():
    assert False, "must not run"

@pytest.mark.max_numpy_peak
def test_no_size():
    assert False, "must not run"

@pytest.mark.max_numpy_peak("3q")
def test_bad_size():
    assert False, "must not run"

@pytest.mark.max_numpy_peak("10MB")
@pytest.mark.parametrize("n", [10, 3_000_000])
def test_cases(n):
    np.ones(n)

@pytest.mark.max_numpy_peak(1_000_000)
class TestClass:
    def test_small(self):
        np.ones(10)

    def test_large(self):
        np.ones(3_000_000)

class TestOld(unittest.TestCase):
    @pytest.mark.max_numpy_peak("1MB")
    def test_large(self):
        np.ones(3_000_000)

@pytest.mark.max_numpy_peak("1kB")
@pytest.mark.skip
def test_skipped():
    np.ones(N)

@pytest.mark.max_numpy_peak("1MB")
def test_skips():
    pytest.skip("not here")

@pytest.mark.max_numpy_peak("1MB")
@pytest.mark.xfail(strict=True)
def test_known_too_large():
    np.ones(3_000_000)

def test_fixture(memtrace, image):
    run = memtrace(smooth, image)
    assert run.value[0] == 6 and 1.9 < run.ratio < 2.1 and run.given == image.nbytes

def test_fixture_breaks(memtrace, image):
    memtrace(smooth, image, max_peak="1.5x")

def test_fixture_raises(memtrace):
    with pytest.raises(ZeroDivisionError):
        memtrace(lambda: 1 / 0)

def test_unmarked(image):
    smooth(image)
"""
OUTCOMES = {
    "test_holds": "PASSED",
    "test_breaks": "FAILED",
    "test_own_error": "FAILED",
    "test_globals_are_inputs": "PASSED",
    "test_no_inputs": "FAILED",
    "test_no_size": "FAILED",
    "test_bad_size": "FAILED",
    "test_cases[10]": "PASSED",
    "test_cases[3000000]": "FAILED",
    "TestClass::test_small": "PASSED",
    "TestClass::test_large": "FAILED",
    "TestOld::test_large": "FAILED",
    "test_skipped": "SKIPPED",
    "test_skips": "SKIPPED",
    "test_known_too_large": "XFAIL",
    "test_fixture": "PASSED",
    "test_fixture_breaks": "FAILED",
    "test_fixture_raises": "PASSED",
    "test_unmarked": "PASSED",
}


def run_pytest(folder: Path, tests: str, *options: str, ledger: str = "native") -> str:
    """What a pytest says that runs `tests` in `folder`."""
    (folder / "test_it.py").write_text(HEAD + textwrap.dedent(tests))
    (folder / "pytest.ini").write_text("[pytest]\n")
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    plugin = [] if os.environ.get("NPMEM_TEST_INSTALLED") else ["-p", "npmem_magic.pytest_plugin"]
    arguments = ["-p", "no:cacheprovider", "--strict-markers", "-vv", *plugin, *options]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, "NPMEM_LEDGER": ledger, "COLUMNS": "160", "PY_COLORS": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


@pytest.fixture(scope="module", params=["native", "pure"])
def said(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    return run_pytest(tmp_path_factory.mktemp("inner"), TESTS, ledger=request.param)


@pytest.mark.parametrize("name", OUTCOMES)
def test_outcome(said: str, name: str) -> None:
    found = re.search(rf"::{re.escape(name)} (\w+)", said)
    assert found is not None and found[1] == OUTCOMES[name], said


def test_the_line_that_broke_it_is_named_in_the_projects_function(said: str) -> None:
    report = said.partition("_ test_breaks _")[2].partition("_ test_own_error _")[0]
    assert "over the budget of" in report and "in smooth, on line 9: y * 2" in report
    assert "def smooth(x):" in report, "the whole report stands below"
    assert "run_test" not in report.partition("in test_breaks")[2]


def section(said: str, test: str) -> str:
    """What is said of one failed test."""
    return said.partition(f"_ {test} _")[2].partition("\n____")[0]


def test_a_failure_shows_the_test_and_not_the_plugin(said: str) -> None:
    report = section(said, "test_fixture_breaks")
    assert 'memtrace(smooth, image, max_peak="1.5x")' in report and "pytest_plugin.py" not in report
    report = section(said, "test_own_error")
    assert "assert image.sum() == 3" in report and "pytest_plugin.py" not in report


def test_what_is_wrong_with_a_marker_is_said(said: str) -> None:
    assert "must not run" not in said.replace('"must not run"', "")
    assert "it reads none that are there before it runs" in said
    assert "'3q' is no size" in said


def test_the_marker_is_known(tmp_path: Path) -> None:
    assert "@pytest.mark.max_numpy_peak(size, follow=())" in run_pytest(tmp_path, "", "--markers")


def test_further_functions_are_followed(tmp_path: Path) -> None:
    tests = """
    @pytest.mark.max_numpy_peak("1MB", follow=["numpy.linspace"])
    def test_follow():
        np.linspace(0, 1, 1_000_000)
    """
    assert re.search(r"in linspace, on line \d+", run_pytest(tmp_path, tests))


def test_a_trace_inside_of_a_marked_test_is_refused(tmp_path: Path) -> None:
    tests = """
    @pytest.mark.max_numpy_peak("1MB")
    def test_both(memtrace):
        memtrace(np.ones, 10)
    """
    assert "A trace is running already" in run_pytest(tmp_path, tests)
