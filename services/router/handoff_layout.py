"""A hand-off as people read it: who, why now, what they did, and what may not be done. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from services.router.paper import Button, Paper, Section
from services.router.reading_parts import day, facts, items, number, part, text, texts

_PURPOSES: Final = {
    "marketing_email": "marketing mails",
    "sales_contact": "contact by sales",
    "analytics": "analytics",
    "scoring": "scoring",
}
_WHY: Final = {
    "unsubscribed": "they unsubscribed",
    "complained": "they marked a mail as spam",
    "bounced": "their address bounced",
    "marketing_email": "they don't agree to marketing mails",
}
_SAID: Final = {
    "accepted": "sales accepted it",
    "rejected": "sales turned it down",
    "recycled": "sales sent it back",
    "won": "it became a deal",
    "lost": "nothing became of it",
}
_STAGE_MAX: Final = 80
_SHOWN = (
    ("emails", "Email"), ("phones", "Phone"), ("user_ids", "User id"),
    ("external_ids", "Elsewhere"),
)  # fmt: skip
_TRAITS = (
    ("title", "Title"), ("job_title", "Title"), ("company", "Company"), ("industry", "Industry"),
    ("employees", "Employees"), ("country", "Country"), ("city", "City"),
    ("language", "Language"), ("time_zone", "Time zone"), ("phone", "Phone, as told"),
    ("website", "Website"),
)  # fmt: skip


def handoff_paper(receiver: str, data: Mapping[str, Any], buttons: tuple[Button, ...]) -> Paper:
    """receiver: sales or content. Any field may be missing, or not what it should be."""
    who, stage = part(data, "who"), part(data, "stage")
    name = name_of(part(who, "traits"))
    someone = name or _unnamed(who)
    reached = _stage(stage)
    subject = f"{someone} reached {reached}" if reached else f"Hand-off to {receiver}: {someone}"
    summary = text(data.get("summary"))
    sections = (
        Section("Who", facts=tuple(who_facts(who))),
        Section("Why now", items=tuple(_why(data))),
        Section("What changed since the last hand-off", items=tuple(_changed(data))),
        Section("Next", lines=tuple(filter(None, (text(data.get("next")),)))),
        Section("Standing", facts=tuple(_standing(data, stage))),
        Section("Content", items=tuple(_content(data))),
        Section("Interests", items=tuple(_interests(data))),
        Section("Company", facts=tuple(_company(data))),
        Section("How they came", facts=tuple(_inflow(data))),
        Section("Last actions", items=tuple(_actions(data))),
        Section("Consent", facts=tuple(_consent(data))),
        Section("Strongest rules", items=tuple(_reasons(data))),
    )
    return Paper(
        subject=subject,
        title=someone,
        lead=(summary or (f"{someone} reached {reached}." if reached else ""),),
        warnings=tuple(_warnings(data)),
        buttons=buttons,
        sections=sections,
    )


def name_of(traits: Mapping[str, Any]) -> str:
    """What a person is called, as far as their traits tell."""
    name = text(traits.get("name"), 80)
    if name:
        return name
    first = text(traits.get("first_name"), 40) or text(traits.get("firstName"), 40)
    last = text(traits.get("last_name"), 40) or text(traits.get("lastName"), 40)
    return f"{first} {last}".strip()


def _unnamed(who: Mapping[str, Any]) -> str:
    return "An anonymous visitor" if who.get("known") is False else "A lead"


def _stage(stage: Mapping[str, Any]) -> str:
    name, labels = text(stage.get("name"), _STAGE_MAX), texts(stage, "labels")
    return f"{name} ({labels[0][:_STAGE_MAX]})" if name and labels else name


def _warnings(data: Mapping[str, Any]) -> Iterator[str]:
    suppression = part(data, "suppression")
    if suppression.get("suppressed"):
        why = [_WHY.get(one, one) for one in texts(suppression, "why")]
        yield f"Don't send mails: {', '.join(why)}." if why else "Don't send mails."
    said = part(part(data, "consent"), "purposes").get("sales_contact")
    if isinstance(said, Mapping) and said.get("granted") is False:
        yield "Don't call or write: they don't agree to be contacted by sales."


def who_facts(who: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Name, address and the like, by what to call them."""
    traits = part(who, "traits")
    if name := name_of(traits):
        yield "Name", name
    for field, words in _TRAITS:
        yield from facts({words: traits.get(field)})
    for field, words in _SHOWN:
        if found := texts(who, field):
            yield words, ", ".join(found[:3])


def _why(data: Mapping[str, Any]) -> Iterator[str]:
    """The story, or the reasons where it is left out."""
    story = texts(data, "story")
    if story:
        yield from story
        return
    for reason in items(data, "reasons"):
        if words := text(reason.get("words")):
            yield words


