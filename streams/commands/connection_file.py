"""The file of `sluiceway connections apply`: its form, and messages that name file, line and field.

```yaml
tenants:
  - tenant: acme
    zone: Europe/Berlin            # IANA
    currency: EUR                  # ISO 4217
    rules: {file: acme-rules.yaml} # or the YAML itself as a text; paths are relative to this file
    policies:                      # who wins where systems disagree: owner:<vendor>, newest or hold (a person decides)
      party.industry: hold
      party.custom.Tier: owner:salesforce
    custom_fields:                 # string, number, boolean, date, instant or texts
      Tier:
        type: string
        read: {salesforce/Account: Customer_Tier__c}
        write: {pardot/Prospect: Customer_Tier__c}
      ProjectCode:
        type: string
        read: {salesforce/Opportunity: Project_Code__c}
        write: {quickbooks/Invoice: "2"}   # QuickBooks: the DefinitionId
        cut: 31                    # longer texts are cut where they are written
    mappings:
      salesforce/account: {file: account.yaml}
    vendors:
      quickbooks:
        base_url: https://quickbooks.api.intuit.com
        account: "1185883450"      # realm; left out, `sluiceway connections authorize` finds it
        settings: {poll_seconds: 60}
        credentials:
          client_id: ABc123
          client_secret: {env: QB_SECRET}      # from the environment
          webhook_secret: {file: verifier.txt} # from a file
```
"""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    model_validator,
)

from connectors.catalogue import VENDORS
from connectors.errors import FatalError
from streams.commands.currencies import CURRENCIES
from streams.stages.mapping.document import Node, read

HOST_ZONES = frozenset({"localtime", "posixrules", "Factory"})
"""Files beside the zones: what they say is each machine's own."""
TENANT = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


def _tenant(value: str) -> str:
    if not TENANT.fullmatch(value):
        raise ValueError(
            f"{value!r} is no tenant id: use a-z, 0-9, '.', '_' and '-', at most 63, a letter or digit first"
        )
    return value


def _zone(value: str) -> str:
    if value not in available_timezones() - HOST_ZONES:
        raise ValueError(f"{value!r} is no IANA time zone; use one like Europe/Berlin or America/New_York")
    return value


def _currency(value: str) -> str:
    if value not in CURRENCIES:
        raise ValueError(f"{value!r} is no ISO 4217 currency; use one like EUR or USD")
    return value


def _setting(value: Any) -> Any:
    """Accept numbers and truth values as people write them in YAML."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


class Part(BaseModel):
    """Of the file: nothing unknown is accepted."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Elsewhere(Part):
    """A value that stands in the environment or in a file."""

    env: str | None = None
    file: Path | None = None

    @model_validator(mode="after")
    def _one(self) -> "Elsewhere":
        if (self.env is None) == (self.file is None):
            raise ValueError("give either env or file")
        return self


class FromFile(Part):
    """A text that stands in a file."""

    file: Path


def _form(value: Any) -> str:
    """Tell a value from where it stands, so that a problem is told of the form that was meant."""
    return "elsewhere" if isinstance(value, dict | Part) else "here"


Scalar = Annotated[str, BeforeValidator(_setting)]
Credential = Annotated[Annotated[Scalar, Tag("here")] | Annotated[Elsewhere, Tag("elsewhere")], Discriminator(_form)]
Text = Annotated[Annotated[str, Tag("here")] | Annotated[FromFile, Tag("elsewhere")], Discriminator(_form)]


class VendorEntry(Part):
    """One vendor of a tenant."""

    base_url: str = Field(pattern=r"^https?://[^\s@?#]+$")
    account: Annotated[Scalar, Field(min_length=1)] | None = None
    paused: bool | None = None
    settings: dict[str, Scalar] = Field(default_factory=dict)
    credentials: dict[str, Credential] = Field(default_factory=dict)


class CustomFieldEntry(Part):
    """One custom field: vendors' fields by vendor/object."""

    type: Literal["string", "number", "boolean", "date", "instant", "texts"]
    read: dict[str, Scalar] = Field(default_factory=dict)
    write: dict[str, Scalar] = Field(default_factory=dict)
    cut: Annotated[int, Field(ge=0)] = 0


class TenantEntry(Part):
    """One tenant."""

    tenant: Annotated[str, AfterValidator(_tenant)]
    zone: Annotated[str, AfterValidator(_zone)]
    currency: Annotated[str, AfterValidator(_currency)]
    rules: Text = ""
    mappings: dict[str, Text] = Field(default_factory=dict)
    policies: dict[str, str] = Field(default_factory=dict)
    custom_fields: dict[str, CustomFieldEntry] = Field(default_factory=dict)
    vendors: dict[str, VendorEntry] = Field(min_length=1)


class Document(Part):
    """The whole file."""

    tenants: list[TenantEntry] = Field(min_length=1)


