"""A purpose of the journal in the language of the page that shows it.

The program writes its own purposes in English, as faults speak; `messages/purposes.<language>.yaml` has their
words. What an operator typed is theirs, and stays as it is.
"""

from __future__ import annotations

from functools import cache

import yaml

from postern.web.fault_words import Book, book_of, find
from postern.web.i18n import FOLDER, Words


def purpose_words(purpose: str, words: Words) -> str:
    """A purpose for a page: a filter of the templates (`{{ one.purpose | purpose(t) }}`)."""
    return find(_book(words.language), purpose) or purpose


@cache
def _book(language: str) -> Book:
    path = FOLDER / f"purposes.{language}.yaml"
    return book_of(yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {})
