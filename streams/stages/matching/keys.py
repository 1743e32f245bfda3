"""Blocking: only records that share a key are compared at all.

A key stands for one way in which two records of a party agree however noisy the rest is. It must be rare, for buckets
that grow beyond their cap are given up; so each joins parts of two fields or is long.
"""

from streams.stages.matching.traits import PERSON, Email, Traits

EMAIL_DIGITS = 5
EMAIL_LOCAL = 8
PHONE_TAIL = 8
PHONE_LONG = 12
COMMON = ("Pc", "Pg", "Pp")
"""Keys of parts of a person's name with company or place: the more people, the more have them by chance."""
NOWHERE = ("",) * 5
STREET, CITY, POSTAL = 0, 1, 2


def keys(traits: Traits) -> list[str]:
    """Return the keys of a record, each once; the first characters tell kind of party and kind of key."""
    kind = traits.kind
    found = [f"{kind}n{number}" for number in traits.numbers]
    found += [f"{kind}t{_telephone(phone)}" for phone in traits.phones]
    if traits.place and traits.place[STREET] and traits.place[POSTAL]:
        found.append(f"{kind}a{traits.place[STREET][:8]}|{traits.place[POSTAL]}")
    if kind == PERSON:
        _of_person(traits, found)
    else:
        _of_organisation(traits, found)
    return list(dict.fromkeys(found))


def _telephone(digits: str) -> str:
    """Return the end of a number; one more digit of a long one, which mostly ends in an extension that many have."""
    return digits[-PHONE_TAIL:] + digits[-PHONE_LONG : 1 - PHONE_LONG]


def _of_person(traits: Traits, found: list[str]) -> None:
    given, family, company = traits.given, traits.family, traits.company.replace(" ", "")
    _, _, postal, region, country = traits.place or NOWHERE
    found += [f"Pe{_mailbox(email)}" for email in traits.emails]
    if not family:
        return
    if company:
        found.append(f"Pc{family[:2]}|{company[:4]}|{given[:1]}")
    if given:
        first, last = sorted((given[:3], family[:3]))  # in order, so that swapped names meet
        found.append(f"Pg{first}|{last}|{company[:1]}")
    if postal or region:
        found.append(f"Pp{country}|{postal or region}|{family[0]}|{given[:1]}")


def _mailbox(email: Email) -> str:
    """Return what an address keeps through wrong domains, or when only its digits are left."""
    if len(email.digits) >= EMAIL_DIGITS:
        return email.digits[-EMAIL_DIGITS - 1 :]
    return email.local if len(email.local) >= EMAIL_LOCAL else email.text


def _of_organisation(traits: Traits, found: list[str]) -> None:
    if traits.domain:
        found.append(f"Od{traits.domain}")
    words = traits.company.split()
    if words:
        found.append(f"Oc{''.join(words)[:6]}")
        found.append(f"Ow{''.join(sorted(word[:4] for word in words))[:10]}")
        if traits.place and (near := traits.place[POSTAL] or traits.place[CITY]):
            found.append(f"Op{words[0][:2]}|{near[:5]}")
