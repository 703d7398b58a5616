"""`python -m services.scorer` runs the scorer."""

from services.scorer.main import run
from shared.settings import Settings

run(Settings())
