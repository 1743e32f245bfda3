"""Standard forms of what people type. Each function is idempotent: the standard form of a standard form is itself.

`VERSION` counts up with every change of a rule, as match keys in the state were made by one.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

import phonenumbers
from babel import Locale
from babel.core import get_global
from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

from connectors.wire import parse_instant

VERSION = 3
CODE = 2
ROLES = frozenset(
    [
        "accounts",
        "admin",
        "ap",
        "ar",
        "billing",
        "contact",
        "finance",
        "hello",
        "help",
        "hr",
        "info",
        "invoices",
        "mail",
        "marketing",
        "no-reply",
        "noreply",
        "office",
        "orders",
        "postmaster",
        "purchasing",
        "sales",
        "service",
        "support",
        "team",
        "webmaster",
    ]
)
"""Local parts that name a desk, not a person."""
FREE_MAIL = frozenset(
    [
        "163.com", "aol.com", "fastmail.com", "free.fr", "gmail.com", "gmx.de", "gmx.net", "googlemail.com",
        "hotmail.co.uk", "hotmail.com", "icloud.com", "libero.it", "live.com", "mail.com", "mail.ru",
        "me.com", "msn.com", "orange.fr", "outlook.com", "pm.me", "proton.me", "protonmail.com",
        "qq.com", "t-online.de", "web.de", "wp.pl", "yahoo.co.jp", "yahoo.co.uk", "yahoo.com", "yandex.ru", "ymail.com",
    ]
)  # fmt: skip
"""Domains of mail providers: they tell nothing about the company."""
LEGAL_FORMS = frozenset(
    [
        "ab",
        "ag",
        "as",
        "bv",
        "co",
        "company",
        "corp",
        "corporation",
        "gmbh",
        "inc",
        "incorporated",
        "kg",
        "kk",
        "limited",
        "llc",
        "llp",
        "lp",
        "ltd",
        "ltda",
        "nv",
        "oy",
        "plc",
        "pllc",
        "pty",
        "pvt",
        "sa",
        "sarl",
        "sas",
        "se",
        "spa",
        "srl",
        "ug",
    ]
)
LANGUAGES = ("en", "de", "fr", "es", "it", "nl", "pt")
COUNTRIES: Mapping[str, str] = {
    "usa": "US", "u.s.": "US", "u.s.a.": "US", "united states of america": "US", "america": "US",
    "uk": "GB", "u.k.": "GB", "great britain": "GB", "england": "GB", "scotland": "GB", "wales": "GB",
    "holland": "NL", "the netherlands": "NL", "czech republic": "CZ", "south korea": "KR", "korea": "KR",
    "russia": "RU", "uae": "AE", "turkey": "TR", "viet nam": "VN", "ivory coast": "CI", "usa.": "US", "u s a": "US",
    "northern ireland": "GB", "republic of ireland": "IE", "macedonia": "MK", "swaziland": "SZ", "burma": "MM",
    # ISO 3166-1's own English names, which a CRM's lists of countries have.
    "bolivia, plurinational state of": "BO", "brunei darussalam": "BN", "chinese taipei": "TW",
    "congo, the democratic republic of the": "CD", "congo, democratic republic of the": "CD",
    "falkland islands (malvinas)": "FK", "holy see": "VA", "holy see (vatican city state)": "VA", "hong kong": "HK",
    "iran, islamic republic of": "IR", "korea, democratic people's republic of": "KP", "korea, republic of": "KR",
    "lao people's democratic republic": "LA", "macao": "MO", "macau": "MO",
    "macedonia, the former yugoslav republic of": "MK", "micronesia, federated states of": "FM",
    "moldova, republic of": "MD", "republic of moldova": "MD", "myanmar": "MM", "palestine": "PS",
    "palestine, state of": "PS", "republic of korea": "KR", "russian federation": "RU",
    "saint helena, ascension and tristan da cunha": "SH", "saint martin (french part)": "MF",
    "aland islands": "AX", "bonaire, sint eustatius and saba": "BQ", "libyan arab jamahiriya": "LY", "pitcairn": "PN",
    "reunion": "RE", "saint vincent and the grenadines": "VC", "sao tome and principe": "ST",
    "sint maarten (dutch part)": "SX", "syrian arab republic": "SY", "taiwan, province of china": "TW",
    "tanzania, united republic of": "TZ", "united republic of tanzania": "TZ",
    "united kingdom of great britain and northern ireland": "GB", "venezuela, bolivarian republic of": "VE",
    "virgin islands, british": "VG", "virgin islands, u.s.": "VI",
}  # fmt: skip
"""Names in use that CLDR does not have, as `_named` writes them."""
_PUNCTUATION = re.compile(r"[^\w\s]+")
DATE_LENGTH = 10


def text(value: str) -> str:
    """Return NFC text without blanks at the ends and with single blanks inside; `""` for nothing."""
    return " ".join(unicodedata.normalize("NFC", value).split())


@lru_cache(maxsize=16_384)
def address(value: str) -> str | None:
    """Return an e-mail address, domain in lower case, or None if it is none (RFC 5321; deliverability is not asked)."""
    plain = value.strip()
    local, _, domain = plain.rpartition("@")
    usual = _USUAL_ADDRESS.fullmatch(plain)
    if usual is not None and len(local) <= LONGEST_LOCAL and len(plain) <= LONGEST_ADDRESS:
        return f"{local}@{domain.lower()}"
    return validated_address(plain)


def validated_address(value: str) -> str | None:
    """Return what `address` does, whatever the form of the text: by the library, which is slow."""
    try:
        return validate_email(value, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError:
        return None


# Names of two ending letters or more that the library knows nothing special of.
_USUAL_ADDRESS = re.compile(
    r"[A-Za-z0-9_+-]+(\.[A-Za-z0-9_+-]+)*@([A-Za-z0-9]([A-Za-z0-9]|-(?!-)){0,61}(?<!-)\.)+"
    rf"(?!({'|'.join(name.rpartition('.')[2] for name in SPECIAL_USE_DOMAIN_NAMES)})$)[a-z]{{2,63}}",
    re.IGNORECASE | re.ASCII,
)
LONGEST_LOCAL, LONGEST_ADDRESS = 64, 254
"""Characters (RFC 5321, 4.5.3.1)."""


def email(value: str) -> str:
    """Return the address in standard form, or the text as it stands where it is no address."""
    return address(value) or text(value)


def email_key(value: str) -> str | None:
    """Return what two addresses of one person have in common, or None for a role mailbox or no address at all."""
    found = address(value)
    if found is None:
        return None
    local, _, domain = found.rpartition("@")
    if local.casefold().partition("+")[0] in ROLES:
        return None
    return f"{unicodedata.normalize('NFC', local.casefold())}@{domain}"


@lru_cache(maxsize=16_384)
def phone(value: str, country: str | None = None) -> str:
    """Return the number in E.164, `;ext=` kept, or the text as it stands where it is no valid number.

    Args:
        value: as typed; a leading 00 reads as +.
        country: ISO code to read national numbers in, e.g. from the address; None: only international ones parse.
    """
    original = text(value)
    if country is not None and _NATIONAL.fullmatch(original):
        found = _national(original.translate(_NO_DIGIT), country)
        if found is not None:
            return found
    return parsed_phone(original, country)


def parsed_phone(original: str, country: str | None) -> str:
    """Return what `phone` does, whatever the form of the text: by the library's parser, which is slow."""
    dialled = "+" + original[2:] if original.startswith("00") else original
    try:
        number = phonenumbers.parse(dialled, country)
    except phonenumbers.NumberParseException:
        return original
    if not phonenumbers.is_valid_number(number):
        return original
    standard = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return f"{standard};ext={number.extension}" if number.extension else standard


