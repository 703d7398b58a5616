"""`python -m services.console`: the console with settings from the environment."""

from services.console.main import run
from shared.settings import Settings

if __name__ == "__main__":
    run(Settings())
