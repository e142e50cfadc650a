"""The bar chart: one panel per cell, one bar per tool, slow-downs on a logarithmic axis that begins at no cost."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib
from cells import CELLS
from cost import Cost, shown
from peers import TOOLS

OURS, PEER = "#1f6fb4", "#a9adb3"


def ratio(cost: Cost | str | None) -> float:
    """The length of a bar; 1, which is no bar, where there is no number."""
    return max(1.0, cost.ratio) if isinstance(cost, Cost) else 1.0


def draw(found: Mapping[str, Mapping[str, Cost | str]], title: str, path: Path) -> None:
    """Write the picture to `path`. A light ground of its own keeps it legible on a dark page."""
    matplotlib.use("Agg")
    from matplotlib import pyplot

    tools = [tool for tool in found if tool != "plain"]
    cells = [cell for cell in CELLS if any(cell.key in found[tool] for tool in tools)]
    if not cells:
        return
    columns = min(4, len(cells))
    height = -(-len(cells) // columns)
    figure, axes = pyplot.subplots(
        height, columns, figsize=(3.3 * columns + 0.6, 0.27 * len(tools) * height + 1.5), sharey=True, squeeze=False
    )
    longest = max(ratio(found[tool].get(cell.key)) for tool in tools for cell in cells)
    for place, panel in enumerate(axes.flat):
        if place >= len(cells):
            panel.set_visible(False)
            continue
        draw_panel(panel, cells[place].key, found, tools, max(10.0, longest))
        panel.set_title(cells[place].title, fontsize=8.5, loc="left", wrap=True)
    figure.suptitle(title, fontsize=11, x=0.01, ha="left")
    figure.tight_layout()
    figure.savefig(path, dpi=130, facecolor="white", metadata={"Software": None})
    pyplot.close(figure)


def draw_panel(
    panel: Any, cell: str, found: Mapping[str, Mapping[str, Cost | str]], tools: list[str], longest: float
) -> None:
    """The bars of one cell, each with its number."""
    for row, tool in enumerate(tools):
        cost = found[tool].get(cell)
        panel.barh(row, ratio(cost) - 1, left=1, color=OURS if TOOLS[tool].ours else PEER, height=0.7)
        words = "" if cost is None else f"x{shown(cost)}" if isinstance(cost, Cost) else shown(cost)
        words = words.replace("x> ", "> x")
        panel.text(ratio(cost) * 1.08, row, words, va="center", fontsize=8)
    panel.set_xscale("log")
    panel.set_xlim(1, longest * 6)  # room for the numbers
    panel.set_yticks(range(len(tools)), [TOOLS[tool].title for tool in tools], fontsize=8)
    panel.set_ylim(len(tools) - 0.5, -0.5)
    panel.xaxis.set_major_formatter(lambda value, _: f"x{value:g}")
    panel.tick_params(axis="x", labelsize=7)
    panel.tick_params(axis="y", length=0)
    panel.spines[["top", "right"]].set_visible(False)