_NATIONAL = re.compile(r"\(?[1-9][0-9() .-]*[0-9]")
_TYPED = re.compile(r"[0-9() .-]*[0-9][0-9() .-]*")
_STANDARD = re.compile(r"\+[0-9]+")
_NOTHING = r"(?!)"
_NO_DIGIT = str.maketrans("", "", "() .-")


@dataclass(frozen=True, slots=True)
class _Numbering:
    """How national numbers of a country look, by the library's tables."""

    code: int
    whole: re.Pattern[str]
    prefix: re.Pattern[str]
    line: re.Pattern[str]


@lru_cache(maxsize=1024)
def _numbering(country: str) -> _Numbering | None:
    """Return what is known of a country that gives its calling code its name; of others the parser knows more."""
    table = phonenumbers.PhoneMetadata.metadata_for_region(country, None)
    if table is None or table.country_code is None or table.general_desc is None:
        return None
    whole, code = table.general_desc.national_number_pattern, table.country_code
    if whole is None or phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code][0] != country:
        return None
    lines = [desc.national_number_pattern for desc in (table.fixed_line, table.mobile) if desc is not None]
    prefixes = [table.national_prefix_for_parsing, table.international_prefix]
    return _Numbering(code, re.compile(whole), _any(prefixes), _any(lines))


