"""Companies as the read API answers them: pages of accounts, and one with its members."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

import sqlalchemy as sa
from fastapi import APIRouter, Query
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.responses import Response

from services.console.answers import Answer, Instant, Refusal
from services.console.cursors import read_cursor, uuid_of, write_cursor
from services.console.lead_view import scores_at, shown_at
from services.console.parameters import DEFAULT_LIMIT, REFUSALS, Limit, Text, as_json, refuse_nul
from services.console.refusals import RefusedError
from services.console.ruleset_cache import RulesetCache
from shared.envelope import rfc3339
from shared.lead_state import decode_scores
from shared.tables import account, account_member, account_stage_history, lead

MOVES = 50
# A key has up to 518 characters of up to four bytes.
Cursor = Annotated[
    str | None, Query(max_length=4096, description="`next_cursor` of the page before.")
]
NO_SUCH_ACCOUNT: dict[int | str, dict[str, Any]] = {
    404: {"model": Refusal, "description": "There is no such account."},
}


class Account(Answer):
    """A company. key: group:ID or domain:NAME · members: how many · scores: as they were made at
    `scores_at` · stage: null in a ruleset without account stages.
    """

    key: str
    members: int
    scores: dict[str, float]
    scores_at: Instant
    stage: str | None
    stage_since: Instant | None
    ruleset_version: int


class AccountPage(Answer):
    items: list[Account]
    next_cursor: str | None


class Member(Answer):
    """A lead of the account, with its scores of now."""

    lead_id: UUID
    stage: str
    scores: dict[str, float]


class MemberPage(Answer):
    items: list[Member]
    next_cursor: str | None


class AccountMove(Answer):
    at: Instant
    from_stage: str | None
    to_stage: str | None
    scores: dict[str, float]
    ruleset_version: int


class OneAccount(Account):
    """leads: a page of its members, the newest first · moves: its newest stage changes."""

    leads: MemberPage
    moves: list[AccountMove]


class AccountReader:
    """What the routes ask. `now_ms` is the clock: milliseconds since 1970 UTC."""

    def __init__(self, engine: AsyncEngine, now_ms: Callable[[], int]) -> None:
        self._engine = engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        self._now_ms = now_ms
        self._rulesets = RulesetCache()

    async def accounts(self, stage: str | None, limit: int, cursor: str | None) -> AccountPage:
        """In order of their keys."""
        query = sa.select(account).order_by(account.c.key).limit(limit + 1)
        if stage is not None:
            query = query.where(account.c.stage == stage)
        if cursor is not None:
            after = str(read_cursor(cursor, str)[0])
            refuse_nul(after)
            query = query.where(account.c.key > after)
        async with self._engine.connect() as connection:
            rows = list(await connection.execute(query))
        items = [Account(**_shown(row)) for row in rows[:limit]]
        more = write_cursor(items[-1].key) if len(rows) > limit else None
        return AccountPage(items=items, next_cursor=more)

    async def account(self, key: str, limit: int, cursor: str | None) -> OneAccount:
        """One, with a page of its members."""
        members = (
            sa.select(lead.c.id, lead.c.stage, lead.c.ruleset_version, lead.c.scores)
            .join(account_member, account_member.c.lead_id == lead.c.id)
            .where(account_member.c.account == key, lead.c.merged_into.is_(None))
            .order_by(lead.c.id.desc())
            .limit(limit + 1)
        )
        if cursor is not None:
            members = members.where(lead.c.id < uuid_of(read_cursor(cursor, str)[0]))
        moves = (
            sa.select(account_stage_history)
            .where(account_stage_history.c.account == key)
            .order_by(account_stage_history.c.id.desc())
            .limit(MOVES)
        )
        async with self._engine.connect() as connection:
            row = (await connection.execute(sa.select(account).where(account.c.key == key))).first()
            if row is None:
                raise RefusedError(404, "account_not_found", "there is no such account", "path.key")
            found = list(await connection.execute(members))
            moved = list(await connection.execute(moves))
            items = []
            for one in found[:limit]:
                ruleset = await self._rulesets.version(connection, one.ruleset_version)
                state = decode_scores(one.scores)
                scores = scores_at(ruleset, state, shown_at(state, self._now_ms()))
                items.append(Member(lead_id=one.id, stage=one.stage, scores=scores))
        more = write_cursor(str(items[-1].lead_id)) if len(found) > limit else None
        return OneAccount(
            **_shown(row),
            leads=MemberPage(items=items, next_cursor=more),
            moves=[
                AccountMove(
                    at=rfc3339(move.at_ms),
                    from_stage=move.from_stage or None,
                    to_stage=move.to_stage or None,
                    scores=move.scores,
                    ruleset_version=move.ruleset_version,
                )
                for move in moved
            ],
        )


def account_routes(reader: AccountReader) -> APIRouter:
    """Everything under /v1/accounts, without access control."""
    router = APIRouter(prefix="/v1/accounts", responses=REFUSALS)

    @router.get("", response_model=AccountPage, summary="Companies")
    async def accounts(
        stage: Text = None, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
    ) -> Response:
        """In order of their keys."""
        refuse_nul(stage)
        return as_json(await reader.accounts(stage, limit, cursor))

    @router.get(
        "/{key:path}",
        response_model=OneAccount,
        responses=NO_SUCH_ACCOUNT,
        summary="A company and its people",
    )
    async def one_account(
        key: str, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
    ) -> Response:
        """`limit` and `cursor` are of its leads."""
        refuse_nul(key)
        return as_json(await reader.account(key, limit, cursor))

    return router


def _shown(row: sa.Row[Any]) -> dict[str, Any]:
    return {
        "key": row.key,
        "members": row.members,
        "scores": row.scores,
        "scores_at": rfc3339(row.at_ms),
        "stage": row.stage or None,
        "stage_since": rfc3339(row.stage_since_ms) if row.stage else None,
        "ruleset_version": row.ruleset_version,
    }
