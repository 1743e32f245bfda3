"""Errors of the Pub/Sub API: a gRPC status, and the vendor's code in the trailer `error-code` ("Handle Errors")."""

import grpc

PREFIX = "sfdc.platform.eventbus.grpc."
_REPLAY = "The Replay ID validation failed. Ensure that the Replay ID is valid."
_CODES: dict[str, tuple[grpc.StatusCode, str]] = {
    "service.auth.error": (
        grpc.StatusCode.UNAUTHENTICATED,
        "An authentication error occurred.",
    ),
    "service.auth.headers.invalid": (
        grpc.StatusCode.UNAUTHENTICATED,
        "The metadata accesstoken, instanceurl and tenantid are required with every call.",
    ),
    "service.unavailable": (grpc.StatusCode.UNAVAILABLE, "The service is temporarily unavailable."),
    "service.protection.triggered": (grpc.StatusCode.RESOURCE_EXHAUSTED, "Too many requests."),
    "topic.not.found": (grpc.StatusCode.NOT_FOUND, "The requested topic does not exist or cannot be accessed."),
    "topic.meta.permission": (grpc.StatusCode.PERMISSION_DENIED, "You do not have permission to access the topic."),
    "topic.validation.empty": (grpc.StatusCode.INVALID_ARGUMENT, "The topic name must not be empty."),
    "schema.validation.failed": (grpc.StatusCode.INVALID_ARGUMENT, "The schema id is not valid."),
    "subscription.fetch.replayid.corrupted": (grpc.StatusCode.INVALID_ARGUMENT, _REPLAY),
    "subscription.fetch.replayid.validation.failed": (grpc.StatusCode.INVALID_ARGUMENT, _REPLAY),
    "subscription.fetch.requested.events.invalid": (
        grpc.StatusCode.INVALID_ARGUMENT,
        "The number of requested events must be greater than 0.",
    ),
    "subscription.fetch.topic.mismatch": (
        grpc.StatusCode.INVALID_ARGUMENT,
        "A stream's topic cannot be changed; open another stream.",
    ),
    "subscription.limit.exceeded": (
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        "You have exceeded the event delivery limit for your org.",
    ),
    "publish.topic.cannot.publish": (grpc.StatusCode.PERMISSION_DENIED, "Events cannot be published to this topic."),
    "publish.event.count.invalid": (grpc.StatusCode.INVALID_ARGUMENT, "A request publishes 1 to 200 events."),
    "publish.topic.mismatch": (grpc.StatusCode.INVALID_ARGUMENT, "A stream's topic cannot be changed."),
    "managed.subscription.developer.name.not.found": (
        grpc.StatusCode.NOT_FOUND,
        "There is no managed subscription of that developer name.",
    ),
    "managed.subscription.subscription.id.not.found": (
        grpc.StatusCode.NOT_FOUND,
        "There is no managed subscription of that id.",
    ),
    "publish.payload.invalid": (grpc.StatusCode.INVALID_ARGUMENT, "The payload does not fit its schema."),
    "managed.subscription.config.stopped": (
        grpc.StatusCode.FAILED_PRECONDITION,
        "The managed subscription is stopped.",
    ),
    "managed.subscription.already.active": (
        grpc.StatusCode.FAILED_PRECONDITION,
        "The managed subscription is in use by another stream.",
    ),
}


class RefusalError(Exception):
    """One refused call; `code` is the vendor's, without its common prefix."""

    def __init__(self, code: str, status: grpc.StatusCode | None = None, message: str = "") -> None:
        super().__init__(code)
        known = _CODES.get(code, (grpc.StatusCode.UNKNOWN, code))
        self.code = PREFIX + code
        self.status = status or known[0]
        self.message = message or known[1]
