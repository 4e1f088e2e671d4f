"""Each language once more, as a reader of one string would put it."""

import re
from collections.abc import Callable

import numpy as np
from probe_sandwich.tasks.languages.language import Language
from probe_sandwich.tasks.languages.names import LanguageName


def _balanced(text: str) -> bool:
    """Brackets cancelled until none do."""
    while (shorter := text.replace("x", "").replace("()", "").replace("[]", "")) != text:
        text = shorter
    return text == ""


def _last_value(text: str) -> str:
    return text[text.rindex(text[-1], 0, len(text) - 1) + 1] if text[-1] in text[:-1:2] else ""


RULES: dict[LanguageName, Callable[[str], bool]] = {
    LanguageName.MAJORITY: lambda text: text.count("a") > text.count("b"),
    LanguageName.PARITY: lambda text: text.count("a") % 2 == 0,
    LanguageName.MODULO: lambda text: text.count("a") % 3 == 0,
    LanguageName.FIRST_LAST: lambda text: text[0] == text[-1],
    LanguageName.CONTAINS: lambda text: "aba" in text,
    LanguageName.SORTED: lambda text: list(text) == sorted(text),
    LanguageName.LAST_OCCURRENCE: lambda text: text.rfind("a") > text.rfind("b"),
    LanguageName.RECALL: lambda text: _last_value(text) == "1",
    LanguageName.COPY: lambda text: text.count("#") == 1 and text.split("#")[0] == text.split("#")[1],
    LanguageName.PALINDROME: lambda text: text == text[::-1],
    LanguageName.DYCK1: _balanced,
    LanguageName.DYCK2: _balanced,
    LanguageName.SUBSEQUENCE: lambda text: re.search("a.*b.*c", text) is not None,
    LanguageName.ADJACENT: lambda text: re.search(r"(.)\1", text) is None,
    LanguageName.FIRST_OCCURRENCE: lambda text: next((symbol for symbol in text if symbol in "ab"), "") == "a",
    LanguageName.THRESHOLD: lambda text: text.count("a") >= 3,
    LanguageName.EQUAL: lambda text: text.count("a") == text.count("b"),
}


def is_member(language: Language, text: str) -> bool:
    """What a language says of one string."""
    ids = np.array([[language.alphabet.index(symbol) for symbol in text]], np.uint8)
    return bool(language.member(ids)[0])
