"""Why a request was granted or denied, in words for whoever stands at the door or answers for it."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """The outcome of a decision. The first seven grant; every other denies."""

    GRANTED = "granted"
    WAY_OUT = "way-out"
    PARKING_ENTRY = "parking-entry"
    UNCERTAIN_ENTRY = "uncertain-entry"
    CLEARED_TO_LEAVE = "cleared-to-leave"
    SETTLE_LATER = "settle-later"
    OPENED_UNANSWERED = "opened-unanswered"
    NOT_PAID = "not-paid"
    AWAITING_ANSWER = "awaiting-answer"
    UNKNOWN_ACCESS_POINT = "unknown-access-point"
    LOCKED_DOWN = "locked-down"
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
        return self in _GRANTING

    @property
    def makes_case(self) -> bool:
        """Whether the barrier opens or waits without knowing, so that somebody has to look at it."""
        return self in _UNCLEAR

    def words(self, language: str = "en") -> str:
        """What happened, in English ("en") or Chinese ("zh")."""
        return _WORDS[self][1 if language.startswith("zh") else 0]

    def cure(self, language: str = "en") -> str:
        """What to do about it; empty where nothing is to be done."""
        return _CURES[self][1 if language.startswith("zh") else 0]


_UNCLEAR = frozenset(
    {Reason.UNCERTAIN_ENTRY, Reason.SETTLE_LATER, Reason.OPENED_UNANSWERED, Reason.AWAITING_ANSWER}
)
_GRANTING = frozenset(
    {
        Reason.GRANTED,
        Reason.WAY_OUT,
        Reason.PARKING_ENTRY,
        Reason.UNCERTAIN_ENTRY,
        Reason.CLEARED_TO_LEAVE,
        Reason.SETTLE_LATER,
        Reason.OPENED_UNANSWERED,
    }
)

_WORDS: dict[Reason, tuple[str, str]] = {
    Reason.GRANTED: ("Granted", "准许通行"),
    Reason.WAY_OUT: ("Way out, always open", "出口，始终放行"),
    Reason.PARKING_ENTRY: ("Drove in to park", "驶入停车"),
    Reason.UNCERTAIN_ENTRY: ("Drove in, plate not read surely", "驶入，车牌识别不确定"),
    Reason.CLEARED_TO_LEAVE: ("Nothing owed, may leave", "无欠费，可以驶离"),
    Reason.SETTLE_LATER: ("Left, to be settled later", "已驶离，稍后结算"),
    Reason.OPENED_UNANSWERED: ("Left, since no answer came in time", "未及时得到答复，已放行驶离"),
    Reason.NOT_PAID: ("Not paid yet", "尚未付款"),
    Reason.AWAITING_ANSWER: ("Waiting for an attendant", "等待值守人员答复"),
    Reason.UNKNOWN_ACCESS_POINT: ("The site has no such access point", "本站点没有该通行点"),
    Reason.LOCKED_DOWN: ("Locked down: nobody gets in", "已封锁：禁止进入"),
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
    Reason.PARKING_ENTRY: ("", ""),
    Reason.UNCERTAIN_ENTRY: (
        "Look at the picture and enter the plate, so that the session can be paid.",
        "请查看图片并录入车牌，以便该停车可以付款。",
    ),
    Reason.CLEARED_TO_LEAVE: ("", ""),
    Reason.SETTLE_LATER: (
        "Find the session by both pictures, and settle or waive what is owed.",
        "请根据两张图片找到对应停车，结算或免除欠费。",
    ),
    Reason.OPENED_UNANSWERED: (
        "Find the session by both pictures; see why no answer came in time.",
        "请根据两张图片找到对应停车，并查明为何未及时答复。",
    ),
    Reason.NOT_PAID: (
        "Pay by phone at /pay with the plate; the barrier opens as soon as it is paid.",
        "请用手机打开 /pay 并输入车牌付款；付款后道闸即开。",
    ),
    Reason.AWAITING_ANSWER: (
        "Look at the picture now: enter the plate, or open and say why.",
        "请立即查看图片：录入车牌，或说明原因后放行。",
    ),
    Reason.UNKNOWN_ACCESS_POINT: (
        "Point the reader at an access point of this site.",
        "请将读取设备指向本站点的通行点。",
    ),
    Reason.LOCKED_DOWN: (
        "Ways out stay open. Release the lockdown in the console once it is safe.",
        "出口始终放行。确认安全后，请在控制台解除封锁。",
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
