"""What can keep the embedded stack from running; every message says what to do about it."""


class EmbeddedError(Exception):
    """The embedded stack cannot do what was asked, for a reason a person can mend."""


class InstallError(EmbeddedError):
    """The servers' files are not complete in the cache and could not be brought there."""


class StartError(EmbeddedError):
    """A process ended before it was ready, or was not ready in time; the message ends with its last log lines."""
