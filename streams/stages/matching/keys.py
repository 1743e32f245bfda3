"""Blocking: only records that share a key are compared at all.

A key stands for one way in which two records of a party agree however noisy the rest is. It must be rare, for buckets
that grow beyond their cap are given up; so each joins parts of two fields or is long.
"""

from collections.abc import Iterator

from streams.stages.matching.traits import PERSON, Email, Traits

EMAIL_DIGITS = 5
EMAIL_LOCAL = 8
PHONE_TAIL = 8
STREET, CITY, POSTAL = 0, 1, 2


def keys(traits: Traits) -> list[str]:
    """Return the keys of a record, each once; the first characters tell kind of party and kind of key."""
    found = _of_person(traits) if traits.kind == PERSON else _of_organisation(traits)
    return list(dict.fromkeys(f"{traits.kind}{key}" for key in (*_of_any(traits), *found)))


def _of_any(traits: Traits) -> Iterator[str]:
    for number in traits.numbers:
        yield f"n{number}"
    for phone in traits.phones:
        yield f"t{phone[-PHONE_TAIL:]}"
    if traits.place and traits.place[STREET] and traits.place[POSTAL]:
        yield f"a{traits.place[STREET][:8]}|{traits.place[POSTAL]}"


def _of_person(traits: Traits) -> Iterator[str]:
    given, family, company = traits.given, traits.family, traits.company.replace(" ", "")
    for email in traits.emails:
        yield f"e{_mailbox(email)}"
    if family and company:
        yield f"c{family[:2]}|{company[:4]}"
    if given and family:
        first, last = sorted((given[:3], family[:3]))  # in order, so that swapped names meet
        yield f"g{first}|{last}"
        yield f"l{family[-4:]}|{given[0]}"
    if traits.place and family:
        _, _, postal, region, country = traits.place
        if postal or region:
            yield f"p{country}|{postal or region}|{family[0]}"


def _mailbox(email: Email) -> str:
    """Return what an address keeps through wrong domains, or when only its digits are left."""
    if len(email.digits) >= EMAIL_DIGITS:
        return email.digits[-EMAIL_DIGITS - 1 :]
    return email.local if len(email.local) >= EMAIL_LOCAL else email.text


def _of_organisation(traits: Traits) -> Iterator[str]:
    if traits.domain:
        yield f"d{traits.domain}"
    words = traits.company.split()
    if words:
        yield f"c{''.join(words)[:6]}"
        yield f"w{''.join(sorted(word[:4] for word in words))[:10]}"
        if traits.place and (near := traits.place[POSTAL] or traits.place[CITY]):
            yield f"p{words[0][:2]}|{near[:5]}"
