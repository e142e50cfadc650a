"""Show a Sheet: as a bundle of text and HTML, as text alone."""

from __future__ import annotations

import sys
from typing import Any

from . import sheet_html, sheet_text
from .sheet import Sheet


def bundle(sheet: Sheet) -> tuple[dict[str, str], dict[str, Any]]:
    """The report in every form a frontend may choose from, and the metadata that marks it as ours."""
    package = sys.modules[__name__.partition(".")[0]]
    data = {"text/plain": sheet_text.draw(sheet), "text/html": sheet_html.draw(sheet)}
    return data, {"npmem_magic": {"kind": sheet.kind, "version": str(vars(package)["__version__"])}}


def text(sheet: Sheet) -> str:
    """The report as plain text of at most 80 columns."""
    return sheet_text.draw(sheet)
