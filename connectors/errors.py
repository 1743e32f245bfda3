"""Every error a connector raises, sorted by what the caller does next.

ConnectorError
├── RetryableError          wait (`retry_after` seconds if the vendor said so) and send the same request again
│   ├── NotSentError        the request surely never reached the vendor: no doubt about its effect
│   ├── InDoubtError        no answer, the vendor may have committed: look first (`Sink.find`), then repeat
│   └── StaleError          someone else changed the object: read it again, rebuild, then write
├── QuotaError              the vendor's limit is reached until `until`: pause the connection, lose nothing
├── UnauthorizedError       the token is not accepted: refresh once, then pause the connection and alert
├── MissingReferenceError   the object it points to is not there: ask for the parent, then repeat
├── RejectedError           the vendor refuses this content: dead letter
│   └── DuplicateError      an object with this natural key exists: adopt it if it is ours, else review
└── FatalError              credentials or settings are wrong: stop and say so
DecodeError                 bytes that are not what their schema says: dead letter
MappingError                a record that its mapping cannot turn into what is asked: dead letter
"""

from datetime import datetime


class ConnectorError(Exception):
    """What a vendor call ended in, other than success.

    Args:
        message: what happened and what to do, without secrets or personal data.
        code: the vendor's own code, `""` if there is none.
    """

    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class RetryableError(ConnectorError):
    """The same request may succeed later; `retry_after` is the vendor's wish in seconds, if it has one."""

    def __init__(self, message: str, *, code: str = "", retry_after: float | None = None) -> None:
        super().__init__(message, code=code)
        self.retry_after = retry_after


class NotSentError(RetryableError):
    """The connection failed before the request left: the vendor knows nothing of it."""


class InDoubtError(RetryableError):
    """The request left and no answer came: it may have been carried out."""


class StaleError(RetryableError):
    """The object has moved on since it was read (QuickBooks 5010)."""


class QuotaError(ConnectorError):
    """A limit that waiting seconds does not mend; `until` is when the vendor counts anew."""

    def __init__(self, message: str, *, code: str = "", until: datetime) -> None:
        super().__init__(message, code=code)
        self.until = until


class UnauthorizedError(ConnectorError):
    """The access token was refused."""


class MissingReferenceError(ConnectorError):
    """The object refers to one that the vendor does not have; `object_key` names it when we know it."""

    def __init__(self, message: str, *, code: str = "", object_key: str | None = None) -> None:
        super().__init__(message, code=code)
        self.object_key = object_key


class RejectedError(ConnectorError):
    """The vendor refuses the content and always will."""


class DuplicateError(RejectedError):
    """The vendor has another object with the same natural key (QuickBooks 6240, 6140)."""


class FatalError(ConnectorError):
    """Nothing of this connection can work until a person changes credentials or settings."""


class DecodeError(Exception):
    """Bytes that do not follow the schema they name."""


class UnknownSchemaError(DecodeError):
    """The registry does not know the schema id (yet): wait for it, do not dead-letter."""

    def __init__(self, schema_id: int) -> None:
        super().__init__(f"schema id {schema_id} is not in the registry")
        self.schema_id = schema_id


class MappingError(Exception):
    """A record cannot become what its mapping promises.

    Args:
        field: the target field, dotted, e.g. `lines[2].amount`.
        reason: what is wrong with it, in a sentence a user can act on.
    """

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason
