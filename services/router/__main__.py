"""`python -m services.router`: the router, told by the environment."""

from __future__ import annotations

from services.router.main import run
from shared.settings import Settings

if __name__ == "__main__":
    run(Settings())
