"""Advice on runnable cases: none of it wrong, and most of what there is to find found."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import pytest
from advice_judge import Judged, load

HERE = Path(__file__).resolve().parent
WORKERS = 2
RECALL = 0.9
PLAIN = "positive"  # the others ask the user for something: precision, order, time


def judged() -> list[Judged]:
    """Every case, judged in processes of their own so that no memory of one is counted in another."""
    names = [case["id"] for case in load()]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    workers = [
        subprocess.Popen(
            [sys.executable, str(HERE / "advice_judge.py"), *names[number::WORKERS]],
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for number in range(WORKERS)
    ]
    lines = [line for worker in workers for line in worker.communicate()[0].splitlines()]
    assert all(worker.returncode == 0 for worker in workers), "a worker died"
    return [Judged(**json.loads(line)) for line in lines]


def table(found: Iterable[Judged]) -> str:
    """Recall and wrong pieces by rule and in all."""
    by_rule: dict[str, list[Judged]] = defaultdict(list)
    for each in found:
        by_rule[each.rule].append(each)
        by_rule["all"].append(each)
    rows = [f"{'rule':5} {'found':>9} {'asking':>9} {'pieces':>7} {'wrong':>6}"]
    for rule, group in sorted(by_rule.items()):
        plain = [each for each in group if each.is_positive and each.verdict == PLAIN]
        asking = [each for each in group if each.is_positive and each.verdict != PLAIN]
        wrong = sum(len(each.wrong) for each in group)
        pieces = sum(len(each.pieces) for each in group)
        counts = [f"{sum(each.is_found for each in some):4}/{len(some):<4}" for some in (plain, asking)]
        rows.append(f"{rule:5} {' '.join(counts)} {pieces:7} {wrong:6}")
    return "\n".join(rows)


@pytest.fixture(scope="module")
def cases() -> list[Judged]:
    return judged()


def test_no_advice_is_wrong(cases: list[Judged]) -> None:
    print(table(cases))
    assert {each.case: each.wrong for each in cases if each.wrong} == {}


def test_most_is_found(cases: list[Judged]) -> None:
    positive = [each for each in cases if each.is_positive and each.verdict == PLAIN]
    recall = sum(each.is_found for each in positive) / len(positive)
    assert recall >= RECALL, f"not found: {[each.case for each in positive if not each.is_found]}"


def test_nothing_is_predicted_on_small_arrays(cases: list[Judged]) -> None:
    assert [each.case for each in cases if each.case.endswith("_small") and each.pieces] == []


if __name__ == "__main__":
    everything = judged()
    for each in everything:
        if each.wrong or (each.is_positive and not each.is_found) or (each.pieces and not each.is_positive):
            mark = "WRONG" if each.wrong else "missed" if each.is_positive else "unasked"
            print(
                f"{mark:7} {each.case:28} {each.rule} {each.verdict:16} worth {each.worth:>10}",
                each.wrong or each.pieces,
            )
    print(table(everything), f"\n{sum(each.seconds for each in everything):.0f} s")
    print([each.case for each in everything if each.error])
