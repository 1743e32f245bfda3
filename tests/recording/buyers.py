"""Who buys: companies with one person each, all of them easily told apart."""

from dataclasses import dataclass
from random import Random

_BEGIN = (
    "Bal",
    "Cor",
    "Dren",
    "Fal",
    "Gor",
    "Hul",
    "Jas",
    "Kem",
    "Lun",
    "Mor",
    "Nav",
    "Pel",
    "Rud",
    "Sel",
    "Tov",
    "Vek",
)
_MIDDLE = ("a", "e", "i", "o", "u", "ani", "eri", "obo", "uli", "azo")
_END = ("bert", "check", "dahl", "fens", "grim", "holt", "jack", "kirk", "mund", "nox", "pont", "quist", "rath", "stum")
_TRADES = ("Marine", "Optics", "Foods", "Textiles", "Robotics", "Energy", "Ceramics", "Logistics")
_TOWNS = (("Springfield", "IL", "62701"), ("Reno", "NV", "89501"), ("Albany", "NY", "12207"), ("Austin", "TX", "78701"))


@dataclass(frozen=True, slots=True)
class Buyer:
    """A company and who buys for it.

    Attributes:
        number: differs from all others; amounts and choices follow from it.
    """

    number: int
    given: str
    family: str
    company: str
    domain: str
    phone: str
    street: str
    town: str
    state: str
    zip: str

    @property
    def name(self) -> str:
        """Of the person."""
        return f"{self.given} {self.family}"

    @property
    def email(self) -> str:
        """Of the person."""
        return f"{self.given}.{self.family}@{self.domain}".lower()

    def cents(self, least: int, most: int) -> str:
        """Return an amount of their own."""
        found = Random(f"{self.number} {least}").randrange(least * 100, most * 100)  # noqa: S311  repeatable
        return f"{found // 100}.{found % 100:02d}"


ANN = Buyer(
    *(1, "Ann", "Lee", "Acme, Inc.", "acme.example", "(415) 555-2671", "1 Main St", "Springfield", "IL", "62701")
)
"""The one whom golden files show."""


def buyers(count: int) -> list[Buyer]:
    """Return so many buyers, always the same."""
    dice = Random(count)  # noqa: S311  repeatable
    words = [begin + middle + end for begin in _BEGIN for middle in _MIDDLE for end in _END]
    dice.shuffle(words)
    return [_buyer(number, words[3 * number : 3 * number + 3], dice) for number in range(count)]


def _buyer(number: int, words: list[str], dice: Random) -> Buyer:
    given, family, company = names = [_head(number, place) + word.lower() for place, word in enumerate(words)]
    phone = f"(415) 555-{number:04d}"
    street = f"{dice.randrange(1, 999)} {dice.choice(names)} Street"
    trade = _TRADES[number % len(_TRADES)]
    return Buyer(
        *(number, given, family, f"{company} {trade}", f"{company}.example".lower(), phone, street),
        *dice.choice(_TOWNS),
    )


def _head(number: int, place: int) -> str:
    """Return how a name begins, so that no two are alike."""
    dice = Random(f"{number}/{place}")  # noqa: S311  repeatable
    return "".join(
        dice.choice(part) for part in ("BDFGKLMNPRSTVZ", "aeiou", "bdfgklmnprstvz", "aeiou", "bdfgklmnprstvz")
    )
