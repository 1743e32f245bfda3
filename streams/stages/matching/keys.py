"""Blocking: only records that share a key are compared at all.

A key stands for one way in which two records of a party agree however noisy the rest is. It must be rare, for buckets
that grow beyond their cap are given up; so each joins parts of two fields or is long.

A mailbox or telephone is one field, its key but a part of it, which many have by chance once there are many records.
So a record leaves a mark beside its name there, which mostly tells that it is not worth a look.
"""

from zlib import crc32

from streams.stages.matching.traits import PERSON, Email, Traits

VERSION = 1
"""Counts changes of keys and marks: a record that stands under older ones is entered anew with its next news."""
EMAIL_DIGITS = 5
EMAIL_LOCAL = 8
PHONE_TAIL = 8
PHONE_LONG = 12
COMMON = ("Pc", "Pg", "Pp")
"""Keys of parts of a person's name with company or place: the more people, the more have them by chance."""
NAMES, COMPANY, CHECK, MARK = 2, 2, 3, 6
"""In a mark: end of the initials of both names, place of the company's, start of a check of the field; its length."""
UNKNOWN = " "
UNMARKED = UNKNOWN * MARK
NOWHERE = ("",) * 5
STREET, CITY, POSTAL = 0, 1, 2


def keys(traits: Traits) -> dict[str, str]:
    """Return the keys of a record and its mark at each; the first characters tell kind of party and kind of key."""
    kind = traits.kind
    found = dict.fromkeys([f"{kind}n{number}" for number in traits.numbers], UNMARKED)
    initials = f"{traits.given[:1] or UNKNOWN}{traits.family[:1] or UNKNOWN}{traits.company[:1] or UNKNOWN}"
    for phone in traits.phones:
        _mark(f"{kind}t{_telephone(phone)}", phone, initials, found)
    if traits.place and traits.place[STREET] and traits.place[POSTAL]:
        found[f"{kind}a{traits.place[STREET][:8]}|{traits.place[POSTAL]}"] = UNMARKED
    if kind == PERSON:
        for email in traits.emails:
            _mark(f"Pe{_mailbox(email)}", email.text, initials, found)
        _of_person(traits, found)
    else:
        _of_organisation(traits, found)
    return found


def may_agree(mark: str, other: str) -> bool:
    """Tell whether two with a key may be one person, or have the same mailbox or telephone.

    One initial will do, as the rest may be swapped, mistyped or another nowadays.
    """
    mine, others = mark[:NAMES], other[:NAMES]
    return (
        mark[CHECK:] == other[CHECK:]
        or mark[COMPANY] == other[COMPANY] != UNKNOWN
        or others[0] in mine
        or others[1] in mine
        or UNKNOWN in mine
        or UNKNOWN in others
    )


def _mark(key: str, value: str, initials: str, found: dict[str, str]) -> None:
    """Add a key of a value and the mark there; two values with one key leave no mark."""
    mark = f"{initials}{crc32(value.encode()) & 0xFFF:03x}"
    found[key] = mark if found.get(key, mark) == mark else UNMARKED


def _telephone(digits: str) -> str:
    """Return the end of a number; one more digit of a long one, which mostly ends in an extension that many have."""
    return digits[-PHONE_TAIL:] + digits[-PHONE_LONG : 1 - PHONE_LONG]


def _of_person(traits: Traits, found: dict[str, str]) -> None:
    given, family, company = traits.given, traits.family, traits.company.replace(" ", "")
    _, _, postal, region, country = traits.place or NOWHERE
    if not family:
        return
    if company:
        found[f"Pc{family[:2]}|{company[:4]}|{given[:1]}"] = UNMARKED
    if given:
        first, last = sorted((given[:3], family[:3]))  # in order, so that swapped names meet
        found[f"Pg{first}|{last}|{company[:1]}"] = UNMARKED
    if postal or region:
        found[f"Pp{country}|{postal or region}|{family[0]}|{given[:1]}"] = UNMARKED


def _mailbox(email: Email) -> str:
    """Return what an address keeps through wrong domains, or when only its digits are left."""
    if len(email.digits) >= EMAIL_DIGITS:
        return email.digits[-EMAIL_DIGITS - 1 :]
    return email.local if len(email.local) >= EMAIL_LOCAL else email.text


def _of_organisation(traits: Traits, found: dict[str, str]) -> None:
    if traits.domain:
        found[f"Od{traits.domain}"] = UNMARKED
    words = traits.company.split()
    if words:
        found[f"Oc{''.join(words)[:6]}"] = UNMARKED
        found[f"Ow{''.join(sorted(word[:4] for word in words))[:10]}"] = UNMARKED
        if traits.place and (near := traits.place[POSTAL] or traits.place[CITY]):
            found[f"Op{words[0][:2]}|{near[:5]}"] = UNMARKED
