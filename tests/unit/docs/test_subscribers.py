"""The pages that subscribers copy, in Python and JavaScript, against the reference libraries."""

from __future__ import annotations

import base64
import importlib.util
import json
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary
from cloudevents.core.formats.json import JSONFormat
from standardwebhooks import Webhook

from services.router.changes import change_data
from services.router.cloudevents import Message, headers_of, key_of, webhook_body
from services.router.decide import message_id
from shared.outbound.signing import new_secret, signed_headers
from tests.unit.router.people import LEAD, NOW_MS, sales_fact

PAGES = Path(__file__).parents[3] / "docs/subscribers"
NODE = Path(sys.executable).with_name("node")
NOW = 1_780_000_000
BODY = '{"type": "lead.merged", "timestamp": "t", "data": {"lead_id": "1", "words": "Grüße"}}'

# Runs cases given as JSON: [["verify", …], ["kafka", …], ["inbox", …]] → an answer for each.
DRIVER = """
import { readFileSync } from "node:fs";
import { Inbox, fromKafka, verify } from %s;
const cases = JSON.parse(readFileSync(0, "utf8"));
const run = {
  verify: ([secrets, headers, body, now]) => {
    try { return verify(secrets, headers, Buffer.from(body, "base64"), now); }
    catch (error) { return error.constructor.name; }
  },
  kafka: ([headers, value]) => fromKafka(
    Object.fromEntries(headers.map(([name, raw]) => [name, Buffer.from(raw, "base64")])),
    Buffer.from(value, "base64")),
  inbox: ([most, messages]) => {
    const inbox = new Inbox(most);
    return messages.map((each) => {
      const wanted = inbox.wants(each);
      if (wanted) inbox.done(each);
      return wanted;
    });
  },
};
console.log(JSON.stringify(cases.map(([name, ...given]) => run[name](given))));
"""


