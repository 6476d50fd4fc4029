"""A fault speaks the language of its page, and says so where it cannot."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient

from postern.devices.controllers.mqtt_settings import SECONDS
from postern.errors import BadInput, BadPicture, NotFound
from postern.operators.model import Role
from postern.operators.roles import Duty
from postern.web import pages, problems
from postern.web.fault_words import LONGEST, spoken, translation
from postern.web.forms import Form
from postern.web.i18n import Words

CHINESE, ENGLISH = Words(language="zh"), Words(language="en")
TEMPLATES = [
    path for path in sorted((pages.HERE / "templates").rglob("*.html")) if path.parent.name != "public"
]
"""Those of the console; the drivers' pages have words of their own for each code of a fault."""
SEVERAL = [
    ("there is no such site", "没有此站点"),
    ("there is no such access level; it may have been removed", "没有此通行级别，可能已被移除"),
    ("there is no such merchant; it may have been removed", "没有此商户，可能已被移除"),
    ("give 1 to 20 photos", "请提供 1 至 20 张照片"),
    ("somebody else holds this card already; revoke it there first", "他人已持有这个卡，请先在那里撤销"),
    ("7 of 90 lines are refused; correct them, or skip them on purpose", "共 90 行，其中 7 行被拒绝"),
    ("birth_date: write the birth date as 1990-12-31", "出生日期（birth_date）：出生日期请按"),
    ("rtsp://10.0.0.9/: the camera stopped sending.", "rtsp://10.0.0.9/：摄像机停止发送画面。"),
    ("Line 7, price: an amount may not be below 0; write 0 or more.", "第 7 行，price：金额不能小于 0"),
]


@pytest.mark.parametrize(("english", "chinese"), SEVERAL)
def test_a_fault_is_told_in_chinese_with_what_is_filled_in(english: str, chinese: str) -> None:
    told = spoken(BadInput(english), CHINESE)
    assert told.text.startswith(chinese)
    assert not told.language


def test_roles_and_duties_in_a_fault_have_the_names_of_the_console() -> None:
    told = translation(
        f"the role {Role.AUDITOR.value} may not do this ({Duty.OPEN_DOOR.value}); "
        "ask an administrator for another role",
        "zh",
    )
    assert told is not None
    assert CHINESE("role.auditor") in told
    assert CHINESE("duty.open-door") in told


def test_the_message_with_the_most_words_of_its_own_is_taken() -> None:
    text = "there is no such request for approval; it may have been removed"
    assert translation(text, "zh") == "没有此批准请求，可能已被移除"


def test_braces_in_what_is_filled_in_stay_as_they_are() -> None:
    assert translation("'{0}{' is no time zone; give an IANA name such as Europe/Berlin", "zh") == (
        "'{0}{' 不是时区；请填写 IANA 名称，例如 Asia/Shanghai"
    )


def test_braces_of_a_message_are_no_places() -> None:
    told = translation(
        f"'ON' would leave the door released for good; use a payload with {SECONDS}, "
        "or say that the device relocks itself",
        "zh",
    )
    assert told is not None
    assert SECONDS in told


def test_what_nobody_translated_stays_english_and_is_marked() -> None:
    told = spoken("the moon <is> full: come back", CHINESE)
    assert told.__html__() == '<span lang="en">the moon &lt;is&gt; full: come back</span>'
    assert translation("Ada: Berta", "zh") is None


def test_what_is_filled_in_is_escaped_on_the_page() -> None:
    told = spoken("'<b>' is no time zone; give an IANA name such as Europe/Berlin", CHINESE)
    assert told.__html__().startswith("&#x27;&lt;b&gt;&#x27; 不是时区")


def test_a_page_in_english_shows_the_fault_as_it_is() -> None:
    assert spoken(NotFound("there is no such site"), ENGLISH).__html__() == "there is no such site"


def test_a_text_of_any_length_is_answered() -> None:
    hostile = "x: y; " * LONGEST
    assert translation(hostile, "zh") is None
    assert translation(hostile[:LONGEST], "zh") is None


async def page_of(fault: Exception, accept: str, path: str = "/thing") -> str:
    app = FastAPI()
    app.state.settings = SimpleNamespace(mode="production")
    problems.install(app)

    @app.get(path)
    async def raises() -> None:
        raise fault

    async with AsyncClient(transport=ASGITransport(app=app), base_url="https://hub.example") as browser:
        return (await browser.get(path, headers={"accept-language": accept})).text


async def test_the_page_of_a_fault_is_in_its_language() -> None:
    fault = BadPicture("The picture has only 8 × 8 pixels; give a larger one.")
    assert "<p>图片只有 8 × 8 像素，请换用较大的图片。</p>" in await page_of(fault, "zh-CN")
    assert f"<p>{fault}</p>" in await page_of(fault, "en")


def test_a_form_tells_its_fault_in_the_language_of_the_page() -> None:
    shown = pages.environment().from_string(
        '{% from "parts/forms.html" import faults with context %}{{ faults(form) }}'
    )
    form = Form(fault=BadInput("a person needs a name"))
    assert "<p>人员须有姓名</p>" in shown.render(t=CHINESE, form=form)
    assert "<p>a person needs a name</p>" in shown.render(t=ENGLISH, form=form)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_template_shows_a_fault_past_its_words(template: Path) -> None:
    shown = re.findall(r"\{\{ *(?:[a-z_]+\.)*(?:fault|trouble) *\}\}", template.read_text("utf-8"))
    assert not shown, "write `| spoken(t)` after it"


async def test_a_program_is_told_in_english() -> None:
    assert "there is no such site" in await page_of(
        NotFound("there is no such site"), "zh-CN", "/api/v1/thing"
    )
