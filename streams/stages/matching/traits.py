"""What is compared of a record, in the form in which it is compared."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
from rapidfuzz.utils import default_process

from streams.stages import normalise
from streams.stages.matching.names import TITLES

PERSON, ORGANISATION = "P", "O"
KINDS: Mapping[str, str] = {"PERSON": PERSON, "ORGANISATION": ORGANISATION}
_KINDS = {trait: kind for kind, trait in KINDS.items()}
_NAMES = frozenset({"name", "given_name", "family_name"})
_TOLD_BY: Mapping[str, frozenset[str]] = {
    "given": _NAMES,
    "family": _NAMES,
    "company": frozenset({"name", "company_name"}),
    "emails": frozenset({"emails"}),
    "phones": frozenset({"phones"}),
    "place": frozenset({"billing_address", "shipping_address"}),
    "domain": frozenset({"website", "emails"}),
}
"""Which fields tell of a trait."""
SEPARATOR = "\x1e"
"""Between the traits of a packed record; no folded text has it."""
PLACE: Mapping[str, str] = {
    "street": "line1",
    "city": "city",
    "postal": "postal_code",
    "region": "region",
    "country": "country",
}
"""What is compared of an address → field of the canonical one."""
_ADDRESS = tuple(PLACE.values())
NUMBERS: Mapping[str, str] = {"tax_id": "tax", "registration_number": "register", "birth_date": "born"}
"""Custom fields that tell who somebody is, and what their numbers are called here."""
MIN_PHONE = 7
CACHED = 16_384
"""So many folded texts are remembered: names, companies and places come again and again."""
_NO_DIGIT = re.compile(r"\D+")
_SCHEME = re.compile(r"^(?:https?://)?(?:www\.)?", re.IGNORECASE)


class Email(NamedTuple):
    """An address, or what stood in its place: then both parts are empty."""

    text: str
    local: str
    domain: str
    digits: str


class Traits(msgspec.Struct, frozen=True):
    """One record, folded for comparing; "" is unknown.

    Attributes:
        kind: `PERSON` or `ORGANISATION`.
        given: given name, letters and digits only.
        family: family name, likewise.
        company: name of the organisation, or of the one a person works for, without legal form.
        emails: a person's addresses and what stands in their place; no role mailboxes.
        phones: digits, an extension's at the end.
        place: of the address, in the order of `PLACE`; empty if there is none.
        domain: an organisation's own internet domain.
        numbers: `name=digits` of numbers that only one party has.
    """

    kind: str
    given: str = ""
    family: str = ""
    company: str = ""
    emails: tuple[Email, ...] = ()
    phones: tuple[str, ...] = ()
    place: tuple[str, ...] = ()
    domain: str = ""
    numbers: tuple[str, ...] = ()

    def packed(self) -> str:
        """Return everything in one text, for a row."""
        emails, phones = " ".join(email.text for email in self.emails), " ".join(self.phones)
        names = (self.kind, self.given, self.family, self.company)
        return SEPARATOR.join((*names, emails, phones, self.domain, " ".join(self.numbers), *self.place))

    @classmethod
    def unpacked(cls, text: str) -> "Traits":
        """Read what `packed` wrote."""
        return _unpacked(text)

    @classmethod
    def of(cls, fields: Mapping[str, Any], custom: Mapping[str, Any] | None = None) -> "Traits | None":
        """Return the traits of a canonical party's fields; None if they do not say what it is."""
        kind = KINDS.get(fields.get("kind") or "")
        if kind is None:
            return None
        person = kind == PERSON
        given, family = _names(fields) if person else ("", "")
        address = fields.get("billing_address") or fields.get("shipping_address") or {}
        emails = fields.get("emails") or ()
        return cls(
            kind=kind,
            given=given,
            family=family,
            company=_company(fields.get("company_name" if person else "name") or ""),
            emails=tuple(dict.fromkeys(_email(one) for one in emails if one.strip() and not _role(one)))
            if person
            else (),
            phones=tuple(dict.fromkeys(filter(None, (_phone(one) for one in fields.get("phones") or ())))),
            place=_place(address) if address else (),
            domain="" if person else _domain(fields.get("website"), emails),
            numbers=tuple(sorted(_numbers(custom or {}))),
        )

    def after(self, fields: Mapping[str, Any], custom: Mapping[str, Any] | None = None) -> "Traits":
        """Return the traits after a record that may speak of some fields only; the others stay."""
        found = Traits.of({"kind": _KINDS[self.kind], **fields}, custom)
        if found is None or found.kind != self.kind:
            return found or self
        silent = [trait for trait, told in _TOLD_BY.items() if told.isdisjoint(fields)]
        if not any(name in (custom or {}) for name in NUMBERS):
            silent.append("numbers")
        return msgspec.structs.replace(found, **{trait: getattr(self, trait) for trait in silent})


