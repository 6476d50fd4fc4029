"""Whatever fault a page can show has its words in every language of the console."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from string import Formatter

import yaml

from postern.web.fault_words import translation
from postern.web.i18n import DEFAULT, FOLDER, LANGUAGES
from tests.faults_raised import Raised, collect

COVERED = (
    "access/",
    "agent/",
    "attendance/",
    "biometrics/",
    "blind_indexes.py",
    "devices/",
    "documents.py",
    "journal/",
    "keystore/",
    "money.py",
    "operations/",
    "operators/",
    "parking/",
    "people/",
    "postgres/pool.py",
    "privacy/",
    "records/",
    "sealed_rows.py",
    "sealing/",
    "sites/",
    "vehicles/",
    "visitors/",
    "web/",
)
"""What pages call, in the hub and through an agent."""

NEVER_ON_A_PAGE = {
    "agent/bundle.py": "between hub and agent; the agent logs it",
    "agent/files.py": "an agent that starts",
    "agent/hub.py": "an agent that starts or waits for its hub; it logs it",
    "agent/lanes.py": "the agent asks the hub and logs it",
    "agent/main.py": "an agent that starts",
    "agent/sync.py": "the agent logs it and tries again",
    "devices/mail_smtp.py": "a hub that starts, and the job that sends letters",
    "devices/recognition/dlib_weights.py": "recognition that starts",
    "devices/recognition/face_network.py": "recognition that starts",
    "devices/recognition/ocr.py": "recognition that starts",
    "devices/recognition/results.py": "postern try",
    "journal/checkpoint.py": "checked outside the hub, by a command",
    "journal/notes.py": "checked outside the hub, by a command",
    "journal/verify.py": "checked outside the hub, by a command",
    "journal/witness.py": "checked outside the hub, by a command",
    "keystore/opening.py": "a hub that starts",
    "keystore/providers.py": "a hub that starts",
    "keystore/rootfiles.py": "a hub that starts",
    "keystore/rootkey.py": "a hub that starts",
    "keystore/roots.py": "a hub that starts",
    "web/api/": "programs are told in English",
    "web/public/": "the drivers' pages have words of their own for each code of a fault",
}

PASSED_ON = {
    "operations/sites/agents.py: str(fault)": "the signature's own fault",
    "postgres/pool.py: _explain(conninfo, str(fault))": "a hub that starts",
}
"""Faults whose message stands somewhere else in the source."""

NO_WORDS = {
    "tpm2_flushcontext": "the name of a program",
    "auth/approle/login": "an address of Vault",
}
"""What is filled in, but is the same in every language."""


@cache
def raised() -> Raised:
    return collect(COVERED)


@cache
def catalogue(language: str) -> Mapping[str, Mapping[str, str]]:
    read: dict[str, dict[str, str]] = yaml.safe_load(
        (FOLDER / f"faults.{language}.yaml").read_text(encoding="utf-8")
    )
    return read


def others() -> list[str]:
    return [language for language in LANGUAGES if language != DEFAULT]


def shown(found: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """What of it some page can show."""
    never = tuple(NEVER_ON_A_PAGE)
    kept = {
        text: [place for place in places if not place.startswith(never)] for text, places in found.items()
    }
    return {text: places for text, places in kept.items() if places}


def to_paste(found: Mapping[str, list[str]]) -> str:
    """Lines for the catalogue, each with the place that says it."""
    return "".join(
        f"  # {places[0]}\n"
        + "".join(f"  {line}\n" for line in yaml.safe_dump({text: ""}, width=10_000).splitlines())
        for text, places in found.items()
    )


def places_of(template: str) -> list[str]:
    return [field for _, field, _, _ in Formatter().parse(template) if field is not None]


def test_every_fault_that_a_page_can_show_has_its_words() -> None:
    for language in others():
        known = catalogue(language)["messages"]
        missing = {text: places for text, places in shown(raised().messages).items() if text not in known}
        assert not missing, (
            f"translate these under `messages` of faults.{language}.yaml:\n{to_paste(missing)}"
        )


def test_no_words_are_kept_for_a_message_that_is_gone() -> None:
    for language in others():
        gone = set(catalogue(language)["messages"]) - set(shown(raised().messages))
        assert not gone, f"remove these from faults.{language}.yaml: {sorted(gone)}"


def test_what_is_filled_into_a_message_has_its_words_too() -> None:
    for language in others():
        known = {**catalogue(language)["words"], **catalogue(language)["messages"], **NO_WORDS}
        found = {text: at for text, at in shown(raised().fragments).items() if text not in known}
        assert not found, f"translate these under `words` of faults.{language}.yaml:\n{to_paste(found)}"


def test_the_words_that_are_filled_in_stand_in_the_source() -> None:
    said = "\n".join(raised().texts)
    for language in others():
        gone = [text for text in catalogue(language)["words"] if text not in said]
        assert not gone, f"remove these from faults.{language}.yaml: {gone}"


def test_a_translation_has_every_place_of_its_message_once() -> None:
    for language in others():
        for section in ("messages", "words"):
            for message, words in catalogue(language)[section].items():
                used = places_of(words)
                numbers = [int(one) for one in used] if any(used) else list(range(len(used)))
                assert sorted(numbers) == list(range(len(places_of(message)))), message


def test_each_message_finds_its_own_words_among_all_of_them() -> None:
    for language in others():
        for message, words in catalogue(language)["messages"].items():
            given = [f"{number}" for number in range(11, 11 + len(places_of(message)))]
            own_words = any(letter.isalpha() for letter in message)
            expected = words.format(*given) if own_words else None
            assert translation(message.format(*given), language) == expected


def test_every_message_can_be_read_off_the_source() -> None:
    unread = {text for text, places in raised().unread.items() if shown({text: places})}
    assert not unread - set(PASSED_ON), "raise these with their words beside them, or say where they stand"
    assert not set(PASSED_ON) - unread


def test_the_exceptions_still_exist() -> None:
    paths = [place for found in (raised().messages, raised().unread) for at in found.values() for place in at]
    for prefix in NEVER_ON_A_PAGE:
        assert any(path.startswith(prefix) for path in paths), prefix


def test_messages_are_found_however_they_are_put_together(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text(
        """
OPEN = "the door is open"
class Stuck(Refused):
    def __init__(self, door):
        super().__init__(f"door {door} is stuck")
def _no(what):
    return Conflict(f"no {what}; try again")
def act(some, fault):
    raise NotFound("no door" if some else f"no door {some!r}{fault} with {{}}")
    raise errors.Refused(f"{OPEN}; close it")
    raise BadInput("a lane " + "is no way")
    raise _no("luck")
    raise Stuck(3)
    raise Refused(fault.words)
""",
        encoding="utf-8",
    )
    found = collect([""], tmp_path)
    assert set(found.messages) == {
        "door {} is stuck",
        "no {}; try again",
        "no door",
        "no door {} with {{}}",
        "the door is open; close it",
        "a lane is no way",
    }
    assert set(found.fragments) == {"luck"}
    assert set(found.unread) == {"module.py: fault.words"}
