"""`python -m deploy.demo`: Sarah's journey from a search to the hand-off to sales."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from rich.console import Console

from deploy.demo.screen import Screen
from deploy.demo.sending import NotTakenError
from deploy.demo.show import Pace, Show
from deploy.demo.stack import NoStackError, running_stack

DEADLINE_SECONDS = 60.0
PLAIN_WIDTH = 140  # columns where the output is no terminal: a log, a file


def main() -> int:
    """Exit code 0 when the hand-off was seen and everything adds up; else 1."""
    parser = argparse.ArgumentParser(
        prog="python -m deploy.demo",
        description="Send Sarah's journey, and 200 other visitors, over the real endpoints of a "
        "running stack (or one started for it), and watch scores, stages and the hand-off to "
        "sales. Repeating it adds no points.",
    )
    parser.add_argument(
        "--fast", action="store_true", help="don't wait for each step to be scored, and no pauses"
    )
    parser.add_argument(
        "--deadline",
        type=float,
        default=DEADLINE_SECONDS,
        metavar="SECONDS",
        help="how long to wait for what must arrive (default: %(default)s)",
    )
    options = parser.parse_args()
    console = Console()
    if not console.is_terminal:
        console = Console(width=PLAIN_WIDTH)
    screen = Screen(console)
    pace = Pace(
        pause=0.0 if options.fast else 0.4 if console.is_terminal else 0.0,
        follow=not options.fast,
        deadline=options.deadline,
    )
    try:
        show = Show(running_stack(Path.cwd(), screen.line), screen, pace)
        asyncio.run(show.run())
    except (NoStackError, NotTakenError) as error:
        screen.line(f"The demo failed: {error}")
        return 1
    except KeyboardInterrupt:
        return 130
    for missing in show.missing:
        screen.line(f"Missing: {missing}")
    if not show.missing:
        screen.line("Sarah was handed to sales, and every point of her score is explained.")
    return 1 if show.missing else 0


if __name__ == "__main__":
    sys.exit(main())