def _reasons(data: Mapping[str, Any]) -> Iterator[str]:
    for reason in items(data, "reasons"):
        words, value = text(reason.get("words")), number(reason.get("value"))
        if words:
            yield f"{words} ({value:+.3g} points)" if value is not None else words


def _said(data: Mapping[str, Any]) -> Iterator[str]:
    """What sales said the last time."""
    told = part(data, "sales_said")
    words = _SAID.get(text(told.get("said"), 20))
    if words is None:
        return
    if reason := text(told.get("reason_words"), 200):
        words = f"{words}: {reason}"
    if at := day(told.get("at")):
        words = f"{words}, on {at}"
    if until := day(told.get("until")):
        words = f"{words}; to be left alone until {until}"
    yield words


def _changed(data: Mapping[str, Any]) -> Iterator[str]:
    yield from _said(data)
    since = part(data, "since_last")
    if not since:
        return
    if at := day(since.get("at")):
        to, stage = text(since.get("handoff"), 40), text(since.get("stage"), _STAGE_MAX)
        told = f"last handed over{f' to {to}' if to else ''} on {at}"
        yield f"{told}, as {stage}" if stage else told
    for move in items(since, "moves"):
        from_, to = text(move.get("from_stage"), 80), text(move.get("to_stage"), 80)
        if from_ and to:
            at = day(move.get("at"))
            yield f"moved from {from_} to {to}{f' on {at}' if at else ''}"
    for model, change in part(since, "scores").items():
        points = number(change)
        if isinstance(model, str) and points:
            yield f"{model} {points:+.3g}"
    yield from texts(since, "deeds")


def _standing(data: Mapping[str, Any], stage: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if reached := _stage(stage):
        yield "Stage", reached
    if since := day(stage.get("since")):
        yield "Since", since
    if from_ := text(stage.get("from_stage"), _STAGE_MAX):
        yield "From", from_
    if grade := text(data.get("grade"), 20):
        yield "Grade", grade
    percentile = number(data.get("percentile"))
    if percentile is not None:
        yield "Percentile", f"above {percentile:.3g} % of leads"
    bands = part(data, "bands")
    for model, score in list(part(data, "scores").items())[:8]:
        points = number(score)
        if isinstance(model, str) and points is not None:
            band = text(bands.get(model), 40)
            yield f"Score {model}", f"{points:.4g} ({band})" if band else f"{points:.4g}"
    if persona := text(data.get("persona"), 80):
        yield "Persona", persona
    if segments := texts(data, "segments"):
        yield "Segments", ", ".join(segments)
    if owner := text(data.get("owner"), 80):
        yield "Owner", owner


def _content(data: Mapping[str, Any]) -> Iterator[str]:
    for one in items(data, "content")[:10]:
        title, kind = text(one.get("title")), text(one.get("kind"), 20)
        times = number(one.get("times"))
        if title:
            told = f"{kind}: {title}" if kind else title
            yield f"{told} ({times:.0f} times)" if times is not None and times > 1 else told


def _interests(data: Mapping[str, Any]) -> Iterator[str]:
    """By kind; plain names where the details are left out."""
    by_kind: dict[str, list[str]] = {}
    for one in items(data, "interest_details"):
        kind, name = text(one.get("kind"), 20), text(one.get("name"), 80)
        if kind and name:
            by_kind.setdefault(kind, []).append(name)
    if by_kind:
        yield from (f"{kind}: {', '.join(names)}" for kind, names in by_kind.items())
    elif names := texts(data, "interests"):
        yield ", ".join(names)


def _company(data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    account = part(data, "account")
    if name := text(account.get("name")) or text(account.get("key")):
        yield "Name", name
    members = number(data.get("account_members"))
    if members is not None:
        yield "People", f"{members:.0f}"
    if stage := text(account.get("stage"), _STAGE_MAX):
        yield "Stage", stage
    for model, score in facts(data.get("account_scores")):
        yield f"Score {model}", score


def _inflow(data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for field, words in (("inflow", "First"), ("inflow_last", "Last")):
        came = part(data, field)
        told = [text(came.get(name), 100) for name in ("channel", "source", "campaign", "landing")]
        if found := [one for one in told if one]:
            yield words, ", ".join(found)


def _actions(data: Mapping[str, Any]) -> Iterator[str]:
    for action in items(data, "last_actions")[:10]:
        words, at = text(action.get("words")), day(action.get("at"))
        if words:
            yield f"{at}: {words}" if at else words


def _consent(data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for purpose, said in list(part(part(data, "consent"), "purposes").items())[:10]:
        if not isinstance(said, Mapping) or not isinstance(purpose, str):
            continue
        answer = "yes" if said.get("granted") else "no"
        if said.get("by_default"):
            answer += ", by default"
        elif since := day(said.get("since")):
            answer += f", since {since}"
        yield _PURPOSES.get(purpose, purpose), answer
