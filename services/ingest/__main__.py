"""`python -m services.ingest`: the ingest process, set up from the environment."""

from services.ingest.main import run
from shared.settings import Settings

if __name__ == "__main__":
    run(Settings())
