"""What callers send about a customer; `connectors/api/mapping/customer.yaml` says what becomes of it."""

import json
from hashlib import sha256
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from connectors.wire import loads
from streams.gateway.answers import Answer

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Email = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", max_length=100)]


class Address(BaseModel):
    """A postal address."""

    model_config = ConfigDict(extra="forbid")

    line1: Text | None = None
    line2: Text | None = None
    city: Text | None = None
    region: Text | None = Field(None, description="state or province")
    postal_code: Text | None = None
    country: Text | None = Field(None, description="name or ISO 3166 code")


class Customer(BaseModel):
    """A person or an organisation that is to be a customer in the accounts."""

    model_config = ConfigDict(extra="forbid", title="Customer")

    external_id: Text | None = Field(
        None, description="the caller's own id; the same id is the same customer. Absent: the first e-mail address"
    )
    kind: Literal["person", "organisation"] = "person"
    name: Text | None = Field(None, description="as the accounts shall show it; absent: given and family name")
    given_name: Text | None = None
    family_name: Text | None = None
    company_name: Text | None = None
    emails: list[Email] = Field(default_factory=list, max_length=10)
    phones: list[Text] = Field(default_factory=list, max_length=10)
    website: Text | None = None
    billing_address: Address | None = None
    shipping_address: Address | None = None

    @model_validator(mode="after")
    def _named(self) -> "Customer":
        if not (self.name or self.given_name or self.family_name):
            raise ValueError("name, given_name or family_name is needed")
        return self

    def external(self, key: str) -> str:
        """Return the id under which the caller knows the customer; `key` where nothing else says who it is."""
        return self.external_id or (self.emails[0].lower() if self.emails else key)

    def body(self, external_id: str) -> bytes:
        """Return the JSON for the mapping; what the caller left out stays out."""
        given = self.model_dump(exclude_none=True, exclude_unset=True) | {"kind": self.kind}
        return json.dumps(given | {"external_id": external_id}, ensure_ascii=False).encode()

    @property
    def digest(self) -> str:
        """What tells this content from another, however it was written."""
        content = json.dumps(self.model_dump(exclude_unset=True), sort_keys=True)
        return sha256(content.encode()).hexdigest()[:32]


def customer_in(body: bytes) -> Customer:
    """Read a body.

    Raises:
        Answer: not JSON, or not a customer; names the field.
    """
    try:
        parsed = loads(body)
    except ValueError as error:
        raise Answer("malformed", 400, f"the body is not JSON: {error}") from None
    try:
        return Customer.model_validate(parsed)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        at = ".".join(str(part) for part in first["loc"]) or "body"
        raise Answer("invalid", 422, f"{at}: {first['msg']}") from None
