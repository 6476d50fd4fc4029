"""The console speaks both languages in full, and no page speaks past its catalogue."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter

import pytest

from postern.access.model import CredentialKind
from postern.access.reasons import Reason
from postern.attendance.model import AnomalyKind, CorrectionDeed, CorrectionState, Direction, PunchSource
from postern.attendance.pay import HoursSystem, Premiums
from postern.attendance.payrules import JURISDICTIONS, rule_book
from postern.journal.model import Act
from postern.keystore.providers import Kind as HolderKind
from postern.operations.archive.present import ACTS
from postern.operations.attendance.payroll_files import FileKind
from postern.operations.insiders.approvals import Kind, State
from postern.operators.model import Role
from postern.operators.roles import Duty
from postern.parking.cases import CaseKind, CaseState, Resolution
from postern.parking.ledger import Account, MovementKind
from postern.parking.validations import ValidationKind
from postern.people.model import Sex
from postern.privacy.lawful import LawfulAnswer
from postern.privacy.model import ConsentForm
from postern.privacy.requests import RequestKind, RequestState
from postern.privacy.texts import Basis, Purpose
from postern.records.model import DoorCondition, Outcome
from postern.sites.model import ControllerKind, DoorKind, LaneKind, LaneRule, ReaderKind
from postern.visitors.model import LetterKind, VisitState
from postern.web.console.garage_case_views import WHY_CODES
from postern.web.console.hours_periods import categories
from postern.web.console.hours_rules import GRACES, left_open
from postern.web.console.privacy_rules import SHOWN
from postern.web.console.site_rows import KINDS
from postern.web.i18n import LANGUAGES, MissingMessage, Words, catalogue, choose
from postern.web.navigation import PARTS
from postern.web.own.menu import ITEMS
from postern.web.pages import THEMES

WEB = Path(__file__).parents[3] / "src" / "postern" / "web"
TEMPLATES = sorted((WEB / "templates").rglob("*.html"))
PYTHON = sorted(WEB.rglob("*.py"))
SAYS = re.compile(r"""["']([a-z][a-z0-9-]*(?:\.[a-z0-9-]+)+)["']""")

KEY_KINDS = ("root", "tenant", "index", "signing", "site-day", "subject")
HELD = (
    *(
        "looks",
        "details",
        "face",
        "access",
        "vehicles",
        "visits",
        "employments",
        "passages",
        "punches",
        "kept-for",
    ),
    *("grounds", "authorities", "requests"),
)
MADE_OF_CODES = {
    "act": [one.value for one in Act],
    "approvals": [
        *(f"kind-{one.value}" for one in Kind),
        *(f"state-{one}" for one in (*(state.value for state in State), "over")),
    ],
    "agents": ["online", "away", "retired"],
    "breach": [
        *("authority-title", "person-title", "who", "span", "since", "noticed-on", "by-whom", "acts"),
        *(
            "how-many",
            "records",
            "due",
            "nature",
            "kinds",
            "consequences",
            "measures",
            "do-yourself",
            "contact",
        ),
    ],
    "access": [f"issued-{one}" for one in ("qr", "pin")],
    "certificate": [
        f"{what}-{kind}" for what in ("kind", "text") for kind in ("none", "own", "acme", "local-ca")
    ],
    "checklist": [
        f"{step}{do}"
        for step in ("site", "agent", "reader", "level", "person", "enrolled")
        for do in ("", "-do")
    ],
    "consent-form": [one.value for one in ConsentForm],
    "controller": [one.value for one in ControllerKind],
    "credential": [one.value for one in CredentialKind],
    "door-kind": [one.value for one in DoorKind],
    "door-state": [*(one.value for one in DoorCondition), "unknown"],
    "duty": [one.value for one in Duty],
    "error": [
        f"{status}.{part}"
        for status in (400, 401, 403, 404, 405, 409, 410, 413, 422, 429, 500, 503, 507)
        for part in ("title", "text")
    ],
    "frame": [*(f"theme-{one}" for one in THEMES), *(part.key for part in PARTS)],
    "hours": [
        *(f"anomaly-{one.value}" for one in AnomalyKind),
        *(f"{what}-{one.value}" for what in ("deed", "do") for one in CorrectionDeed),
        *(f"state-{one.value}" for one in CorrectionState),
        *(f"way-{one.value}" for one in Direction),
        *(f"source-{one.value}" for one in PunchSource),
        *(f"punch-{one}" for one in ("in", "out")),
        *(f"chart-{one}" for one in ("worked", "overtime", "late", "absent")),
        *(f"file-{one.value}" for one in FileKind),
    ],
    "counting": [
        *(f"grace-{one}" for one in GRACES),
        *(f"system-{one.value}" for one in HoursSystem),
        *(f"premiums-{one.value}" for one in Premiums),
        *(
            f"tick-{tick.replace('_', '-')}"
            for one in JURISDICTIONS
            for tick in left_open(rule_book(one)).ticks
        ),
    ],
    "pay-category": categories(),
    "keys": [
        *(f"{what}-{kind}" for what in ("kind", "about") for kind in KEY_KINDS),
        *(f"step-{step}" for step in ("rewrapping", "computing", "sweeping")),
        *(f"holder.{kind.value}" for kind in HolderKind),
    ],
    "nav": [item.key for part in PARTS for item in part.items],
    "own": [
        *(f"nav-{item.key}" for item in ITEMS),
        *(f"about-{item.key}" for item in ITEMS if item.href != "/me"),
    ],
    "held": [
        *(f"{no}{one}" for one in HELD for no in ("", "no-")),
        *("name", "number", "resident-id", "sex", "born", "mail", "home-site", "notes"),
        *(f"asked-{one.value}" for one in RequestKind),
        *(f"state-{one.value}" for one in RequestState),
    ],
    "requests": [one.value for one in LawfulAnswer],
    "grounds": [*(one.value for one in Purpose), *(one.value for one in Basis)],
    "filing": [
        *("who", "what-for", "how-many", "handling", "assessment-part", "handler", "address", "contact"),
        *("purposes", "how", "people", "measures", "rules", "assessment"),
    ],
    "rules": [*SHOWN, *(f"is-{one}" for one in ("allowed", "refused", "with-consent", "yes"))],
    "outcome": [one.value for one in Outcome],
    "part": [f"{what}{kind}" for what in ("", "add-", "none-") for kind in KINDS],
    "privacy": [f"kind-{one}" for one in ("person", "vehicle", "visit")],
    "lane-kind": [one.value for one in LaneKind],
    "lane-rule": [one.value for one in LaneRule],
    "reader-kind": [one.value for one in ReaderKind],
    "role": [one.value for one in Role],
    "search": ["what-person", "what-plate", "what-visitor"],
    "sex": [one.value for one in Sex],
    "sign-ins": [f"how-{one}" for one in ("password", "passkey", "one-time-link", "provider")],
    "stage": list(ACTS),
    "case-advice": [one.value for one in CaseKind],
    "case-kind": [one.value for one in CaseKind],
    "case-state": [one.value for one in CaseState],
    "ledger": [one.value for one in Account],
    "money": [f"way-{one}" for one in ("listed", "booked", "unpaid")],
    "movement": [one.value for one in MovementKind],
    "permits": ["active", "to-come", "ended"],
    "price": [f"unit-{one}" for one in ("flat", "cap", "rounding", "validation")],
    "resolution": [one.value for one in Resolution],
    "resolution-done": [one.value for one in Resolution],
    "session-state": ["permit", "paid", "validated", "running"],
    "setup": [f"{step}{do}" for step in ("lanes", "bays", "tariff", "kiosk") for do in ("", "-do")],
    "tariffs": [
        *("in-force", "to-come", "superseded"),
        *(
            f"help-{name}"
            for name in (
                *("price", "each", "free", "when", "after", "cap", "day_cap", "cap_24h"),
                *("vehicle_classes", "rounding", "grace_after_paying"),
            )
        ),
    ],
    "validation": [f"{what}{kind.value}" for what in ("", "pays-") for kind in ValidationKind],
    "visit": [
        *(f"{what}-{state}" for what in ("state", "about") for state in VisitState),
        *(f"{what}-{kind}" for what in ("waiting", "unsent") for kind in LetterKind),
    ],
    "why": list(WHY_CODES),
    "weekday": [f"{length}-{day}" for length in ("long", "short") for day in range(7)],
}
"""Keys that pages put together from a code, with every code there is."""


def keys_of_codes() -> set[str]:
    return {f"{prefix}.{code}" for prefix, codes in MADE_OF_CODES.items() for code in codes}


def said_in_code() -> set[str]:
    """Words for `?said=`: the second argument of `go`."""
    found = re.compile(r'go\(\s*f?"[^"]*"(?:[^,()]*\([^()]*\)[^,()]*)?,\s*"([a-z-]+)"')
    named = {key for path in PYTHON for key in found.findall(path.read_text("utf-8"))}
    return {f"said.{key}" for key in named} | {"said.imported", "said.presented", "said.passkey-added"}


def keys_in_files() -> set[str]:
    texts = [path.read_text("utf-8") for path in (*TEMPLATES, *PYTHON)]
    known = catalogue("en")
    return {key for text in texts for key in SAYS.findall(text) if key in known}


def test_an_empty_choice_falls_back_to_english() -> None:
    assert choose(None, None) == "en"
    assert choose("xx", "fr-FR, de;q=0.9") == "en"


def test_the_chosen_language_goes_before_the_browser_s() -> None:
    assert choose("zh", "en-GB") == "zh"
    assert choose(None, "fr, zh-CN;q=0.8, en;q=0.5") == "zh"


def test_every_language_has_the_same_messages() -> None:
    english = catalogue("en").keys()
    for language in LANGUAGES:
        assert catalogue(language).keys() == english


def test_every_translation_takes_the_same_values() -> None:
    def values(message: str) -> set[str | None]:
        return {name for _, name, _, _ in Formatter().parse(message)} - {None}

    english = catalogue("en")
    for language in LANGUAGES:
        for key, message in catalogue(language).items():
            assert values(message) == values(english[key]), (language, key)


def test_no_message_is_empty_or_unused() -> None:
    used = keys_in_files() | keys_of_codes() | said_in_code()
    assert {key for key, message in catalogue("en").items() if not message.strip()} == set()
    assert catalogue("en").keys() - used == set()


def test_every_message_that_a_page_asks_for_is_there() -> None:
    asked = re.compile(r"""\bt\(\s*["']([a-z][a-z0-9.-]+)["']\s*[,)]""")
    missing = {
        f"{path.name}: {key}"
        for path in (*TEMPLATES, *PYTHON)
        for key in asked.findall(path.read_text("utf-8"))
        if key not in catalogue("en")
    }
    assert missing == set()
    assert keys_of_codes() - catalogue("en").keys() == set()
    assert said_in_code() - catalogue("en").keys() == set()


def test_an_error_beside_a_field_is_a_message() -> None:
    named = re.compile(
        r'errors(?:\.setdefault\([^,]+, |\[[^\]]+\] = )"([a-z.-]+)"|"((?:form|people)\.[a-z-]+)"'
    )
    found = {a or b for path in PYTHON for a, b in named.findall(path.read_text("utf-8"))}
    assert found
    assert found - catalogue("en").keys() == set()


def test_a_reason_has_words_and_a_cure_in_both_languages() -> None:
    for reason in Reason:
        for language in LANGUAGES:
            assert reason.words(language)
            assert reason.cure(language) or reason.grants


def test_a_missing_message_is_a_mistake_that_names_itself() -> None:
    with pytest.raises(MissingMessage, match=r"no\.such"):
        Words(language="en")("no.such")


BARE = re.compile(r"[A-Za-z\u4e00-\u9fff]{2,}")
SPOKEN = re.compile(
    r"""\b(?:aria-label|placeholder|title|alt|data-(?:say|waiting|refused|missing|live|lost))="([^"]*)\""""
)
NAMES = {"Postern", "Apache-2.0"}


def bare_words(template: str) -> list[str]:
    """Words a page would say in one language only. Marked `translate="no"`, names and commands may."""
    text = re.sub(r"\{#.*?#\}|\{% block width %\}\w*", "", template, flags=re.S)
    text = re.sub(r"\{%.*?%\}|\{\{.*?\}\}", " ", text, flags=re.S)
    untranslated = r"<(\w+)[^>]*translate=\"no\"[^>]*>.*?</\1>|<title>.*?</title>|<svg.*?</svg>"
    text = re.sub(untranslated, " ", text, flags=re.S)
    spoken = [value for value in SPOKEN.findall(text) if BARE.search(value)]
    between = re.sub(r"<[^>]*>|[\w-]+=\"[^\"]*\"", " ", text, flags=re.S)
    return spoken + [word for word in BARE.findall(between) if word not in NAMES]


def test_a_bare_word_in_a_template_is_found() -> None:
    assert bare_words('<p>{{ t("form.save") }}</p>') == []
    assert bare_words("<p>Save</p>") == ["Save"]
    assert bare_words('<input placeholder="Name">') == ["Name"]


def test_templates_hold_no_bare_words() -> None:
    skipped = {"icons.html"}
    found = {path.name: bare_words(path.read_text("utf-8")) for path in TEMPLATES if path.name not in skipped}
    assert {name: words for name, words in found.items() if words} == {}


def test_no_page_carries_script_or_style_of_its_own() -> None:
    for path in TEMPLATES:
        text = path.read_text("utf-8")
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|javascript:", text), (
            path.name
        )


def test_every_form_that_changes_something_carries_the_form_key() -> None:
    without_login = {"kiosk", "public", "signing", "parts"}
    for path in TEMPLATES:
        if path.parent.name in without_login:
            continue
        for form in re.findall(r'<form[^>]*method="post".*?</form>', path.read_text("utf-8"), flags=re.S):
            whose = "own" if path.parent.name == "own" else "me"
            assert f"hidden({whose}.form_key)" in form, path.name