class ConnectionFile:
    """A read and checked file.

    Args:
        path: of the file.
        environ: where `{env: NAME}` looks.

    Raises:
        FatalError: anything is wrong; a line for each problem.
        MappingError: not YAML, or a key stands twice.
        OSError: it cannot be read.
    """

    def __init__(self, path: Path, environ: Mapping[str, str] = os.environ) -> None:
        self._path = path
        self._environ = environ
        self._root = read(str(path), self._text(path))
        try:
            self.tenants: Sequence[TenantEntry] = Document.model_validate(_plain(self._root)).tenants
        except ValidationError as error:
            problems = error.errors(include_url=False, include_input=False)
            raise FatalError(
                "\n".join(self._problem(p["loc"], _REASONS.get(p["type"], p["msg"])) for p in problems)
            ) from None
        self._refuse(self._unknown_vendors() + self._twice())

    def text(self, value: str | FromFile) -> str:
        """Return a text, from its file if it stands there.

        Raises:
            FatalError: the file is not UTF-8.
            OSError: it cannot be read.
        """
        return value if isinstance(value, str) else self._text(self._path.parent / value.file)

    def secret(self, value: str | Elsewhere, *loc: str | int) -> str:
        """Return a credential; `loc` says where it stands, for the message.

        Raises:
            FatalError: the variable is not set, or there is nothing.
        """
        found = value if isinstance(value, str) else self._elsewhere(value, loc)
        if not found:
            raise FatalError(self._problem(loc, "the credential is empty"))
        return found

    def problem(self, *loc: str | int, reason: str) -> FatalError:
        """Return an error that points at a place of the file."""
        return FatalError(self._problem(loc, reason))

    def _elsewhere(self, value: Elsewhere, loc: Sequence[str | int]) -> str:
        if value.file is not None:
            return self._text(self._path.parent / value.file).rstrip("\n")
        found = self._environ.get(value.env or "")
        if found is None:
            raise FatalError(self._problem(loc, f"the environment has no {value.env}; export it and apply again"))
        return found

    def _unknown_vendors(self) -> list[str]:
        return [
            self._problem(
                ("tenants", i, "vendors", name), f"vendor is unknown; use one of {', '.join(sorted(VENDORS))}"
            )
            for i, tenant in enumerate(self.tenants)
            for name in tenant.vendors
            if name not in VENDORS
        ]

    def _twice(self) -> list[str]:
        seen: dict[str, int] = {}
        problems = []
        for i, tenant in enumerate(self.tenants):
            if tenant.tenant in seen:
                reason = f"tenant {tenant.tenant} stands twice, first as tenants[{seen[tenant.tenant]}]; remove one"
                problems.append(self._problem(("tenants", i, "tenant"), reason))
            seen.setdefault(tenant.tenant, i)
        return problems

    def _refuse(self, problems: Sequence[str]) -> None:
        if problems:
            raise FatalError("\n".join(problems))

    def _problem(self, loc: Sequence[str | int], reason: str) -> str:
        node, path = _deepest(self._root, loc)
        return f"{self._path}:{node.line}: {path or '(top)'}: {reason.removeprefix('Value error, ')}"

    def _text(self, path: Path) -> str:
        try:
            return path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise FatalError(f"{path}: not UTF-8 text ({error.reason} at byte {error.start})") from None


def _plain(node: Node, *, verbatim: bool = False) -> Any:
    """Return what pydantic reads; `verbatim`: texts, where YAML would make another number of an id like 007."""
    if isinstance(node.value, dict):
        return {key: _plain(child, verbatim=verbatim or key in _VERBATIM) for key, child in node.value.items()}
    if isinstance(node.value, list):
        return [_plain(child) for child in node.value]
    return node.written if verbatim and node.value is not None else node.value


def _deepest(root: Node, loc: Sequence[str | int]) -> tuple[Node, str]:
    """Return the last node on the way to `loc` that is written in the file, and the path as the file has it.

    pydantic also names the forms of a union on the way; those are no keys. A key that is missing is named.
    """
    node, path = root, ""
    for position, part in enumerate(loc):
        child = _child(node, part)
        if child is None and (part in _FORMS or position < len(loc) - 1):
            continue
        node = child or node
        path += f"[{part}]" if isinstance(part, int) else f".{part}"
    return node, path.lstrip(".")


def _child(node: Node, part: str | int) -> Node | None:
    if isinstance(node.value, dict):
        found = node.value.get(part)
        return found if isinstance(found, Node) else None
    if isinstance(node.value, list) and isinstance(part, int) and part < len(node.value):
        return node.value[part] if isinstance(node.value[part], Node) else None
    return None


_FORMS = frozenset({"here", "elsewhere"})
_VERBATIM = frozenset({"account", "credentials", "read", "write"})
_REASONS: Mapping[str, str] = {
    "missing": "is missing; add it",
    "extra_forbidden": "is unknown; remove it, or correct its name",
    "string_type": "should be a text",
    "list_type": "should be a list",
    "dict_type": "should be a mapping of keys to values",
    "model_type": "should be a mapping of keys to values",
    "too_short": "is empty; name at least one",
    "string_pattern_mismatch": "should be an address like https://shop.example.com, without blanks, password or query",
}
