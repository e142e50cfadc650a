"""The first table: what a tool costs, as the median over pairs of (time with the tool on) / (plain time)."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from cells import CELLS, Cell
from peers import TOOLS, Tool
from turns import NoAnswer, Pythons, TooSlow, Worker, partner, say, worker

Pair = tuple[float, float]  # seconds: plain, with the tool on
FEW = 3


@dataclass(frozen=True)
class Patience:
    """How long to go on: `pairs` to keep; `budget` seconds a cell for a peer, after which `FEW` pairs must do, and
    after twice that even fewer; `longest` seconds that one run may take."""

    pairs: int
    budget: float
    longest: float


@dataclass(frozen=True)
class Cost:
    """Median ratio and median plain seconds of `pairs` pairs; `at_least` where the run was ended early."""

    ratio: float
    plain: float
    pairs: int
    at_least: bool = False


def summary(pairs: Sequence[Pair]) -> Cost:
    """The medians; the first pair warms up and is left out where there are others."""
    kept = pairs[1:] or pairs
    return Cost(
        statistics.median(on / plain for plain, on in kept), statistics.median(plain for plain, _ in kept), len(kept)
    )


def take_turns(plain: Callable[[], float], on: Callable[[], float], patience: Patience, all_of_them: bool) -> Cost:
    """Run both, the first one changing from pair to pair, until there are enough pairs or the budget is spent."""
    pairs: list[Pair] = []
    began = time.perf_counter()
    while len(pairs) <= patience.pairs:
        if len(pairs) % 2:
            second = on()
            pairs.append((plain(), second))
        else:
            first = plain()
            try:
                pairs.append((first, on()))
            except TooSlow:
                if pairs:
                    break
                return Cost(patience.longest / first, first, 1, at_least=True)
        spent = time.perf_counter() - began
        if not all_of_them and spent > patience.budget * (1 if len(pairs) > FEW else 2):
            break
    return summary(pairs)


def measure(tool: Tool, cell: Cell, tooled: Worker, plain: Worker, patience: Patience) -> Cost:
    """The cost of `tool` on `cell`."""

    def run(who: Worker, kind: str) -> float:
        return float(who.ask(kind, cell.key, patience.longest)["seconds"])

    return take_turns(lambda: run(plain, "plain"), lambda: run(tooled, "tool"), patience, tool.every_pair)


def tool_costs(tool: Tool, chosen: Sequence[Cell], pythons: Pythons, patience: Patience) -> dict[str, Cost | str]:
    """Cell -> cost, or why there is none. A new process goes on after one that failed or was too slow."""
    found: dict[str, Cost | str] = {}
    while len(found) < len(chosen):
        with ExitStack() as stack:
            try:
                python, other = pythons.of(tool), partner(tool)
                tooled = stack.enter_context(worker(tool, "cost", python))
                plain = stack.enter_context(worker(other, "cost", python)) if other else tooled
            except (NoAnswer, TooSlow) as error:
                return {cell.key: str(error) or "it did not start in a minute" for cell in chosen} | found
            for cell in chosen[len(found) :]:
                try:
                    cost = found[cell.key] = measure(tool, cell, tooled, plain, patience)
                except NoAnswer as error:
                    found[cell.key] = str(error)
                    tooled.kill()
                    break
                except TooSlow:
                    found[cell.key] = f"more than {patience.longest:g} s"
                    tooled.kill()
                    break
                say(f"{tool.title}, {cell.key}: {shown(cost)}")
                if cost.at_least:
                    tooled.kill()
                    break
    return found


def shown(cost: Cost | str, asked: int | None = None) -> str:
    """A ratio as the table has it, with the number of pairs where it is smaller than `asked`."""
    if isinstance(cost, str):
        return "failed"
    if cost.at_least:
        return f"> {cost.ratio:.0f}"
    digits = 3 if cost.ratio < 2 else 1 if cost.ratio < 100 else 0
    few = f" ({cost.pairs})" if asked is not None and cost.pairs < asked else ""
    return f"{cost.ratio:.{digits}f}{few}"


def rows(found: Mapping[str, Mapping[str, Cost | str]], asked: int) -> list[list[str]]:
    """The table: a head, then a cell a row; `found` maps tool -> cell -> cost, or why there is none."""
    table = [["cell", "plain, ms", *(TOOLS[tool].title for tool in found)]]
    for cell in CELLS:
        costs = [costs[cell.key] for costs in found.values() if cell.key in costs]
        if costs:
            plain = [cost.plain for cost in costs if isinstance(cost, Cost)]
            milliseconds = f"{1e3 * statistics.median(plain):.0f}" if plain else ""
            table.append([cell.title, milliseconds, *(shown(cost, asked) for cost in costs)])
    return table
