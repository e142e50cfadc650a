"""What the rules' docstrings say, as Markdown: a page for each, and the table of all.

``python docs/rule_pages.py README.md`` writes the table between that file's two marks.
"""

from __future__ import annotations

import sys
from pathlib import Path

from npmem_magic.rules import Rule, rules

BEGIN, END = "<!-- rules: begin -->", "<!-- rules: end -->"
_PROSE = ("Why", "Keeps")
_PAGES = "docs/rules"


def keeps(rule: Rule) -> str:
    """``same bits``, ``close`` or ``ask``."""
    return rule.pages["Keeps"].partition(":")[0].strip()


def summary(rule: Rule) -> str:
    """The first sentence; double backticks are Markdown's single ones."""
    return rule.summary.replace("``", "`")


def page(rule: Rule) -> str:
    """One rule's page."""
    parts = [f"# {rule.name}", summary(rule)]
    for heading, text in rule.pages.items():
        body = text.replace("``", "`") if heading in _PROSE else f"```python\n{text.strip()}\n```"
        if text.strip():
            parts.append(f"## {heading}\n\n{body}")
    return "\n\n".join(parts) + "\n"


def table(link: str = "") -> str:
    """All rules: name, what it says, what it keeps. `link` is what a name leads to, with ``{}`` for it."""
    rows = ["| rule | what it suggests | keeps |", "|---|---|---|"]
    for rule in rules().values():
        name = f"[{rule.name}]({link.format(rule.name)})" if link else f"`{rule.name}`"
        rows.append(f"| {name} | {summary(rule)} | {keeps(rule)} |".replace("||", "|"))
    return "\n".join(rows)


def write(folder: Path) -> None:
    """Every page and ``index.md`` into `folder`, made anew."""
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.md"):
        old.unlink()
    for rule in rules().values():
        (folder / f"{rule.name}.md").write_text(page(rule), encoding="utf-8")
    tree = "\n".join(["```{toctree}", ":hidden:", "", *rules(), "```"])
    words = (
        "A rule speaks only where the ledger shows bytes, and what it says is run before it is shown. "
        "*Same bits*, *close* (rounding differs, and the report says by how much) and *ask* (only you know) "
        "are promises that the proof holds it to."
    )
    text = f"# The rules of the advice\n\n{words}\n\n{table('{}.md')}\n\n{tree}\n"
    (folder / "index.md").write_text(text, encoding="utf-8")


def within(text: str) -> str:
    """`text` with the table of the rules between its two marks.

    Raises
    ------
    ValueError
        When it has no such marks.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"The text has no {BEGIN} and {END}.")
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.write_text(within(target.read_text(encoding="utf-8")), encoding="utf-8")
