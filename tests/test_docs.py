"""The pages about the rules: written from the rules themselves, and the README's table is the current one."""

from __future__ import annotations

from pathlib import Path

import pytest
import rule_pages

from npmem_magic.rules import rules

README = Path(__file__).resolve().parent.parent / "README.md"


def test_the_readme_has_the_current_table_of_rules() -> None:
    text = README.read_text(encoding="utf-8")
    assert rule_pages.within(text) == text, "run `make docs`"


def test_every_rule_has_a_page_and_a_row(tmp_path: Path) -> None:
    rule_pages.write(tmp_path / "rules")
    index = (tmp_path / "rules" / "index.md").read_text(encoding="utf-8")
    for name, rule in rules().items():
        page = (tmp_path / "rules" / f"{name}.md").read_text(encoding="utf-8")
        assert page.startswith(f"# {name}\n") and rule.write.strip() in page and f"]({name}.md)" in index


def test_a_rule_that_is_gone_leaves_no_page(tmp_path: Path) -> None:
    (tmp_path / "gone.md").write_text("old", encoding="utf-8")
    rule_pages.write(tmp_path)
    assert not (tmp_path / "gone.md").exists()


def test_a_text_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="rules: begin"):
        rule_pages.within("nothing")
