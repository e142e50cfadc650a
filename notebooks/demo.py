"""Runs notebooks in a real kernel and leaves them as HTML pages in the folder `html` beside this file.

`make demo` runs the quickstart and prints the report of its main cell, `make html` (``demo.py --all``) runs every
notebook; the tests take `execute` from here.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbconvert import HTMLExporter

__all__ = ["HERE", "CellExecutionError", "execute", "reports", "write_page"]

HERE = Path(__file__).resolve().parent
PAGES = HERE / "html"


def execute(path: Path, timeout: int = 120, more: Iterable[nbformat.NotebookNode] = ()) -> nbformat.NotebookNode:
    """The notebook at `path` with every cell run, top to bottom, in a new kernel whose folder is a temporary one.

    The cells `more` are appended to it and run, too. No cell may take longer than `timeout` seconds.

    Raises
    ------
    CellExecutionError
        When a cell fails; the message holds its traceback.
    """
    # The kernel of this very environment, not one of the same name installed for the user.
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.extend(more)
    with tempfile.TemporaryDirectory() as folder:
        where = {"metadata": {"path": folder}}
        # The kernel's own remarks about its transport are not the notebook's.
        quiet = ["--log-level=ERROR"]
        NotebookClient(
            notebook, timeout=timeout, kernel_name="python3", resources=where, extra_arguments=quiet
        ).execute()
    return notebook


def reports(notebook: nbformat.NotebookNode) -> list[str]:
    """The text form of every report that npmem_magic displayed in `notebook`."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    return [output["data"]["text/plain"] for output in outputs if "npmem_magic" in output.get("metadata", {})]


def write_page(notebook: nbformat.NotebookNode, name: str) -> Path:
    """The executed notebook as one HTML file that needs nothing else; where it was written."""
    page, _ = HTMLExporter(template_name="lab").from_notebook_node(notebook)
    PAGES.mkdir(exist_ok=True)
    target = PAGES / f"{name}.html"
    target.write_text(page, encoding="utf-8")
    return target


def all_pages() -> None:
    """Every notebook, run and written; the first one that fails ends it."""
    for path in sorted(HERE.glob("*.ipynb")):
        print(os.path.relpath(write_page(execute(path), path.stem)), flush=True)


def main() -> None:
    """Run the quickstart, print and write; a notebook without a report is an error."""
    notebook = execute(HERE / "00-quickstart.ipynb")
    shown = reports(notebook)
    if not shown:
        sys.exit("The quickstart ran and displayed no report of npmem_magic.")
    print(shown[0])
    target = write_page(notebook, "00-quickstart")
    print(f"\nThe executed notebook as a page: {os.path.relpath(target)}")


if __name__ == "__main__":
    all_pages() if sys.argv[1:] == ["--all"] else main()
