"""Everything the magics ask of this room, by one name, so that it can be imported late and at once."""

from __future__ import annotations

from .comparison import of_kept
from .rounds import Bench, Terms, run_now
from .variants import Section, check_labels, letters, of_text, split, unique

__all__ = ["Bench", "Section", "Terms", "check_labels", "letters", "of_kept", "of_text", "run_now", "split", "unique"]
