"""npmem_magic beside other memory profilers: ``make bench``, or ``python benchmarks``.

    make bench ARGS="--pairs 3 --tables cost --tools native,memray --cells whole,loop"

Prints Markdown as it goes (progress on stderr) and leaves RESULTS.md and RESULTS.png in this folder when every table,
tool and cell was asked for, or where ``--out`` says.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

import chart
import cost
import install
import kernel
import report
import truth
from cells import CELLS
from peers import ASKED_FOR, NOT_UNASKED, TOOLS, Tool
from turns import NoAnswer, Pythons, TooSlow, Worker, say, worker

TABLES = ("cost", "truth", "kernel")
CHOICES = {"tables": TABLES, "tools": ASKED_FOR, "cells": tuple(cell.key for cell in CELLS)}
HERE = Path(__file__).resolve().parent
TRUTH_LONGEST = 30.0  # seconds that one run of the second table may take
Answer = TypeVar("Answer")

COST_NOTE = """A number is the median over pairs of (the cell's own seconds with the tool on) / (without): 1 is no cost.
Both runs of a pair follow each other in the same kind of process, the first one changing; "noise" is a plain run over
another. In brackets: the number of pairs where time allowed fewer than {pairs}; ">" where one run was ended after
{longest:g} s. Time that a tool takes before or after the cell (forks, reports) is not in it."""
TRUTH_NOTE = """Truth is the sum of the NumPy buffers alive together at the cell's highest moment, from their sizes; a
number is what the tool's own peak is above (+) or below (-) it, in MiB unless it says B (bytes); a bare 0 is equal to
the byte. (For `np.median` that is the partitioned copy and 48 bytes: the three positions, twice; the tests confirm
every truth by an independent count in NumPy's allocator.) Median of {rounds} runs (scalene: one). Tools that sample
resident memory cannot see what was never touched and count what is not NumPy's: that is their definition, not a
fault, but it is not the question of this table."""


def listed(text: str, known: Sequence[str]) -> list[str]:
    """``a,b`` as a list in the order of `known`, all of which exist."""
    asked = [each.strip() for each in text.split(",") if each.strip()]
    if strange := [each for each in asked if each not in known]:
        raise argparse.ArgumentTypeError(f"there is no {', '.join(strange)}; there are {', '.join(known)}")
    return [each for each in known if each in asked]


def options() -> argparse.Namespace:
    """What was asked for on the command line."""
    parser = argparse.ArgumentParser(
        prog="benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name, known in CHOICES.items():
        parser.add_argument(
            f"--{name}",
            type=partial(listed, known=known),
            default=[each for each in known if each not in NOT_UNASKED],
            metavar="NAMES",
            help=f"with commas between, of {', '.join(known)} (the tool {NOT_UNASKED[0]} only if named)",
        )
    parser.add_argument("--pairs", type=int, default=9, help="pairs of runs per cell and tool (%(default)s)")
    parser.add_argument("--budget", type=float, default=3.0, help="seconds per cell for each peer (%(default)s)")
    parser.add_argument("--longest", type=float, default=8.0, help="seconds that one run may take (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="runs per case of the truth table (%(default)s)")
    parser.add_argument("--out", type=Path, help="the Markdown file; the chart stands beside it")
    asked = parser.parse_args()
    if min(asked.pairs, asked.rounds) < 1:
        parser.error("--pairs and --rounds count from 1")
    if asked.out is None and all(getattr(asked, each) == parser.get_default(each) for each in CHOICES):
        asked.out = HERE / "RESULTS.md"
    return asked


def costs(asked: argparse.Namespace, tools: Sequence[str], pythons: Pythons) -> dict[str, dict[str, cost.Cost | str]]:
    """The first table's numbers."""
    chosen = [cell for cell in CELLS if cell.key in asked.cells]
    patience = cost.Patience(asked.pairs, asked.budget, asked.longest)
    return {tool: cost.tool_costs(TOOLS[tool], chosen, pythons, patience) for tool in tools}


def errors(asked: argparse.Namespace, tools: Sequence[str], pythons: Pythons) -> dict[str, dict[str, int | str]]:
    """The second table's numbers."""
    found = {}
    for tool in tools:
        if tool != "plain":
            found[tool] = truth_of_one(TOOLS[tool], asked.rounds, pythons)
            say(f"{TOOLS[tool].title}: {', '.join(map(str, found[tool].values()))}")
    return found


def truth_of_one(tool: Tool, rounds: int, pythons: Pythons) -> dict[str, int | str]:
    """Case -> error in bytes, or why there is none."""
    if tool.afterwards:
        read = tool.afterwards
        return {case.key: caught(partial(told_afterwards, tool, case, pythons, read)) for case in truth.CASES}
    try:
        with worker(tool, "truth", pythons.of(tool)) as running:
            return {case.key: caught(partial(told, running, case, rounds)) for case in truth.CASES}
    except (NoAnswer, TooSlow) as error:
        return dict.fromkeys((case.key for case in truth.CASES), str(error) or "too slow")


def caught(work: Callable[[], int]) -> int | str:
    """What `work` gives, or why it gave nothing."""
    try:
        return work()
    except (NoAnswer, TooSlow) as error:
        return str(error) or f"more than {TRUTH_LONGEST:g} s"


def told(running: Worker, case: truth.Case, rounds: int) -> int:
    """The error of a tool that tells at once."""
    return truth.error([running.ask("tool", case.key, TRUTH_LONGEST)["peak"] for _ in range(rounds)], case.peak)


def told_afterwards(tool: Tool, case: truth.Case, pythons: Pythons, read: Callable[[Path], int]) -> int:
    """The error of a tool that writes its result when its process ends: one process, one run."""
    with worker(tool, "truth", pythons.of(tool)) as running:
        running.ask("tool", case.key, TRUTH_LONGEST)
        running.close()
        return truth.error([read(running.folder)], case.peak)


def usable(found: Mapping[str, dict[str, Answer]], missing: dict[str, str]) -> dict[str, dict[str, Answer]]:
    """The tools that measured something; the reasons of the others and of single cells go into `missing`."""
    kept = {}
    for tool, answers in found.items():
        reasons = {cell: why for cell, why in answers.items() if isinstance(why, str)}
        if len(reasons) < len(answers):
            kept[tool] = answers
            missing.update({f"{TOOLS[tool].title} on {cell}": why for cell, why in reasons.items()})
        else:
            missing[TOOLS[tool].title] = next(iter(reasons.values()))
    return kept


def cost_section(asked: argparse.Namespace, tools: list[str], pythons: Pythons, missing: dict[str, str]) -> list[str]:
    """The first table, its note, and the chart."""
    found = usable(costs(asked, tools, pythons), missing)
    tools[:] = [tool for tool in tools if tool in found]  # who failed throughout need not be asked again
    note = COST_NOTE.format(pairs=asked.pairs, longest=asked.longest)
    parts = ["## What it costs", report.table(cost.rows(found, asked.pairs)), note]
    if asked.out:
        chart.draw(found, "Slow-down of the cell (x1: none)", asked.out.with_suffix(".png"))
        parts.append(f"![Slow-down by cell and tool, the numbers of the table above]({asked.out.stem}.png)")
    return parts


def truth_section(asked: argparse.Namespace, tools: list[str], pythons: Pythons, missing: dict[str, str]) -> list[str]:
    """The second table and its note."""
    found = usable(errors(asked, tools, pythons), missing)
    titles = {tool: TOOLS[tool].title for tool in found}
    table = report.table(truth.rows(found, titles))
    return ["## Who reports the peak", table, TRUTH_NOTE.format(rounds=asked.rounds)]


def kernel_section(asked: argparse.Namespace, tools: list[str], pythons: Pythons, missing: dict[str, str]) -> list[str]:
    """The third table."""
    return ["## In a kernel", report.table(kernel.rows(pythons.ours, max(1, asked.pairs * 2 // 3)))]


SECTIONS = {"cost": cost_section, "truth": truth_section, "kernel": kernel_section}


def main() -> None:
    """Install the peers, measure, print, and write."""
    asked = options()
    say(f"installing the peers into {install.HOME.name}")
    theirs, versions, absent = install.prepare(TOOLS[tool].packages for tool in asked.tools)
    pythons = Pythons(Path(sys.executable), theirs)
    packaged = [TOOLS[tool] for tool in asked.tools if TOOLS[tool].packages]
    missing = {tool.title: absent[tool.packages[0]] for tool in packaged if tool.packages[0] in absent}
    tools = [tool for tool in asked.tools if TOOLS[tool].title not in missing]
    parts = ["# npmem_magic beside other memory profilers", report.head(versions)]
    for name in asked.tables:
        parts += SECTIONS[name](asked, tools, pythons, missing)
    parts += ["## What was run", report.how(tools)]
    if missing:
        parts += ["Missing, and why:", report.absences(missing)]
    text = "\n\n".join(parts) + "\n"
    print(text)
    if asked.out:
        asked.out.write_text(text, encoding="utf-8")
        say(f"written: {asked.out.name}")


if __name__ == "__main__":
    main()