@lru_cache(maxsize=CACHED)
def _company(name: str) -> str:
    return normalise.company_key(name) or ""


@lru_cache(maxsize=CACHED)
def _unpacked(text: str) -> Traits:
    kind, given, family, company, emails, phones, domain, numbers, *place = text.split(SEPARATOR)
    addresses = tuple(parsed(email) for email in emails.split(" ")) if emails else ()
    own = tuple(phones.split(" ")) if phones else ()
    return Traits(kind, given, family, company, addresses, own, tuple(place), domain, tuple(numbers.split()))


@lru_cache(maxsize=CACHED)
def fold(value: str | None) -> str:
    """Return text in lower case, without accents and punctuation, single blanks between words."""
    if not value:
        return ""
    if not value.isascii():
        decomposed = unicodedata.normalize("NFKD", value)
        value = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    folded = default_process(value)
    return " ".join(folded.split()) if "  " in folded else folded


def parsed(text: str) -> Email:
    """Take an address in lower case apart."""
    local, at, domain = text.rpartition("@")
    if not (local and domain):
        return Email(text, "", "", _NO_DIGIT.sub("", text))
    return Email(text, local, domain if at else "", _NO_DIGIT.sub("", local))


def _email(value: str) -> Email:
    return parsed("".join(unicodedata.normalize("NFC", value).casefold().split()))


def _role(value: str) -> bool:
    return value.rpartition("@")[0].casefold().partition("+")[0] in normalise.ROLES


def _phone(value: str) -> str:
    digits = _NO_DIGIT.sub("", value)
    return digits if len(digits) >= MIN_PHONE else ""


def _names(fields: Mapping[str, Any]) -> tuple[str, str]:
    """Return given and family name; from the full name where the parts are not told."""
    given, family = fields.get("given_name"), fields.get("family_name")
    if not (given or family) and fields.get("name"):
        last, comma, rest = str(fields["name"]).partition(",")
        words = fold(f"{rest} {last}" if comma else last).split()
        words = [word for word in words if word not in TITLES] or words
        return "".join(words[:-1]), words[-1] if words else ""
    return _squeezed(given), _squeezed(family)


@lru_cache(maxsize=CACHED)
def _squeezed(name: str | None) -> str:
    words = fold(name).split()
    return "".join([word for word in words if word not in TITLES] or words)


def _place(address: Mapping[str, str | None]) -> tuple[str, ...]:
    street, city, postal, region, country = [fold(address.get(field)) for field in _ADDRESS]
    parts = (street, city, postal.replace(" ", ""), region, country)
    return parts if any(parts) else ()


def _domain(website: str | None, emails: Iterable[str]) -> str:
    """Return an organisation's own domain: of its site, else of an address that is not at a provider of free mail."""
    if website:
        return _SCHEME.sub("", website.strip()).partition("/")[0].casefold()
    domains = (email.rpartition("@")[2].casefold() for email in emails if "@" in email)
    return next((domain for domain in domains if domain not in normalise.FREE_MAIL), "")


def _numbers(custom: Mapping[str, Any]) -> Iterable[str]:
    for field, name in NUMBERS.items():
        digits = fold(str(custom[field])).replace(" ", "") if custom.get(field) is not None else ""
        if digits:
            yield f"{name}={digits}"
