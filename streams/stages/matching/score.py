"""How like two records are: a level of agreement for each field, and what the levels weigh together."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from rapidfuzz.distance import OSA, JaroWinkler, Levenshtein
from rapidfuzz.fuzz import token_set_ratio

from streams.stages.matching.names import NICKNAMES, same_person_may_use
from streams.stages.matching.traits import CACHED, PERSON, PLACE, Email, Traits
from streams.stages.matching.weights import ORGANISATIONS, PERSONS, REVIEW, Levels

T = TypeVar("T")
_DIGITS = re.compile(r"\d+")
NEAR, WEAK, CLASH = 0.75, 0.5, 0.3
"""From which share of equal letters on a text is near or weak; up to which two names are plainly two names."""
MIN_CLASH = 4
RANKS: Mapping[str, int] = {"same": 5, "short": 4, "near": 3, "initial": 2, "weak": 2, "other": 0, "clash": 0}
UNKNOWN_RANK = 1
TWO_NEAR = 6
TYPOS = 2
LONG_CODE = 7
MIN_DIGITS = 5
DISTINCT_DIGITS = 3
WEAK_START = 0.8
"""Jaro-Winkler: names that begin alike are weak in spite of their ends."""
PHONE_LENGTH = 12
_NOBODY = frozenset({("other", "other"), ("other", "clash"), ("weak", "clash")})
_STRANGE = frozenset({"other", "clash"})
_UNLIKE = frozenset({"odd", "other"})
_LIKE = frozenset({"same", "near"})
_APART = frozenset({"other", "clash", "weak"})


@dataclass(frozen=True, slots=True)
class Score:
    """How like two records are.

    Attributes:
        total: sum of the weights.
        levels: field → level of agreement, for each field that both have.
    """

    total: float
    levels: Mapping[str, str]

    @property
    def names_agree(self) -> bool:
        """Whether it can be one party by its names: no shared mailbox or telephone outweighs another given name.

        Family names change, but hardly with the mailbox; who has the same official number is the same, whatever the
        name.
        """
        levels = self.levels
        given, family, official = levels.get("given"), levels.get("family"), levels.get("tax") or levels.get("register")
        mistyped = official == "near" and not _LIKE.isdisjoint({levels.get("born"), levels.get("street")})
        if official == "same" or mistyped:
            return True
        changed = family == "clash" and levels.get("email") in _UNLIKE
        return given != "clash" and not changed and (given, family) not in _NOBODY

    @property
    def contradicted(self) -> bool:
        """Whether mailbox and name both speak against one party: not worth a question, whatever else they share."""
        levels = self.levels
        other = levels.get("given") in _STRANGE or levels.get("family") in _STRANGE
        return other and levels.get("email") == "other"

    @property
    def shared(self) -> bool:
        """Whether two others share a mailbox or a number: another name, and not known to be at the same company."""
        levels = self.levels
        common = levels.get("email") == "same" or levels.get("phone") == "same"
        apart = levels.get("given") in _APART and levels.get("family") in _APART
        return common and apart and levels.get("company") not in _LIKE


def compare(mine: Traits, other: Traits) -> Score:
    """Compare two records of one kind."""
    found: dict[str, str] = {}
    if mine.kind == PERSON:
        weights = PERSONS
        _names(mine, other, found)
        if mine.emails and other.emails:
            found["email"] = _best(_email, mine.emails, other.emails, mine.family)
    else:
        weights = ORGANISATIONS
        if mine.domain and other.domain:
            found["domain"] = "same" if mine.domain == other.domain else "other"
    if mine.phones and other.phones:
        found["phone"] = _best(_phone, mine.phones, other.phones)
    if not (mine.numbers and other.numbers) and (_strangers(found) or _hopeless(found, weights, mine, other)):
        return _score(found, weights)  # neither company nor place makes them one
    if mine.company and other.company:
        found["company"] = "same" if mine.company == other.company else _company(mine.company, other.company)
    if mine.place and other.place:
        _places(mine, other, found)
    if mine.numbers and other.numbers:
        _numbers(mine.numbers, other.numbers, found)
    return _score(found, weights)


def _score(found: Mapping[str, str], weights: Mapping[str, Levels]) -> Score:
    return Score(sum([weights[field][level] for field, level in found.items()]), found)


def _strangers(found: Mapping[str, str]) -> bool:
    """Tell whether nothing personal agrees."""
    return (
        found.get("given") in _STRANGE
        and found.get("family") in _STRANGE
        and found.get("email", "odd") in _UNLIKE
        and found.get("phone", "other") in _UNLIKE
    )


def _hopeless(found: Mapping[str, str], weights: Mapping[str, Levels], mine: Traits, other: Traits) -> bool:
    """Tell whether not even a person would be asked, were company and place the same."""
    if found.get("email") == "same" or found.get("phone") == "same":
        return False  # the company may tell whether it belongs to two
    best = sum([weights[field][level] for field, level in found.items()])
    if mine.company and other.company:
        best += weights["company"]["same"]
    if mine.place and other.place:
        best += sum([worth for part, worth in zip(mine.place, _PLACE_AT_BEST, strict=True) if part])
    return best < REVIEW


def _places(mine: Traits, other: Traits, found: dict[str, str]) -> None:
    for name, a, b, level in zip(PLACE, mine.place, other.place, _PLACE_LEVELS, strict=True):
        if a and b:
            found[name] = "same" if a == b else level(a, b)


def _names(mine: Traits, other: Traits, found: dict[str, str]) -> None:
    """Compare the two names, crossed where they fit better so."""
    given, family = _name(mine.given, other.given), _name(mine.family, other.family)
    if _rank(given) + _rank(family) < TWO_NEAR and (
        _start_alike(mine.given, other.family) or _start_alike(mine.family, other.given)
    ):
        crossed = _name(mine.given, other.family), _name(mine.family, other.given)
        if _rank(crossed[0]) + _rank(crossed[1]) >= TWO_NEAR:
            (given, family), found["swapped"] = crossed, "names"
    if given:
        found["given"] = given
    if family:
        found["family"] = family


def _start_alike(a: str, b: str) -> bool:
    return a[:2] == b[:2] != ""


def _rank(level: str) -> int:
    return RANKS[level] if level else UNKNOWN_RANK


@lru_cache(maxsize=CACHED)
def _name(a: str, b: str) -> str:
    if not a or not b:
        return ""
    if a == b:
        return "same"
    if not (a.isalpha() and b.isalpha()) and _counted(a, b):
        return "clash"
    short, long = (a, b) if len(a) <= len(b) else (b, a)
    if long.startswith(short):
        return "short" if len(short) > 1 else "initial"
    if same_person_may_use(a, b):
        return "short"
    alike = Levenshtein.normalized_similarity(a, b)
    if alike >= NEAR:
        return "near"
    if alike >= WEAK or JaroWinkler.similarity(a, b) >= WEAK_START:
        return "weak"
    plain = len(short) >= MIN_CLASH or (a in NICKNAMES and b in NICKNAMES)
    return "clash" if alike < CLASH and plain else "other"


def _best(level: Callable[..., str], mine: Sequence[T], others: Sequence[T], *more: str) -> str:
    """Return the best level among all pairs."""
    if len(mine) == len(others) == 1:
        return level(mine[0], others[0], *more)
    return min((level(a, b, *more) for a in mine for b in others), key=_ORDER.__getitem__)


def _email(a: Email, b: Email, family: str) -> str:
    if a.text == b.text:
        return "same"
    if not (a.local and b.local):
        return _digits(a.digits, b.digits)
    if a.local == b.local:
        if OSA.distance(a.domain, b.domain, score_cutoff=TYPOS) <= TYPOS:
            return "near"
        by_name = family and family in a.local and len(a.digits) < DISTINCT_DIGITS
        return "by name" if by_name else "local"
    # Who counts up, ann.lee1 and ann.lee2, tells people apart; in a long number it is a slip.
    slip = a.digits == b.digits or min(len(a.digits), len(b.digits)) >= MIN_DIGITS
    if slip and OSA.distance(a.text, b.text, score_cutoff=TYPOS) <= TYPOS:
        return "near"
    return "masked" if _masked(a.local, b.local) else "other"


def _digits(a: str, b: str) -> str:
    """Compare what is left of an address that was typed, or mangled, into something else."""
    if min(len(a), len(b)) < MIN_DIGITS:
        return "odd"
    if a == b:
        return "digits"
    return "digits near" if OSA.distance(a, b, score_cutoff=TYPOS) <= TYPOS else "odd"


def _masked(a: str, b: str) -> bool:
    """Tell whether one is the other with its end blotted out, `ann***`."""
    shown = min(a.partition("*")[0], b.partition("*")[0], key=len)
    return "*" in a + b and len(shown) > 1 and a.startswith(shown) and b.startswith(shown)


def _phone(a: str, b: str) -> str:
    if a == b:
        return "same"
    if a.startswith(b) or b.startswith(a):
        return "stem"
    typos = OSA.distance(a[-PHONE_LENGTH:], b[-PHONE_LENGTH:], score_cutoff=TYPOS)
    return ("like", "near", "like", "other")[typos]


def _counted(a: str, b: str) -> bool:
    """Tell whether two texts have different numbers in them: shop 12 is not shop 13."""
    return _DIGITS.findall(a) != _DIGITS.findall(b)


def _company(a: str, b: str) -> str:
    level = _text(a, b)
    return "other" if level == "near" and _counted(a, b) else level


@lru_cache(maxsize=CACHED)
def _text(a: str, b: str) -> str:
    alike = Levenshtein.normalized_similarity(a, b)
    if alike < NEAR and (" " in a or " " in b):
        alike = max(alike, token_set_ratio(a, b) / 100)
    return "near" if alike >= NEAR else "weak" if alike >= WEAK else "other"


def _code(a: str, b: str) -> str:
    typos = TYPOS if min(len(a), len(b)) >= LONG_CODE else 1
    return "near" if OSA.distance(a, b, score_cutoff=typos) <= typos else "other"


def _other(_a: str, _b: str) -> str:
    return "other"


def _numbers(mine: Sequence[str], other: Sequence[str], found: dict[str, str]) -> None:
    theirs = dict(number.split("=", 1) for number in other)
    for name, value in (number.split("=", 1) for number in mine):
        if name in theirs:
            found[name] = "same" if value == theirs[name] else _code(value, theirs[name])


_PLACE_AT_BEST = [PERSONS[field]["same"] for field in PLACE]
_PLACE_LEVELS: Sequence[Callable[[str, str], str]] = (_text, _text, _code, _other, _other)
_ORDER = {
    level: n
    for n, level in enumerate(
        ("same", "near", "digits", "local", "stem", "digits near", "masked", "like", "by name", "odd", "other")
    )
}
