"""The pages behind the links in alerts. Following a link changes nothing, whoever follows it: mail
scanners do, too. A button acts, once. Pages name nobody: who may act has the alert.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from html import escape
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, Response

from services.console.handoffs.answers import MOST_AMOUNT, MOST_NOTE, ActRequest
from services.console.handoffs.desk import HandoffDesk
from services.console.handoffs.hook import read_bounded
from services.console.refusals import RefusedError
from shared.handoff_links import Answer, LinkError, read_link

MOST_BYTES = 32 * 1024  # a note in any script, as forms encode it
SNOOZES: Mapping[str, str] = {"1": "until tomorrow", "3": "for three days", "7": "for a week"}
TITLES = {
    "accept": "Accept this lead",
    "reject": "Turn this lead down",
    "snooze": "Put this lead off",
    "recycle": "Send this lead back to nurturing",
    "won": "This lead became a deal",
    "lost": "Nothing became of this lead",
}
RECYCLE_DAYS = 90  # proposed; any day of the next two years may be chosen
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;margin:0;background:#f4f5f7;color:#1c2330}"
    "main{max-width:32rem;margin:10vh auto;padding:2rem;background:#fff;border-radius:8px}"
    "h1{font-size:1.3rem;margin:0 0 1rem}label{display:block;margin:1rem 0 .3rem}"
    "select,textarea,input,button{font:inherit;width:100%;padding:.6rem;box-sizing:border-box}"
    "button{margin-top:1.2rem;border:0;border-radius:6px;background:#1c5fd6;color:#fff}"
)
_NOTE = (
    '<label for="note">Anything else? (kept with this hand-off alone)</label>'
    f'<textarea id="note" name="note" rows="3" maxlength="{MOST_NOTE}"></textarea>'
)
_UNTIL = (
    '<label for="until">Leave it alone until</label>'
    '<input id="until" name="until" type="date" required value="{day}" min="{first}">'
)
_AMOUNT = (
    '<label for="amount">What is it worth? (may be left out)</label>'
    '<input id="amount" name="amount" type="number" min="0" step="0.01" inputmode="decimal">'
    '<label for="currency">Currency</label>'
    '<input id="currency" name="currency" maxlength="3" pattern="[A-Za-z]{3}" placeholder="EUR">'
)


def page_routes(desk: HandoffDesk, key: bytes, now_ms: Callable[[], int]) -> APIRouter:
    """key: signs the links."""
    router = APIRouter(include_in_schema=False)

    @router.api_route("/h/{token}", methods=["GET", "HEAD"])
    async def ask(token: str) -> Response:
        """The question, and a button."""
        try:
            answer = read_link(token, key, now_ms() // 1000)
            return await _question(desk, answer, token, now_ms())
        except LinkError as error:
            return _page("This link can't be used", f"<p>{escape(str(error))}.</p>", 410)
        except RefusedError as refused:
            return _refused(refused)

    @router.post("/h/{token}")
    async def act(request: Request, token: str) -> Response:
        """What the button does."""
        try:
            answer = read_link(token, key, now_ms() // 1000)
            given = parse_qs((await read_bounded(request, MOST_BYTES)).decode(errors="replace"))
            asked = _asked(answer, {name: values[0] for name, values in given.items()}, now_ms())
            await desk.act(answer.handoff_id, answer.act, asked, "link", link=token)
        except LinkError as error:
            return _page("This link can't be used", f"<p>{escape(str(error))}.</p>", 410)
        except RefusedError as refused:
            return _refused(refused)
        return _page("Thank you", "<p>Your answer is noted. You can close this page.</p>")

    return router


async def _question(desk: HandoffDesk, answer: Answer, token: str, at_ms: int) -> Response:
    handoff = await desk.one(answer.handoff_id)
    if await desk.is_used(token) or answer.act not in handoff.possible:
        body = f"<p>This hand-off is {escape(handoff.status)} by now. Nothing is left to do.</p>"
        return _page("Already answered", body)
    fields = ""
    if answer.act in {"reject", "lost"}:
        fields = _select("reason", "Why?", await desk.reasons(answer.handoff_id)) + _NOTE
    elif answer.act == "recycle":
        fields = _UNTIL.format(day=_day(at_ms, RECYCLE_DAYS), first=_day(at_ms, 1)) + _NOTE
    elif answer.act == "won":
        fields = _AMOUNT + _NOTE
    elif answer.act == "snooze":
        fields = _select("days", "For how long?", SNOOZES)
    title = TITLES.get(answer.act, answer.act)
    body = (
        f"<p>Handed over on {escape(handoff.handed_at[:10])}, stage {escape(handoff.stage)}.</p>"
        f'<form method="post">{fields}<button>{escape(title)}</button></form>'
    )
    return _page(title, body)


def _asked(answer: Answer, given: Mapping[str, str], now_ms: int) -> ActRequest:
    """Raises RefusedError where what was typed in can't be read."""
    until = None
    if answer.act == "snooze":
        days = given.get("days", "1")
        days = days if days in SNOOZES else "1"
        until = datetime.fromtimestamp(now_ms / 1000, UTC) + timedelta(days=int(days))
    elif answer.act == "recycle":
        until = _read_day(given.get("until", ""))
    amount, currency = None, ""
    if answer.act == "won":
        amount, currency = _read_amount(given.get("amount", ""), given.get("currency", ""))
    note = given.get("note", "").replace("\0", "")[:MOST_NOTE]
    reason = given.get("reason", "").replace("\0", "")[:100]
    return ActRequest(
        reason=reason, note=note, until=until, amount=amount, currency=currency, actor="link"
    )


def _read_day(text: str) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(text), time(), UTC)
    except ValueError:
        message = "choose a day, such as 2027-03-01"
        raise RefusedError(400, "until_missing", message, "body.until") from None


def _read_amount(text: str, currency: str) -> tuple[float | None, str]:
    """Both may be left out."""
    currency = currency.strip().upper()
    if currency and not (len(currency) == 3 and currency.isascii() and currency.isalpha()):
        raise RefusedError(
            400, "currency_unknown", "a currency has three letters, such as EUR", "body.currency"
        )
    if not text.strip():
        return None, currency
    try:
        amount = float(text)
    except ValueError:
        amount = -1.0
    if not 0 <= amount <= MOST_AMOUNT:  # neither is what isn't a number
        raise RefusedError(
            400, "amount_unreadable", "an amount is a number, such as 1200.50", "body.amount"
        )
    return amount, currency


def _day(now_ms: int, ahead: int) -> str:
    return f"{datetime.fromtimestamp(now_ms / 1000, UTC) + timedelta(days=ahead):%Y-%m-%d}"


def _select(name: str, label: str, choices: Mapping[str, str]) -> str:
    options = "".join(
        f'<option value="{escape(value)}">{escape(words)}</option>'
        for value, words in choices.items()
    )
    return (
        f'<label for="{name}">{escape(label)}</label>'
        f'<select id="{name}" name="{name}">{options}</select>'
    )


def _refused(refused: RefusedError) -> Response:
    answered = refused.problem.code in {"link_used", "handoff_state"}
    title = "Already answered" if answered else "This can't be done"
    body = f"<p>{escape(refused.problem.message)}.</p>"
    return _page(title, body, refused.status)


def _page(title: str, body: str, status: int = 200) -> Response:
    text = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{escape(title)}</h1>{body}</main></body></html>"
    )
    return HTMLResponse(text, status, HEADERS)
