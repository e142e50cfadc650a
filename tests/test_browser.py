"""Notebooks of the workshop in JupyterLab itself, in a headless browser: opened, run, looked at.

Skipped, with the reason, where JupyterLab, playwright or a Chromium is missing: none of them is needed to use or to
build the package.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import demo
import pytest

NOTEBOOKS = ("00-quickstart", "04-temporaries")
TOKEN = "workshop"
PATIENCE = 120  # seconds


def browser() -> str:
    """Where a Chromium is; skips the test, saying what is missing, where one cannot be driven."""
    for module in ("jupyterlab", "playwright"):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} is not installed")
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    pytest.skip("there is no Chromium on the path")


@contextmanager
def jupyterlab(folder: Path) -> Iterator[str]:
    """A JupyterLab of this environment that shows copies of the notebooks; its address. It ends with the block."""
    for name in NOTEBOOKS:
        shutil.copy(demo.HERE / f"{name}.ipynb", folder)
    settings = folder / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    quiet = {"fetchNews": "false", "checkForUpdates": False}
    (settings / "notification.jupyterlab-settings").write_text(json.dumps(quiet), encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = {f"JUPYTER_{kind}_DIR": str(folder / kind) for kind in ("CONFIG", "DATA", "RUNTIME")}
    own |= {
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
    }
    own |= {"IPYTHONDIR": str(folder / "ipython"), "JUPYTER_PREFER_ENV_PATH": "1"}
    options = ["--no-browser", "--allow-root", f"--port={port}", f"--IdentityProvider.token={TOKEN}"]
    options += ["--LabApp.expose_app_in_browser=True"]  # as `window.jupyterapp`: see RUN
    with (folder / "log").open("w", encoding="utf-8") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options, f"--ServerApp.root_dir={folder}"],
            env={**os.environ, **own},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            address = f"http://127.0.0.1:{port}"
            wait_for(f"{address}/api", server)
            yield address
        finally:
            server.terminate()
            server.wait(30)


def wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + PATIENCE
    while server.poll() is None and time.monotonic() < until:
        try:
            urllib.request.urlopen(address, timeout=5)
            return
        except OSError:
            time.sleep(0.3)
    raise TimeoutError(f"JupyterLab did not answer at {address}")


# What a person would see: pictures with a size, tables with rows, outputs that are errors, cells that have run.
SEEN = """() => {
  const shown = each => { const box = each.getBoundingClientRect(); return box.width > 100 && box.height > 20; };
  const all = query => [...document.querySelectorAll(query)];
  return {
    pictures: all('.jp-OutputArea-output img').filter(each => shown(each) && each.naturalWidth > 100).length,
    broken: all('.jp-OutputArea-output img').filter(each => each.complete && !each.naturalWidth).length,
    tables: all('.jp-OutputArea-output table').filter(each => shown(each) && each.rows.length > 2).length,
    errors: all('[data-mime-type="application/vnd.jupyter.error"], [data-mime-type="application/vnd.jupyter.stderr"]')
      .map(each => each.innerText),
    verdicts: all('.jp-OutputArea-output').filter(each => each.innerText.startsWith('Not yet.')).length,
  };
}"""
# JupyterLab draws only the cells near the window; these are the numbers of the notebook itself.
RUN = """() => {
  const panel = window.jupyterapp?.shell.currentWidget;
  const cells = panel?.content?.model?.cells;
  if (!cells) return null;
  const code = [...Array(cells.length).keys()].map(i => cells.get(i)).filter(each => each.type === 'code');
  return {all: code.length, run: code.filter(each => each.executionCount).length};
}"""


def run_all(page: Any, address: str, name: str) -> dict[str, int]:
    """Open a notebook, run all of its cells, wait for the last; how many cells there are and how many have run."""
    page.goto(f"{address}/doc/tree/{name}.ipynb?token={TOKEN}", timeout=PATIENCE * 1000)
    page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=PATIENCE * 1000)
    page.wait_for_function(
        "() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'",
        timeout=PATIENCE * 1000,
    )
    page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); }")
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        counted: dict[str, int] | None = page.evaluate(RUN)
        if counted and counted["run"] == counted["all"]:
            return counted
        time.sleep(0.5)
    raise TimeoutError(f"{name}: {page.evaluate(RUN)}")


def test_notebooks_in_jupyterlab(tmp_path: Path) -> None:
    executable = browser()
    from playwright.sync_api import sync_playwright

    with jupyterlab(tmp_path) as address, sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        for name in NOTEBOOKS:
            # As tall as a notebook: every cell is drawn, and can be seen.
            page = chromium.new_page(viewport={"width": 1300, "height": 20_000})
            complaints: list[str] = []
            page.on("pageerror", lambda error, told=complaints: told.append(str(error)))
            counted = run_all(page, f"{address}", name)
            time.sleep(1)  # the last output is drawn after its cell is done
            seen = page.evaluate(SEEN)
            if folder := os.environ.get("NPMEM_BROWSER_PICTURES"):
                page.screenshot(path=Path(folder) / f"{name}.png")
            assert counted["all"] > 5, name
            assert seen["errors"] == [] and seen["broken"] == 0 and complaints == [], name
            assert seen["pictures"] >= 2 and seen["tables"] >= 2 and seen["verdicts"] >= 1, (name, seen)
            page.close()
        chromium.close()
