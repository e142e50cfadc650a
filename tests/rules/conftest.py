"""Everything is proven here, however busy the machine is."""

from __future__ import annotations

import pytest

from npmem_magic.advise import proving


@pytest.fixture(autouse=True)
def time_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proving, "CHEAP", 1e9)
    monkeypatch.setattr(proving, "BUDGET", 1e9)
