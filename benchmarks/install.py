"""The peers' own virtual environment, ``.venv/bench-X.Y``: never the one that npmem_magic is installed in."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import venv
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".venv" / "bench-{}.{}".format(*sys.version_info)
# The peers run the cells with the very NumPy that npmem_magic runs them with.
SAME = ("numpy", "numexpr", "ipython")
ASK_VERSIONS = (
    "import json, sys\nfrom importlib.metadata import distributions\n"
    "print(json.dumps({d.metadata['Name'].lower().replace('-', '_'): d.version for d in distributions()}))"
)
PATHS = re.compile(r"(?:[A-Za-z]:)?(?:[\\/][\w.+@-]+){2,}")


def interpreter() -> Path:
    """The environment's Python; the environment is made where it is missing."""
    python = HOME / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        venv.create(HOME, with_pip=True)
    return python


def without_paths(text: str) -> str:
    """`text` with every path cut down to its last part."""
    return PATHS.sub(lambda found: re.split(r"[\\/]", found[0])[-1], text)


def last_words(text: str) -> str:
    """What a failed command complained about: its last line that says "error", else its last."""
    lines = [line.strip() for line in text.splitlines() if line.strip()] or ["it said nothing"]
    telling = [line for line in lines if "error" in line.lower()]
    return without_paths((telling or lines)[-1])[:200]


def pip_install(python: Path, packages: Iterable[str]) -> str:
    """Why `packages` could not be installed, or nothing."""
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    except subprocess.TimeoutExpired:
        return "pip needed more than ten minutes"
    return "" if done.returncode == 0 else last_words(done.stderr)


def versions(python: Path) -> dict[str, str]:
    """What is installed there, by lower-case name with underscores."""
    done = subprocess.run([str(python), "-c", ASK_VERSIONS], capture_output=True, text=True, check=True)
    found: dict[str, str] = json.loads(done.stdout)
    return found


def plain_name(requirement: str) -> str:
    """``setuptools<81`` -> ``setuptools``."""
    return re.split(r"[<>=!~\[]", requirement)[0].lower().replace("-", "_")


def prepare(wanted: Iterable[Sequence[str]]) -> tuple[Path, dict[str, str], dict[str, str]]:
    """The interpreter, the versions there, and per package that is still missing, why.

    `wanted` has one group of requirements per tool. All are tried at once, then, if that fails, group by group.
    """
    python, pins = interpreter(), [f"{name}=={version(name)}" for name in SAME]
    groups = [*dict.fromkeys(tuple(group) for group in wanted if group)]
    here = versions(python)
    right = all(here.get(name) == version(name) for name in SAME)
    if right and all(plain_name(each) in here for group in groups for each in group):
        return python, here, {}
    missing = {}
    if pip_install(python, [*pins, *(each for group in groups for each in group)]):
        missing = {group[0]: pip_install(python, [*pins, *group]) for group in groups}
        pip_install(python, pins)
    return python, versions(python), {name: why for name, why in missing.items() if why}
