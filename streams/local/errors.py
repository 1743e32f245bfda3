"""What can keep the local stack from running."""

from connectors.kafka.embedded.errors import EmbeddedError


class LocalError(EmbeddedError):
    """The local stack cannot do what was asked; the message says why and what to do."""
