"""What holds for every rule: its page is whole, and its two snippets do what it promises."""

from __future__ import annotations

import ast
import re
from typing import Any

import numpy as np
import pytest
from advice_judge import broken

import npmem_magic
from npmem_magic.rules import Rule, rules

RULES = rules()
SETUP = "import numpy as np\n"


def names_after(*texts: str) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "__main__", "np": np}
    for text in texts:
        exec(text, names)
    return names


def peak(given: str, text: str) -> tuple[int, npmem_magic.Trace]:
    names = names_after(SETUP, given)
    trace = npmem_magic.trace(text, namespace=names, sampler="off", verify=True)
    return trace.peak, trace


@pytest.fixture(params=RULES.values(), ids=RULES)
def rule(request: pytest.FixtureRequest) -> Rule:
    found: Rule = request.param
    return found


def test_the_page_is_whole(rule: Rule) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", rule.name)
    assert rule.summary.count("\n\n") == 0 and rule.summary.endswith(".")
    assert {"Why", "Instead of", "Write", "Keeps"} <= set(rule.pages)
    assert re.match(r"same bits|close|ask: ", rule.pages["Keeps"])
    for snippet in (rule.given, rule.instead_of, rule.write):
        ast.parse(snippet)


def test_the_snippets_keep_the_promise(rule: Rule) -> None:
    before = names_after(SETUP, rule.given, rule.instead_of)
    after = names_after(SETUP, rule.given, rule.write)
    keeps = rule.pages["Keeps"]
    if keeps.startswith("ask") and not re.search(r"`\w+`", keeps):
        return  # another dtype, say: what changes is told, not compared
    assert broken(before, after, "close: up to 1e-9" if keeps.startswith("close") else keeps) == ""


def test_the_rewrite_saves(rule: Rule) -> None:
    before, _ = peak(rule.given, rule.instead_of)
    after, _ = peak(rule.given, rule.write)
    assert before - after >= 1 << 20


def test_the_rule_finds_its_own_example(rule: Rule) -> None:
    names = names_after(SETUP, rule.given)
    # What reads files is never proven, and shown because its promise holds by itself.
    trace = npmem_magic.trace(rule.instead_of, namespace=names, sampler="off")
    assert rule.name in {piece.rule for piece in trace.advice}
