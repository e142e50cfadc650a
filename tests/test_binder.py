"""What mybinder.org is given, done here: its files set up a fresh environment, and a notebook runs in it.

Nothing is downloaded: the environment sees the packages of this one, so that what `requirements.txt` asks for is there.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BINDER = ROOT / "binder"
BUILT = ("build", "dist", ".venv", "html", ".git", "*.so", "*.egg-info", "__pycache__", ".*_cache", ".hypothesis")

pytestmark = pytest.mark.skipif(os.name == "nt", reason="mybinder.org runs Linux")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sources as mybinder.org clones them: without anything that was built."""
    target = tmp_path_factory.mktemp("binder") / "checkout"
    return Path(shutil.copytree(ROOT, target, ignore=shutil.ignore_patterns(*BUILT)))


@pytest.fixture(scope="module")
def python(checkout: Path) -> Path:
    """The interpreter of a fresh environment in which binder's files were used, in binder's order."""
    if int(metadata.version("setuptools").split(".")[0]) < 77:
        pytest.skip("what builds the package is too old in this environment: setuptools 77 reads its metadata")
    folder = checkout.parent / "fresh"
    # Some versions of venv bring a setuptools along, older than the one that builds the package.
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True, timeout=300)
    packages = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    site = next(folder.glob("lib*/python*/site-packages"))
    (site / "packages-of-the-tests.pth").write_text("\n".join(packages) + "\n", encoding="utf-8")
    interpreter = folder / "bin" / "python"
    run(interpreter, checkout, "-m", "pip", "install", "--quiet", "--no-index", "-r", "binder/requirements.txt")
    build = subprocess.run(
        ["bash", str(checkout / "binder" / "postBuild")],
        cwd=checkout,
        env=environment(interpreter),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    if "No module named 'npmem_magic.record._ledger'" in build.stderr and not shutil.which(compiler()):
        pytest.skip(f"{compiler()} is not on this machine")
    assert build.returncode == 0, build.stderr
    return interpreter


def compiler() -> str:
    return (sysconfig.get_config_var("CC") or "cc").split()[0]


def environment(interpreter: Path) -> dict[str, str]:
    """This process's variables with `interpreter` first on the path, and a pip that asks nobody."""
    clean = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    # pip reads the word after PIP_NO_BUILD_ISOLATION the wrong way round: "0" is what switches the isolation off.
    offline = {"PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0", "PIP_QUIET": "1"}
    return {**clean, **offline, "PATH": f"{interpreter.parent}{os.pathsep}{os.environ['PATH']}"}


def run(interpreter: Path, folder: Path, *arguments: str) -> str:
    """What `interpreter` prints; it has to succeed."""
    done = subprocess.run(
        [str(interpreter), *arguments],
        cwd=folder,
        env=environment(interpreter),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_files_are_those_that_repo2docker_reads() -> None:
    names = {path.name for path in BINDER.iterdir()}
    assert names == {"apt.txt", "postBuild", "requirements.txt", "runtime.txt"}
    assert os.access(BINDER / "postBuild", os.X_OK)
    assert re.fullmatch(r"python-3\.1[123]\n", (BINDER / "runtime.txt").read_text(encoding="utf-8"))
    assert "gcc" in (BINDER / "apt.txt").read_text(encoding="utf-8").split()


def test_what_was_installed_is_the_package_with_its_compiled_ledger(python: Path, tmp_path: Path) -> None:
    said = run(python, tmp_path, "-c", "import npmem_magic as n; print(n.__file__); print(n.ledger()[0])").split()
    assert Path(said[0]).is_relative_to(python.parent.parent)
    assert said[1] == "native"


def test_jupyterlab_opens_at_the_quickstart(python: Path) -> None:
    settings = python.parent.parent / "etc" / "jupyter" / "jupyter_server_config.d" / "npmem_magic.json"
    opened = json.loads(settings.read_text(encoding="utf-8"))["LabApp"]["default_url"]
    assert opened.startswith("/lab/tree/")
    assert (ROOT / opened.removeprefix("/lab/tree/")).is_file()


def test_a_notebook_runs_there(python: Path, checkout: Path) -> None:
    program = (
        "import demo, npmem_magic; from pathlib import Path; "
        "shown = demo.reports(demo.execute(Path('notebooks/01-how-big.ipynb').resolve())); "
        "print(npmem_magic.__file__, len(shown))"
    )
    paths = f"import sys; sys.path[:1] = [{str(checkout / 'notebooks')!r}]; "
    module, count = run(python, checkout, "-c", paths + program).split()
    assert Path(module).is_relative_to(python.parent.parent), "the package of the fresh environment"
    assert int(count) >= 3
