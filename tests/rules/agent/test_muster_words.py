"""The agent's muster page has its words in both languages, and uses each."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

import pytest
import yaml

from postern.agent import muster_pages, muster_server

PAGES = resources.files("postern.agent.pages")
WORDS = yaml.safe_load((PAGES / "words.yaml").read_text("utf-8"))


@pytest.mark.parametrize("key", sorted(WORDS))
def test_every_word_says_the_same_in_both_languages(key: str) -> None:
    english, chinese = WORDS[key]["en"], WORDS[key]["zh"]
    assert set(WORDS[key]) == set(muster_pages.LANGUAGES)
    assert set(re.findall(r"{\w+}", english)) == set(re.findall(r"{\w+}", chinese))
    assert re.search(r"[一-鿿]", chinese)


def test_no_word_is_missing_or_unused() -> None:
    code = "".join(Path(module.__file__ or "").read_text("utf-8") for module in (muster_pages, muster_server))
    templates = "".join(one.read_text("utf-8") for one in PAGES.iterdir() if one.name.endswith(".html"))
    used = set(re.findall(r'\bt\("([\w-]+)"', templates))
    used |= {key for key in WORDS if f'"{key}"' in code}
    assert used == set(WORDS)
