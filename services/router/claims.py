"""Who owns which shard of the outbox: leases in Postgres, shared evenly among live routers.

A lease only says who should work. What makes a former owner harmless is the epoch, raised at every
claim: every write to Postgres is guarded by it, and Kafka fences by the transactional id.
"""

from __future__ import annotations

from services.router.outbox import Pool

CREATE_SHARDS = """
INSERT INTO router_shard (shard) SELECT generate_series(0, $1::int - 1) ON CONFLICT DO NOTHING
"""
FOREIGN_SHARD = "SELECT 1 FROM outbox WHERE published_at IS NULL AND shard >= $1 LIMIT 1"
ANNOUNCE = """
INSERT INTO router_process (owner, lease_until) VALUES ($1, now() + make_interval(secs => $2))
ON CONFLICT (owner) DO UPDATE SET lease_until = excluded.lease_until
"""
LIVE = "SELECT owner FROM router_process WHERE lease_until > now() ORDER BY owner"
FORGET_DEAD = "DELETE FROM router_process WHERE lease_until < now() - interval '1 hour'"
RENEW = """
UPDATE router_shard AS s SET lease_until = now() + make_interval(secs => $2)
FROM unnest($3::int[], $4::bigint[]) AS held (shard, epoch)
WHERE s.shard = held.shard AND s.epoch = held.epoch AND s.owner = $1
RETURNING s.shard
"""
FREE = """
SELECT shard FROM router_shard
WHERE shard < $2 AND (owner = $1 OR lease_until IS NULL OR lease_until < now()) ORDER BY shard
"""
CLAIM = """
UPDATE router_shard
SET owner = $1, epoch = epoch + 1, lease_until = now() + make_interval(secs => $3)
WHERE shard = $2 AND (owner = $1 OR lease_until IS NULL OR lease_until < now())
RETURNING epoch
"""
RELEASE = """
UPDATE router_shard SET lease_until = NULL, owner = ''
WHERE shard = $2 AND epoch = $3 AND owner = $1
"""
STILL_MINE = "SELECT offsets FROM router_shard WHERE shard = $1 AND epoch = $2"
LEAVE = "DELETE FROM router_process WHERE owner = $1"


class WrongShardsError(Exception):
    """The outbox holds shards that these settings leave to nobody."""


class Claims:
    """One router's part in sharing the shards."""

    def __init__(self, pool: Pool, owner: str, shards: int, lease_seconds: float) -> None:
        self._pool = pool
        self._owner = owner
        self._shards = shards
        self._lease_seconds = lease_seconds

    async def prepare(self) -> None:
        """Make the rows. Raises WrongShardsError if unpublished facts lie in no shard of ours."""
        if await self._pool.fetchval(FOREIGN_SHARD, self._shards):
            raise WrongShardsError(
                f"the outbox holds unpublished facts of shards past {self._shards - 1}: run router "
                "and scorer with the former LEADSCORE_ROUTER_SHARDS until it is empty"
            )
        await self._pool.execute(CREATE_SHARDS, self._shards)

    async def announce(self) -> int:
        """Say that this router lives; return how many shards are its fair share."""
        await self._pool.execute(ANNOUNCE, self._owner, self._lease_seconds)
        await self._pool.execute(FORGET_DEAD)
        live = [row["owner"] for row in await self._pool.fetch(LIVE)]
        share, extra = divmod(self._shards, max(1, len(live)))
        return share + (1 if self._owner in live[:extra] else 0)

    async def renew(self, held: dict[int, int]) -> set[int]:
        """Renew the leases on {shard: epoch}; return the shards that are still ours."""
        if not held:
            return set()
        rows = await self._pool.fetch(
            RENEW, self._owner, self._lease_seconds, list(held), list(held.values())
        )
        return {row["shard"] for row in rows}

    async def free(self) -> list[int]:
        """Shards that nobody holds, and our own."""
        rows = await self._pool.fetch(FREE, self._owner, self._shards)
        return [row["shard"] for row in rows]

    async def claim(self, shard: int) -> int | None:
        """Take a shard; its new epoch, or None if somebody was faster."""
        epoch: int | None = await self._pool.fetchval(
            CLAIM, self._owner, shard, self._lease_seconds
        )
        return epoch

    async def release(self, shard: int, epoch: int) -> None:
        await self._pool.execute(RELEASE, self._owner, shard, epoch)

    async def leave(self) -> None:
        await self._pool.execute(LEAVE, self._owner)


async def stored_offsets(pool: Pool, shard: int, epoch: int) -> str | None:
    """The shard's offsets as JSON text, or None when the epoch is no longer ours."""
    found: str | None = await pool.fetchval(STILL_MINE, shard, epoch)
    return found
