"""What a variant leaves behind, and how that compares with what another one left."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import FunctionType
from typing import Any

import numpy as np

from . import reach
from .equality import DIFFERS, SAME, UNKNOWN, Equality, worst
from .layouts import root_of
from .sameness import CODE, compare_narrowed, compare_values, is_same

VALUE = "the last expression"
_AS_IT_WAS = object()


@dataclass(frozen=True, eq=False)
class Aftermath:
    """The values a variant left: of its last expression (`has_value`) and of names.

    `names` holds what it read and what it bound; what it left as it was is the original itself, so that nothing is kept
    twice. `began` are the names it had, `bound` those it bound; `groups` the sets of names that share memory.
    """

    names: Mapping[str, Any]
    began: frozenset[str]
    bound: frozenset[str]
    groups: frozenset[frozenset[str]]
    has_value: bool
    value: Any

    def without(self, masters: Mapping[str, Any]) -> Aftermath:
        """The same without the originals themselves, which `with_masters` gives back."""
        kept = {name: _AS_IT_WAS if value is masters.get(name) else value for name, value in self.names.items()}
        return replace(self, names=kept)

    def with_masters(self, masters: Mapping[str, Any]) -> Aftermath:
        """The same with the originals of what was left as it was."""
        names = {name: masters[name] if value is _AS_IT_WAS else value for name, value in self.names.items()}
        return replace(self, names=names)


def look_at(namespace: Mapping[str, Any], masters: Mapping[str, Any], tree: ast.Module | None, value: Any) -> Aftermath:
    """What a run in `namespace` left of what began as copies of `masters`; `tree` is its text, None for a call."""
    bound = reach.names_bound(tree) if tree is not None else set()
    names = {}
    for name in sorted(bound | masters.keys()):
        if name in namespace:
            names[name] = _or_master(namespace[name], masters.get(name))
    has_value = tree is None or bool(tree.body and isinstance(tree.body[-1], ast.Expr))
    return Aftermath(names, frozenset(masters), frozenset(bound), _groups(namespace, names.keys()), has_value, value)


def _or_master(value: Any, master: Any) -> Any:
    if isinstance(value, FunctionType) and isinstance(master, FunctionType) and value.__code__ is master.__code__:
        return master
    return master if master is not None and is_same(master, value) else value


def _groups(namespace: Mapping[str, Any], names: Any) -> frozenset[frozenset[str]]:
    """The names that stand on one buffer, two or more of them."""
    groups: dict[int, set[str]] = {}
    for name in names:
        value = namespace[name]
        if isinstance(value, np.ndarray) and value.size:
            groups.setdefault(id(root_of(value)), set()).add(name)
    return frozenset(frozenset(group) for group in groups.values() if len(group) > 1)


def compare_aftermaths(
    first: Aftermath, other: Aftermath, forget: frozenset[str] = frozenset(), narrower: frozenset[str] = frozenset()
) -> Equality:
    """The verdict on `other`: over the last expression, every name that both bind, and everything they read.

    Names in `forget` may be there or not, and hold anything; those in `narrower` may be of another dtype.
    """
    found = list(_names(first, other, forget, narrower))
    compared = [VALUE] if first.has_value and other.has_value else []
    if compared:
        found.append(compare_values(first.value, other.value, VALUE))
    compared += sorted(first.bound & other.bound & first.names.keys() & other.names.keys())
    remarks = tuple(_remarks(first, other))
    if not compared and not found:
        return Equality(UNKNOWN, "", "they have no name and no last expression in common", remarks=remarks)
    verdict = worst(found)
    return Equality(
        verdict.verdict,
        verdict.where,
        verdict.why,
        verdict.largest_absolute,
        verdict.largest_relative,
        verdict.first,
        tuple(compared),
        (*verdict.remarks, *remarks),
    )


def _names(first: Aftermath, other: Aftermath, forget: frozenset[str], narrower: frozenset[str]) -> Iterator[Equality]:
    for name in sorted((first.names.keys() | other.names.keys()) - forget):
        if name in first.names and name in other.names:
            one, two = first.names[name], other.names[name]
            if not (isinstance(one, CODE) and isinstance(two, CODE)):
                yield compare_narrowed(one, two, name) if name in narrower else compare_values(one, two, name)
        elif name in (first.began | first.bound) & (other.began | other.bound):
            yield Equality(DIFFERS, name, "is there / is deleted" if name in first.names else "is deleted / is there")


def _remarks(first: Aftermath, other: Aftermath) -> Iterator[str]:
    for mine, theirs, words in ((first, other, "only the first binds"), (other, first, "only this one binds")):
        names = sorted((mine.bound - theirs.bound) & mine.names.keys() - theirs.names.keys())
        if names:
            yield f"{words} {', '.join(f'`{name}`' for name in names)}"
    if first.has_value != other.has_value:
        yield f"only {'the first' if first.has_value else 'this one'} ends with an expression"
    common = first.names.keys() & other.names.keys()
    one, two = (frozenset(group & common for group in each.groups) for each in (first, other))
    for groups, words in ((one - two, "only in the first"), (two - one, "only here")):
        for group in groups:
            if len(group) > 1:
                yield f"{' and '.join(f'`{name}`' for name in sorted(group))} share memory {words}"


def nothing_compared(why: str) -> Equality:
    """The verdict where there is nothing to compare."""
    return Equality(UNKNOWN, "", why)


def agreed() -> Equality:
    """The verdict of the first variant on itself."""
    return Equality(SAME)
