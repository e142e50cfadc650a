"""The pictures of the README: the report of the quickstart's first traced cell, in JupyterLab, light and dark.

``make pictures``, or ``python docs/pictures.py [FOLDER]``. Needs a Chromium on the PATH (``CHROMIUM`` names another).
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from playwright.sync_api import sync_playwright

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
SOURCE = NOTEBOOKS / "00-quickstart.ipynb"
THEMES = {"report.png": "JupyterLab Light", "report-dark.png": "JupyterLab Dark"}
WIDTH, HEIGHT = 1100, 3000
PATIENCE = 90  # seconds


def chromium() -> str:
    """The browser to use; SystemExit where there is none."""
    names = (os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, (shutil.which(name) for name in names if name)), None)
    return found or sys.exit("No Chromium was found. Install one (on Debian: chromium), or set CHROMIUM to its path.")


def executed(target: Path) -> None:
    """Write the quickstart, up to its first traced cell, with that cell's report."""
    notebook: Any = nbformat.read(SOURCE, 4)
    first = next(at for at, cell in enumerate(notebook.cells) if cell.source.startswith("%%memtrace"))
    notebook.cells = notebook.cells[: first + 1]
    NotebookClient(notebook, kernel_name="python3", resources={"metadata": {"path": str(NOTEBOOKS)}}).execute()
    nbformat.write(notebook, target)


@contextlib.contextmanager
def lab(folder: Path, theme: str) -> Iterator[str]:
    """The address of a JupyterLab on `folder`, in settings of its own."""
    settings = folder / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True, exist_ok=True)
    (settings / "themes.jupyterlab-settings").write_text(json.dumps({"theme": theme}), encoding="utf-8")
    quiet = {"fetchNews": "false", "checkForUpdates": False}
    (settings / "notification.jupyterlab-settings").write_text(json.dumps(quiet), encoding="utf-8")
    places = {"CONFIG_DIR": "config", "DATA_DIR": "data", "RUNTIME_DIR": "runtime"}
    environment = {**os.environ, **{f"JUPYTER_{name}": str(folder / place) for name, place in places.items()}}
    environment |= {"JUPYTERLAB_SETTINGS_DIR": str(folder / "settings")}
    environment |= {"JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces")}
    jupyter = [sys.executable, "-m", "jupyter"]
    subprocess.run([*jupyter, "trust", str(folder / "page.ipynb")], env=environment, check=True, capture_output=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = [f"--port={port}", "--no-browser", "--allow-root", f"--ServerApp.root_dir={folder}"]
    options += ["--IdentityProvider.token=", "--ServerApp.disable_check_xsrf=True"]
    server = subprocess.Popen([*jupyter, "lab", *options], env=environment, stderr=subprocess.DEVNULL)
    try:
        _wait_for(f"http://127.0.0.1:{port}/api", server)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(PATIENCE)


def _wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and server.poll() is None:
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            urllib.request.urlopen(address, timeout=5)
            return
        time.sleep(0.3)
    sys.exit("JupyterLab did not start.")


def shoot(address: str, target: Path) -> None:
    """A picture of the traced cell and its report."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, device_scale_factor=1.5)
        page.goto(f"{address}/doc/tree/page.ipynb", timeout=1000 * PATIENCE)
        page.wait_for_selector(".jp-RenderedHTML img", timeout=1000 * PATIENCE)
        with contextlib.suppress(Exception):  # asked for where no kernel of that name is found
            page.locator(".jp-Dialog button", has_text="No Kernel").first.click(timeout=4000)
        page.wait_for_timeout(1500)
        page.locator(".jp-CodeCell").last.screenshot(path=str(target))
        browser.close()


def main() -> None:
    """Make every picture."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else NOTEBOOKS
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        executed(folder / "page.ipynb")
        for picture, theme in THEMES.items():
            with lab(folder, theme) as address:
                shoot(address, target / picture)
            print(target / picture)


if __name__ == "__main__":
    main()
