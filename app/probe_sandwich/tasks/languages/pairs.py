"""Minimal pairs of a language: a string of it and one that is not, a small edit apart."""

import numpy as np

from probe_sandwich.tasks.languages import brackets, copies, counting, places
from probe_sandwich.tasks.languages.language import Language
from probe_sandwich.tasks.languages.names import LanguageName
from probe_sandwich.tasks.pairs import Pairs

_TRIED_A_PAIR, _LEAST_TRIED, _MOST_TRIED = 64, 512, 8192

LANGUAGES: dict[LanguageName, Language] = {
    LanguageName.MAJORITY: counting.MAJORITY,
    LanguageName.PARITY: counting.PARITY,
    LanguageName.MODULO: counting.MODULO,
    LanguageName.FIRST_LAST: places.FIRST_LAST,
    LanguageName.CONTAINS: places.CONTAINS,
    LanguageName.SORTED: places.SORTED,
    LanguageName.LAST_OCCURRENCE: places.LAST_OCCURRENCE,
    LanguageName.RECALL: places.RECALL,
    LanguageName.COPY: copies.COPY,
    LanguageName.PALINDROME: copies.PALINDROME,
    LanguageName.DYCK1: brackets.DYCK1,
    LanguageName.DYCK2: brackets.DYCK2,
    LanguageName.SUBSEQUENCE: places.SUBSEQUENCE,
    LanguageName.ADJACENT: places.ADJACENT,
    LanguageName.FIRST_OCCURRENCE: places.FIRST_OCCURRENCE,
    LanguageName.THRESHOLD: counting.THRESHOLD,
    LanguageName.EQUAL: counting.EQUAL,
}


def sample_language_pairs(
    language: Language, length: int, wanted: int, rng: np.random.Generator, *, edited_twice: bool = False
) -> Pairs:
    """Some minimal pairs, possibly none; where more are `wanted`, more are tried.

    `edited_twice`: from strings that were already edited once, so further from those that `draw` gives.
    """
    strings = language.draw(length, min(_MOST_TRIED, max(_LEAST_TRIED, _TRIED_A_PAIR * wanted)), rng)
    if edited_twice:
        strings = language.edit(strings, rng)
    edited = language.edit(strings, rng)
    inside, edited_inside = language.member(strings), language.member(edited)
    crossed = inside != edited_inside
    one, other, swapped = strings[crossed], edited[crossed], ~inside[crossed, None]
    return Pairs(np.where(swapped, other, one), np.where(swapped, one, other))
