"""Variants weighed against each other: `compare` for people, `prove` for the advice. One engine for both."""

from __future__ import annotations
