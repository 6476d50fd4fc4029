"""What each difference of a day most likely is, and what to do about it."""

from __future__ import annotations

EN = {
    "not-booked": (
        "The provider lists {amount} under {reference}, and the ledger does not. Its notice has not "
        "arrived, or the payment is of no session of ours. Open the payment at the provider; if it is "
        "ours, it is booked when its notice is sent again."
    ),
    "not-listed": (
        "The ledger booked {amount} under {reference}, and the provider does not list it. It may be listed "
        "under the next day; if it is not there tomorrow either, ask the provider."
    ),
    "other-amount": (
        "Under {reference}, provider and ledger differ by {amount}. Look for a refund or a dispute that "
        "was entered at the provider and not here."
    ),
    "listed-twice": (
        "The provider lists {reference} more than once, {amount} too much. Refund what was paid twice."
    ),
    "left-unpaid": "{amount} are owed by a vehicle that left. Its case says what was tried.",
    "read-twice": "Second readings of a vehicle that had just been read: {vehicles}. Nothing is to be done.",
    "in-doubt": "Passages of which nobody has said yet whose they were: {vehicles}. Decide their cases.",
    "given-up": "Sessions ended without an exit, by their age or because somebody ended them: {vehicles}.",
    "entry-without-session": (
        "Vehicles that drove in without a session: {vehicles}. Records of that day may still be on their way "
        "from the agent; otherwise look at the entries without a plate."
    ),
    "session-without-entry": (
        "Sessions that began without a passage inward: {vehicles}. The barrier's contact may not have "
        "reported; check its cable."
    ),
    "exit-without-session": (
        "Vehicles that drove out without ending a session: {vehicles}. They came in unseen, behind another "
        "or while the lane was without power."
    ),
    "session-without-exit": (
        "Sessions that ended without a passage outward: {vehicles}. The barrier's contact may not have "
        "reported; check its cable."
    ),
    "inside-does-not-add-up": (
        "Sessions inside are off by {vehicles} from those before, begun and ended. A session was corrected "
        "on another day; see the corrections."
    ),
    "fewer-counted": (
        "Vehicles fewer in the garage than there are sessions: {vehicles}. They left unseen: end the "
        "sessions without an exit."
    ),
    "more-counted": (
        "Vehicles more in the garage than there are sessions: {vehicles}. They came in unseen: their "
        "exits will be cases."
    ),
}

ZH = {
    "not-booked": (
        "支付机构列有 {reference} 的 {amount}，账簿没有。可能是通知未到，或该款不属于本车库的停车。请在支付"
        "机构处查看该笔款项；若属于本车库，重发通知后即入账。"
    ),
    "not-listed": (
        "账簿记有 {reference} 的 {amount}，支付机构未列出。可能列在次日；若次日仍没有，请询问支付机构。"
    ),
    "other-amount": "{reference} 在支付机构与账簿之间相差 {amount}。请查找只在支付机构办理的退款或争议。",
    "listed-twice": "支付机构多次列出 {reference}，多出 {amount}。请退还重复支付的款项。",
    "left-unpaid": "一辆已离场的车辆尚欠 {amount}。其事项记录了已做的处理。",
    "read-twice": "{vehicles} 次通行是同一车辆的重复识别，无需处理。",
    "in-doubt": "{vehicles} 次通行尚待人工确认车辆。请处理相应事项。",
    "given-up": "{vehicles} 次停车没有出场记录而结束：因时间过长，或由人员结束。",
    "entry-without-session": (
        "{vehicles} 辆车驶入而没有开始停车。当天的记录可能仍在从现场传来；否则请查看未识别车牌的入场。"
    ),
    "session-without-entry": ("{vehicles} 次停车开始而没有驶入的通行。道闸的触点可能没有上报；请检查线路。"),
    "exit-without-session": (
        "{vehicles} 辆车驶出而没有停车因此结束。它们入场时未被识别：跟在别的车后面，或车道当时断电。"
    ),
    "session-without-exit": "{vehicles} 次停车结束而没有驶出的通行。道闸的触点可能没有上报；请检查线路。",
    "inside-does-not-add-up": (
        "场内停车数与此前、开始、结束之数相差 {vehicles}。有停车在另一天被更正；请查看更正记录。"
    ),
    "fewer-counted": "场内实有车辆比停车记录少 {vehicles} 辆。它们离场时未被识别：请结束没有出场的停车。",
    "more-counted": ("场内实有车辆比停车记录多 {vehicles} 辆。它们入场时未被识别：出场时会成为待处理事项。"),
}
