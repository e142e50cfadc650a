"""Sphinx: the pages of the rules and the API reference, written anew from the docstrings at every build."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import rule_pages  # noqa: E402

import npmem_magic  # noqa: E402

project = "npmem_magic"
author = copyright = "The npmem_magic contributors"
version = release = npmem_magic.__version__

extensions = ["sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode", "myst_parser"]
myst_enable_extensions = ["colon_fence"]
exclude_patterns = ["_build"]
autodoc_typehints = "description"
autodoc_member_order = "bysource"
napoleon_google_docstring = False
napoleon_use_ivar = True

html_theme = "furo"
html_title = f"npmem_magic {release}"

rule_pages.write(HERE / "rules")
