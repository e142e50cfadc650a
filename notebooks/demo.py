"""Runs the quickstart in a real kernel, prints the report of its main cell, leaves the notebook as an HTML page.

`make demo` calls this; the tests take `execute` from it to run every notebook.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbconvert import HTMLExporter

__all__ = ["HERE", "CellExecutionError", "execute", "reports"]

HERE = Path(__file__).resolve().parent


def execute(path: Path, timeout: int = 120) -> nbformat.NotebookNode:
    """The notebook at `path` with every cell run, top to bottom, in a new kernel whose folder is a temporary one.

    Raises
    ------
    CellExecutionError
        When a cell fails; the message holds its traceback.
    """
    # The kernel of this very environment, not one of the same name installed for the user.
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"
    notebook = nbformat.read(path, as_version=4)
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


def main() -> None:
    """Run, print and write; a notebook without a report is an error."""
    notebook = execute(HERE / "00-quickstart.ipynb")
    shown = reports(notebook)
    if not shown:
        sys.exit("The quickstart ran and displayed no report of npmem_magic.")
    print(shown[0])
    page, _ = HTMLExporter(template_name="lab").from_notebook_node(notebook)
    target = HERE / "00-quickstart.html"
    target.write_text(page, encoding="utf-8")
    print(f"\nThe executed notebook as a page: {os.path.relpath(target)}")


if __name__ == "__main__":
    main()
