"""The two error families: what to try again, and what is poison. Anything else ends the process."""


class TryAgainError(Exception):
    """A dependency is away or busy; the same work may succeed later."""


class PoisonError(Exception):
    """The data itself is at fault: trying again can't help, so it goes to the dead letter.

    `code` is a short snake_case reason, safe for logs and metric labels.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