def _any(patterns: Iterable[str | None]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns if pattern) or _NOTHING)


def _national(digits: str, country: str) -> str | None:
    """Return the number that digits without any prefix are in a country; None: the parser is to tell."""
    known = _numbering(country)
    if known is None or not known.whole.fullmatch(digits) or known.prefix.match(digits):
        return None
    return f"+{known.code}{digits}" if known.line.fullmatch(digits) else None


def is_national(typed: str, standard: str) -> bool:
    """Tell whether a number that was typed without its country is the one that another has in E.164."""
    if _TYPED.fullmatch(typed) is None or _STANDARD.fullmatch(standard) is None:
        return False
    digits = typed.translate(_NO_DIGIT)
    return any(
        standard.endswith(national)
        and standard[1 : -len(national)].isdigit()
        and int(standard[1 : -len(national)]) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE
        for national in (digits, digits.removeprefix("0"))
        if national
    )


@cache
def _aliases() -> Mapping[str, str]:
    """Codes of three letters or digits (ISO 3166-1) of what is one country today.

    Former ones of two letters are left out: in the field of a country MI is Michigan rather than the Midway Islands.
    """
    found = get_global("territory_aliases").items()
    return {
        alias: codes[0] for alias, codes in found if len(alias) > CODE and len(codes) == 1 and len(codes[0]) == CODE
    }


@cache
def _countries(language: str) -> Mapping[str, str]:
    """Names by ISO 3166-1 alpha-2 code; CLDR's numeric regions are no countries."""
    return {code: name for code, name in Locale(language).territories.items() if len(code) == CODE and code.isalpha()}


@cache
def _country_names() -> Mapping[str, str]:
    """Country codes by name in the larger languages."""
    names: dict[str, str] = {}
    for language in LANGUAGES:
        for code, name in _countries(language).items():
            names.setdefault(_named(name), code)
    return {**names, **COUNTRIES}


@lru_cache(maxsize=4096)
def country(value: str) -> str:
    """Return the ISO 3166-1 alpha-2 code of a country's name or one of its codes, or the text as it stands."""
    name = text(value)
    code = _aliases().get(name.upper(), name.upper())
    if code in _countries(LANGUAGES[0]):
        return code
    return _country_names().get(_named(name), name)


def _named(name: str) -> str:
    """Return a country's name as it is looked up: CLDR has curly apostrophes, `&` and `St.`, ISO has not."""
    plain = name.casefold().replace("\u2019", "'").replace(" & ", " and ")
    return f"saint {plain.removeprefix('st. ')}" if plain.startswith("st. ") else plain


def company_key(value: str) -> str | None:
    """Return what two spellings of one company have in common; None if nothing is left.

    Case, punctuation, a leading "the", "&" for "and" and legal forms at the end do not count.
    """
    plain = unicodedata.normalize("NFKC", value).casefold().replace("&", " and ").replace(".", "")
    words = _PUNCTUATION.sub(" ", plain).split()
    if len(words) > 1 and words[0] == "the":
        words = words[1:]
    while len(words) > 1 and words[-1] in LEGAL_FORMS | {"and"}:
        words = words[:-1]
    return " ".join(words) or None


def sku_key(value: str) -> str | None:
    """Return the stock keeping unit as it is compared: case and blanks around it do not count."""
    return text(value).casefold() or None


def instant(value: str) -> datetime:
    """Return the instant, UTC.

    Raises:
        ValueError: not an instant with an offset.
    """
    return parse_instant(value)


def day(value: str, zone: str) -> date:
    """Return a business date: a date as it is, an instant as the date it falls on in `zone`.

    Raises:
        ValueError: neither.
    """
    if len(value) == DATE_LENGTH:
        return date.fromisoformat(value)
    return instant(value).astimezone(ZoneInfo(zone)).date()


def zone(name: str) -> ZoneInfo:
    """Return the time zone.

    Raises:
        ValueError: no IANA zone has this name.
    """
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"time zone {name!r} is unknown; use an IANA name, e.g. Europe/Berlin") from None


def unique(values: Iterable[str | None]) -> list[str]:
    """Return the values without gaps and repeats, in their order."""
    return list(dict.fromkeys([value for value in values if value]))
