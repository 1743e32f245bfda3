"""Standard forms of regions of a country, where people write names and codes alike: the postal code's letters.

Of other countries the text stays as it is. Names and codes are those of ISO 3166-2 and of the postal services (USPS
Publication 28, Canada Post, Australia Post).
"""

from collections.abc import Mapping
from functools import lru_cache

from streams.stages.normalise import text

NAMES: Mapping[str, Mapping[str, str]] = {
    "US": {
        "alabama": "AL", "alaska": "AK", "arizona": "AZ", "arkansas": "AR", "california": "CA", "colorado": "CO",
        "connecticut": "CT", "delaware": "DE", "district of columbia": "DC", "florida": "FL", "georgia": "GA",
        "hawaii": "HI", "idaho": "ID", "illinois": "IL", "indiana": "IN", "iowa": "IA", "kansas": "KS",
        "kentucky": "KY", "louisiana": "LA", "maine": "ME", "maryland": "MD", "massachusetts": "MA",
        "michigan": "MI", "minnesota": "MN", "mississippi": "MS", "missouri": "MO", "montana": "MT",
        "nebraska": "NE", "nevada": "NV", "new hampshire": "NH", "new jersey": "NJ", "new mexico": "NM",
        "new york": "NY", "north carolina": "NC", "north dakota": "ND", "ohio": "OH", "oklahoma": "OK",
        "oregon": "OR", "pennsylvania": "PA", "rhode island": "RI", "south carolina": "SC", "south dakota": "SD",
        "tennessee": "TN", "texas": "TX", "utah": "UT", "vermont": "VT", "virginia": "VA", "washington": "WA",
        "west virginia": "WV", "wisconsin": "WI", "wyoming": "WY", "american samoa": "AS", "guam": "GU",
        "northern mariana islands": "MP", "puerto rico": "PR", "virgin islands": "VI", "u.s. virgin islands": "VI",
        "armed forces americas": "AA", "armed forces europe": "AE", "armed forces pacific": "AP",
        "d.c.": "DC", "washington dc": "DC", "washington d.c.": "DC", "washington, d.c.": "DC",
    },
    "CA": {
        "alberta": "AB", "british columbia": "BC", "manitoba": "MB", "new brunswick": "NB",
        "newfoundland and labrador": "NL", "newfoundland": "NL", "northwest territories": "NT", "nova scotia": "NS",
        "nunavut": "NU", "ontario": "ON", "prince edward island": "PE", "quebec": "QC", "québec": "QC",
        "saskatchewan": "SK", "yukon": "YT", "yukon territory": "YT",
    },
    "AU": {
        "australian capital territory": "ACT", "new south wales": "NSW", "northern territory": "NT",
        "queensland": "QLD", "south australia": "SA", "tasmania": "TAS", "victoria": "VIC",
        "western australia": "WA",
    },
}  # fmt: skip
"""Codes by name, by country."""
_CODES = {country: frozenset(names.values()) for country, names in NAMES.items()}


@lru_cache(maxsize=4096)
def region(value: str, country: str | None) -> str:
    """Return the code of a region's code or name, `US-CA` included, or the text as it stands.

    Args:
        value: as typed.
        country: its ISO 3166-1 alpha-2 code; None: unknown, and so is what the text means.
    """
    plain = text(value)
    if country is None or country not in NAMES:
        return plain
    code = plain.upper().removeprefix(f"{country}-")
    return code if code in _CODES[country] else NAMES[country].get(plain.casefold(), plain)
