"""Why a request was granted or denied, in words for whoever stands at the door or answers for it."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """The outcome of a decision. The first two grant; every other denies."""

    GRANTED = "granted"
    WAY_OUT = "way-out"
    UNKNOWN_ACCESS_POINT = "unknown-access-point"
    POLICY_EXPIRED = "policy-expired"
    PAD_ATTACK = "pad-attack"
    UNCERTAIN_READ = "uncertain-read"
    NO_MATCH = "no-match"
    NO_CONSENT = "no-consent"
    UNKNOWN_CREDENTIAL = "unknown-credential"
    WRONG_PIN = "wrong-pin"
    TOO_MANY_ATTEMPTS = "too-many-attempts"
    CREDENTIAL_REVOKED = "credential-revoked"
    NOT_YET_VALID = "not-yet-valid"
    EXPIRED = "expired"
    NO_ACCESS_LEVEL = "no-access-level"
    OUTSIDE_SCHEDULE = "outside-schedule"
    SPECIAL_DAY = "special-day"

    @property
    def grants(self) -> bool:
        """Whether the door opens."""
        return self in (Reason.GRANTED, Reason.WAY_OUT)

    def words(self, language: str = "en") -> str:
        """What happened, in English ("en") or Chinese ("zh")."""
        return _WORDS[self][1 if language.startswith("zh") else 0]

    def cure(self, language: str = "en") -> str:
        """What to do about it; empty where nothing is to be done."""
        return _CURES[self][1 if language.startswith("zh") else 0]


_WORDS: dict[Reason, tuple[str, str]] = {
    Reason.GRANTED: ("Granted", "准许通行"),
    Reason.WAY_OUT: ("Way out, always open", "出口，始终放行"),
    Reason.UNKNOWN_ACCESS_POINT: ("The site has no such access point", "本站点没有该通行点"),
    Reason.POLICY_EXPIRED: ("The agent's rules are too old", "代理端的通行规则已过期"),
    Reason.PAD_ATTACK: ("A picture of a face, not a face, was shown", "出示的是人脸图像而非真人"),
    Reason.UNCERTAIN_READ: ("Not read surely enough", "识别不够确定"),
    Reason.NO_MATCH: ("Nobody enrolled was recognised", "未识别到已登记人员"),
    Reason.NO_CONSENT: ("No live consent to face recognition", "没有有效的人脸识别同意"),
    Reason.UNKNOWN_CREDENTIAL: ("Nobody holds this credential", "该凭证没有持有人"),
    Reason.WRONG_PIN: ("The PIN is wrong", "PIN 码错误"),
    Reason.TOO_MANY_ATTEMPTS: ("Too many wrong PINs", "PIN 码错误次数过多"),
    Reason.CREDENTIAL_REVOKED: ("The credential was revoked", "凭证已被撤销"),
    Reason.NOT_YET_VALID: ("Not valid yet", "尚未生效"),
    Reason.EXPIRED: ("No longer valid", "已过有效期"),
    Reason.NO_ACCESS_LEVEL: ("No access level covers this access point", "没有涵盖该通行点的通行级别"),
    Reason.OUTSIDE_SCHEDULE: ("Outside the schedule", "不在时间表内"),
    Reason.SPECIAL_DAY: ("Closed by a special day", "特殊日期不开放"),
}

_CURES: dict[Reason, tuple[str, str]] = {
    Reason.GRANTED: ("", ""),
    Reason.WAY_OUT: ("", ""),
    Reason.UNKNOWN_ACCESS_POINT: (
        "Point the reader at an access point of this site.",
        "请将读取设备指向本站点的通行点。",
    ),
    Reason.POLICY_EXPIRED: (
        "Let the agent reach its hub once, so that it fetches the present rules.",
        "请让代理端连接一次中心，以获取最新规则。",
    ),
    Reason.PAD_ATTACK: (
        "Look into the camera yourself, or use a card, PIN or QR code.",
        "请本人面对镜头，或使用卡、PIN 码或二维码。",
    ),
    Reason.UNCERTAIN_READ: (
        "Try again in better light or closer, or use a card, PIN or QR code.",
        "请在光线较好处靠近重试，或使用卡、PIN 码或二维码。",
    ),
    Reason.NO_MATCH: (
        "Use a card, PIN or QR code, or enrol the person.",
        "请使用卡、PIN 码或二维码，或为此人登记。",
    ),
    Reason.NO_CONSENT: (
        "Use a card, PIN or QR code; face recognition needs the person's consent.",
        "请使用卡、PIN 码或二维码；人脸识别需要本人同意。",
    ),
    Reason.UNKNOWN_CREDENTIAL: (
        "Register it to its person or vehicle, or check what was typed.",
        "请将其登记给相应人员或车辆，或检查输入内容。",
    ),
    Reason.WRONG_PIN: (
        "Type it again, or set a new PIN for this person.",
        "请重新输入，或为此人设置新 PIN 码。",
    ),
    Reason.TOO_MANY_ATTEMPTS: (
        "Wait, a quarter of an hour at most, or use a card or QR code; a new PIN works at once.",
        "请等待（最长一刻钟），或使用卡或二维码；新 PIN 码可立即使用。",
    ),
    Reason.CREDENTIAL_REVOKED: (
        "Issue a new credential if this person or vehicle may still pass.",
        "如仍允许通行，请发放新凭证。",
    ),
    Reason.NOT_YET_VALID: ("Wait until it begins, or move its beginning.", "请等待生效，或调整开始时间。"),
    Reason.EXPIRED: ("Extend its validity if that is wanted.", "如有需要，请延长有效期。"),
    Reason.NO_ACCESS_LEVEL: (
        "Give an access level that holds this access point.",
        "请授予包含该通行点的通行级别。",
    ),
    Reason.OUTSIDE_SCHEDULE: (
        "Come within the schedule's hours, or change the schedule.",
        "请在时间表规定的时段内通行，或修改时间表。",
    ),
    Reason.SPECIAL_DAY: (
        "Come on another day, or change the special day's hours.",
        "请在其他日期通行，或修改特殊日期的时段。",
    ),
}
