"""What a user gets by installing: with a compiler, without one, and that the tests look at the installed package."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import npmem_magic

ROOT = Path(__file__).resolve().parent.parent
LEFT_OUT = (
    ".git",
    ".venv",
    ".*_cache",
    ".hypothesis",
    "build",
    "dist",
    "*.egg-info",
    "*.so",
    "*.pyd",
    "__pycache__",
    "*.html",
)

posix = pytest.mark.skipif(os.name == "nt", reason="CC chooses the compiler on POSIX systems only")


def command(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run this Python with `arguments` and without the checkout on its path."""
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env={**clean, **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the sources without anything that was built."""
    return Path(shutil.copytree(ROOT, tmp_path / "checkout", ignore=shutil.ignore_patterns(*LEFT_OUT)))


def install(checkout: Path, target: Path, **environment: str) -> Path:
    """Install `checkout` into the folder `target`, from nothing but what is on this machine."""
    arguments = ("-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--target", str(target))
    done = command(*arguments, str(checkout), cwd=checkout.parent, **environment)
    assert done.returncode == 0, done.stderr
    return target


@pytest.mark.skipif("NPMEM_TEST_INSTALLED" not in os.environ, reason="only `make test` installs the package first")
def test_the_installed_package_is_tested() -> None:
    here = Path(npmem_magic.__file__).resolve()
    assert here.parent.parent == Path(sysconfig.get_path("platlib")).resolve()
    child = command("-c", "import npmem_magic; print(npmem_magic.__file__)", cwd=Path.cwd())
    assert Path(child.stdout.strip()).resolve() == here


@pytest.mark.skipif("NPMEM_TEST_INSTALLED" not in os.environ, reason="only `make test` installs the package first")
def test_metadata_says_the_version_of_the_code() -> None:
    assert importlib.metadata.version("npmem_magic") == npmem_magic.__version__
    assert importlib.metadata.metadata("npmem_magic")["Requires-Python"] == ">=3.11"


@posix
def test_without_a_compiler_the_magic_works_and_says_what_is_missing(checkout: Path, tmp_path: Path) -> None:
    target = install(checkout, tmp_path / "target", CC=shutil.which("false") or "false")
    assert (target / "npmem_magic/record/__init__.py").exists()
    assert not list(target.rglob("_ledger*.so"))
    told = traced(target, tmp_path)
    assert "pure" in told and "_ledger" in told["pure"], "the name of what is not there"
    assert "NumPy and Python" in told["report"]


@posix
def test_compiled_for_a_free_threaded_build_the_native_ledger_declines(checkout: Path, tmp_path: Path) -> None:
    target = install(checkout, tmp_path / "target", CFLAGS="-DPy_GIL_DISABLED")
    if not list(target.rglob("_ledger*.so")):
        pytest.skip("there is no compiler here")
    told = traced(target, tmp_path)
    # From 3.13 on the linker may find out first that this is no such build.
    assert "this CPython is free-threaded" in told["pure"] or "undefined symbol" in told["pure"]


IN_IPYTHON = """
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.run_cell("import numpy as np\\n%load_ext npmem_magic").raise_error()
shell.run_cell("%%memtrace -o t\\na = np.ones(10**6)").raise_error()
trace = shell.user_ns["t"]
assert abs(trace.peak - 8 * 10**6) <= 256 * 1024, trace
print("\\nENGINE", trace.engine, trace.notes[0])
"""


def traced(target: Path, folder: Path) -> dict[str, str]:
    """A cell under the magic, by what is installed in `target`: the report, and by engine why that one counted."""
    done = command("-c", IN_IPYTHON, cwd=folder, PYTHONPATH=str(target), IPYTHONDIR=str(folder), NPMEM_LEDGER="")
    assert done.returncode == 0, done.stderr + done.stdout
    report, _, last = done.stdout.rpartition("\nENGINE ")
    engine, _, why = last.partition(" ")
    return {"report": report, engine: why}


@posix
def test_the_native_ledger_compiles_without_a_warning(checkout: Path, tmp_path: Path) -> None:
    compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
    if not shutil.which(compiler):
        pytest.skip(f"{compiler} is not on this machine")
    # With -Werror a warning leaves the optional extension out.
    target = install(checkout, tmp_path / "target", CFLAGS="-Werror")
    assert len(list(target.rglob("_ledger*.so"))) == 1
    assert (target / "npmem_magic/py.typed").exists()
    assert not list(target.rglob("*.c"))


def test_source_distribution_holds_what_a_build_and_the_tests_need(checkout: Path, tmp_path: Path) -> None:
    program = f"from setuptools import build_meta; build_meta.build_sdist({str(tmp_path)!r})"
    done = command("-c", program, cwd=checkout)
    assert done.returncode == 0, done.stderr
    archive = next(tmp_path.glob("*.tar.gz"))
    shutil.unpack_archive(archive, tmp_path / "unpacked", filter="data")
    top = tmp_path / "unpacked" / archive.name.removesuffix(".tar.gz")
    for name in (
        "LICENSE",
        "setup.py",
        "npmem_magic/record/_ledger.c",
        "tests/test_install.py",
        "Makefile",
        ".ci/run",
        "docs/conf.py",
    ):
        assert (top / name).is_file(), name
    assert not list(top.rglob("*.so"))