def python_page() -> Any:
    path = PAGES / "leadscore_subscriber.py"
    spec = importlib.util.spec_from_file_location("leadscore_subscriber", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class InPython:
    """The page in Python."""

    def __init__(self) -> None:
        self.page = python_page()

    def verify(self, secrets: list[str], headers: dict[str, str], body: bytes) -> Any:
        try:
            return self.page.verify(secrets, headers, body, NOW)
        except self.page.RefusedError:
            return "Refused"

    def kafka(self, headers: list[tuple[str, bytes]], value: bytes) -> Any:
        return self.page.from_kafka(headers, value)

    def inbox(self, most: int, messages: list[dict[str, Any]]) -> Any:
        inbox = self.page.Inbox(most)
        taken = []
        for each in messages:
            taken.append(inbox.wants(each))
            if taken[-1]:
                inbox.done(each)
        return taken


class InJavaScript:
    """The page in JavaScript, run by Node."""

    def verify(self, secrets: list[str], headers: dict[str, str], body: bytes) -> Any:
        return self._run("verify", secrets, headers, _text(body), NOW)

    def kafka(self, headers: list[tuple[str, bytes]], value: bytes) -> Any:
        return self._run("kafka", [(name, _text(raw)) for name, raw in headers], _text(value))

    def inbox(self, most: int, messages: list[dict[str, Any]]) -> Any:
        return self._run("inbox", most, messages)

    def _run(self, *case: Any) -> Any:
        page = json.dumps((PAGES / "leadscore_subscriber.mjs").as_uri())
        done = subprocess.run(
            [NODE, "--input-type=module", "-e", DRIVER % page],
            input=json.dumps([case]), capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)[0]


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


@pytest.fixture(params=[InPython, InJavaScript], ids=["python", "javascript"])
def page(request: pytest.FixtureRequest) -> Any:
    """Either page, with the same methods."""
    return request.param()


@dataclass(frozen=True)
class Signed:
    secret: str
    headers: dict[str, str]
    body: bytes = BODY.encode()


def signed(at_s: int = NOW) -> Signed:
    """By the reference library."""
    secret = new_secret()
    at = datetime.fromtimestamp(at_s, UTC)
    headers = {
        "Webhook-Id": "m1",
        "Webhook-Timestamp": str(at_s),
        "Webhook-Signature": Webhook(secret).sign("m1", at, BODY),
    }
    return Signed(secret, headers)


def test_what_the_reference_library_signs_is_taken(page: Any) -> None:
    """And what leadscore signs is the same."""
    one = signed()
    assert page.verify([one.secret], one.headers, one.body) == {**json.loads(BODY), "id": "m1"}
    ours = signed_headers([one.secret], "m1", NOW, one.body)
    assert ours["webhook-signature"] == one.headers["Webhook-Signature"]


def test_while_a_secret_changes_either_side_may_be_first(page: Any) -> None:
    """Two signatures for who has one secret; one signature for who has two."""
    new, old, body = new_secret(), new_secret(), BODY.encode()
    both = signed_headers([new, old], "m1", NOW, body)
    for secrets in ([new], [old], [old, new]):
        assert page.verify(secrets, both, body)["id"] == "m1"
    assert page.verify([new, old], signed_headers([old], "m1", NOW, body), body)["id"] == "m1"
    assert page.verify([new_secret()], both, body) == "Refused"


@pytest.mark.parametrize("kept", [0, 1, 5, 20, 43])
def test_a_part_of_a_signature_is_none(page: Any, kept: int) -> None:
    """However long the part is; nor is one of another version."""
    one = signed()
    whole = one.headers["Webhook-Signature"].removeprefix("v1,")
    for cut in (f"v1,{whole[:kept]}", f"v2,{whole}", whole, f"v1,{whole}{whole}"):
        headers = {**one.headers, "Webhook-Signature": cut}
        assert page.verify([one.secret], headers, one.body) == "Refused", cut


def test_anything_altered_or_missing_is_refused(page: Any) -> None:
    """Body, id, time, and headers that aren't there."""
    one = signed()
    assert page.verify([one.secret], one.headers, one.body + b" ") == "Refused"
    for name in one.headers:
        headers = {each: value for each, value in one.headers.items() if each != name}
        assert page.verify([one.secret], headers, one.body) == "Refused"
    assert page.verify([one.secret], {**one.headers, "Webhook-Id": "m2"}, one.body) == "Refused"
    assert page.verify([], one.headers, one.body) == "Refused"


@pytest.mark.parametrize(
    ("at_s", "taken"),
    [(NOW - 299, True), (NOW + 299, True), (NOW - 301, False), (NOW + 301, False)],
)
def test_only_a_fresh_timestamp_counts(page: Any, at_s: int, taken: bool) -> None:
    """Five minutes either way: what was recorded can't be played again."""
    one = signed(at_s)
    assert (page.verify([one.secret], one.headers, one.body) != "Refused") is taken


@pytest.mark.parametrize("at", ["", "soon", "1e9", "-5", "٣", "NaN"])
def test_a_timestamp_is_a_whole_number(page: Any, at: str) -> None:
    """Anything else is refused before it is compared."""
    one = signed()
    headers = {**one.headers, "Webhook-Timestamp": at}
    assert page.verify([one.secret], headers, one.body) == "Refused"


def _message() -> Message:
    return Message(
        id=message_id(LEAD, 4, "lead-stage-changed"),
        kind="lead-stage-changed",
        lead_id=LEAD,
        seq=4,
        at_ms=NOW_MS,
        data=change_data(sales_fact()),
    )


def test_a_record_of_kafka_reads_as_the_cloudevents_sdk_reads_it(page: Any) -> None:
    """And has the id and the data that the webhook has."""
    message = _message()
    event = from_binary(
        KafkaMessage(headers=dict(headers_of(message)), key=key_of(LEAD), value=message.data),
        JSONFormat(),
    )
    taken = page.kafka(headers_of(message), message.data)
    assert (taken["id"], taken["type"]) == (event.get_id(), event.get_type())
    assert taken["data"] == event.get_data()
    assert taken["timestamp"] == json.loads(webhook_body(message))["timestamp"]


def _told(name: str, kind: str, number: int | str | None, lead: str = "1") -> dict[str, Any]:
    return {"id": name, "type": kind, "data": {"lead_id": lead, "sequence": number}}


def test_each_message_is_wanted_once_and_old_stages_not_at_all(page: Any) -> None:
    """By id; where a lead stood before by the lead's sequence, too. A hand-off that waited, or is
    sent again, is wanted however late; a step's sequence is a name."""
    changed, sales = "lead.stage_changed", "handoff.sales"
    told = [
        (_told("a", changed, 4), True),
        (_told("a", changed, 4), False),
        (_told("b", sales, 4), True),
        (_told("c", changed, 3), False),
        (_told("d", changed, 1, lead="2"), True),
        (_told("e", "lead.merged", 5), True),
        (_told("f", changed, 4), False),
        (_told("g", "com.leadscore.handoff.sales.v1", 2), True),
        (_told("h", sales, 3), True),
        (_told("i", "content.step_due", "welcome"), True),
        (_told("i", "content.step_due", "welcome"), False),
    ]
    assert page.inbox(1_000, [each for each, _ in told]) == [wanted for _, wanted in told]


def test_its_memory_is_bounded(page: Any) -> None:
    """The oldest goes first."""
    told = [_told(f"m{number}", "content.step_due", "welcome") for number in range(4)]
    assert page.inbox(3, [*told, told[0], told[3]]) == [True] * 5 + [False]
