"""Companies: whose lead it is, and what its members' scores make."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from services.scorer.accounts import (
    AccountRules,
    account_of,
    account_scores,
    account_stage,
    compile_accounts,
)
from shared.ruleset.reading import RulesetErrors, read_ruleset

MODELS = """
models:
  e: {rules: [{id: page, on: page_viewed, points: 5}]}
stages: {ladder: [{name: inform}]}
"""


def rules(accounts: str) -> AccountRules:
    found = compile_accounts(read_ruleset(f"{MODELS}accounts: {accounts}\n"))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("how", "score"),
    [("sum", 42.0), ("max", 30.0), ("{top: 2}", 20.0), ("{top: 9}", 14.0)],
)
def test_members_scores_are_put_together(how: str, score: float) -> None:
    """By sum, best, or average of the best, of as many as there are."""
    members = [10.0, 30.0, 2.0]
    found = rules(f"{{score: {{e: {how}}}}}")
    assert account_scores(found, {"e": members}) == {"e": score}
    assert account_scores(found, {"e": members[::-1]}) == {"e": score}


def test_a_group_call_wins_over_the_email_domain() -> None:
    """Unless the ruleset prefers the domain."""
    traits, emails = {"group_id": "acme"}, ["ann@Acme.example", "ann@gmail.com"]
    assert account_of(rules("{score: {e: sum}}"), traits, emails) == "group:acme"
    domain_first = rules("{by: [email_domain, group], score: {e: sum}}")
    assert account_of(domain_first, traits, emails) == "domain:acme.example"
    assert account_of(domain_first, traits, []) == "group:acme"
    assert account_of(rules("{by: email_domain, score: {e: sum}}"), traits, []) is None


def test_free_mail_tells_no_company() -> None:
    """The shipped list, and what the ruleset adds; of several domains the first counts."""
    found = rules("{score: {e: sum}, free_mail_domains: [Post.Example]}")
    assert account_of(found, {}, ["a@gmail.com", "a@web.de", "a@post.example"]) is None
    assert account_of(found, {}, ["a@z.example", "a@b.example"]) == "domain:b.example"


def test_an_account_rises_and_falls_by_its_thresholds() -> None:
    """It enters at the one and leaves below the other; an unknown stage is the first."""
    found = rules(
        "{score: {e: sum}, stages: [{name: cold}, {name: warm, enter: {e: 20}, leave: {e: 10}}]}"
    )
    assert account_stage(found, "", {"e": 19.0}) == "cold"
    assert account_stage(found, "cold", {"e": 20.0}) == "warm"
    assert account_stage(found, "warm", {"e": 10.0}) == "warm"
    assert account_stage(found, "warm", {"e": 9.9}) == "cold"
    assert account_stage(found, "gone", {"e": 12.0}) == "cold"


@pytest.mark.parametrize(
    ("accounts", "path", "remedy"),
    [
        ("{score: {f: sum}}", "accounts.score.f", "models: e"),
        ("{score: {e: average}}", "accounts.score.e", "'sum' or 'max'"),
        ("{score: {e: {top: 0}}}", "accounts.score.e.top", ""),
        ("{score: {e: sum}, by: [group, group]}", "accounts.by", "drop one"),
        ("{score: {e: sum}, stages: [{name: a}, {name: b}]}", "accounts.stages[1]", "add enter"),
        (
            "{score: {e: sum}, stages: [{name: a}, {name: b, enter: {e: 2}, leave: {e: 3}}]}",
            "accounts.stages[1].leave.e",
            "below enter",
        ),
    ],
)
def test_faults_have_line_path_and_remedy(accounts: str, path: str, remedy: str) -> None:
    """As everywhere in a ruleset."""
    with pytest.raises(RulesetErrors) as caught:
        read_ruleset(f"{MODELS}accounts: {accounts}\n")
    (fault,) = caught.value.errors
    assert (fault.line, fault.path) == (5, path)
    assert remedy in fault.remedy


def test_the_example_of_the_page_is_true() -> None:
    """docs/scoring.md, line by line."""
    page = (Path(__file__).parents[3] / "docs" / "scoring.md").read_text(encoding="utf-8")
    found = re.search(r"```yaml\n([^`]*)```\n```text accounts\n([^`]*)```", page)
    assert found is not None
    written = compile_accounts(read_ruleset(found[1]))
    assert written is not None
    stage = ""
    for line in found[2].splitlines():
        members, score, after = (cell.strip() for cell in line.split("|"))
        scores = account_scores(written, {"engagement": [float(one) for one in members.split()]})
        stage = account_stage(written, stage, scores)
        assert (scores, stage) == ({"engagement": float(score)}, after), line
