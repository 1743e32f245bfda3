"""What stands in an expression as it is, as a zone or a status in quotes: checked before any record comes to it."""

import re
from collections.abc import Callable, Iterator, Mapping

from streams.stages import normalise
from streams.stages.mapping import paths

_TEXT = re.compile(paths.STRINGS)
_WHOLE = re.compile(r"-?\d+")
_CALL = re.compile(r"(?<![\w.])(\w+)\s*\(")
_COUNTRY = re.compile(r"[A-Z]{2}")
_CURRENCY = re.compile(r"[A-Z]{3}")


def misused(expression: str) -> Iterator[str]:
    """Yield why a function cannot do with the second value that stands in its call."""
    for name, arguments in _calls(expression):
        if name in _SECOND and len(arguments) == 2:  # noqa: PLR2004  the second
            wrong = _SECOND[name](arguments[1])
            if wrong is not None:
                yield f"{name}() {wrong}"


def outcomes(expression: str) -> Iterator[str]:
    """Yield the texts that are among an expression's results: of each way of `? :`, `case`, `coalesce`."""
    text = expression.strip()
    masked = _masked(text)
    if _TEXT.fullmatch(text):
        if "\\" not in text:
            yield text[1:-1]
        return
    asked = _places(masked, "?")
    if asked:
        other = next((place for place in _places(masked, ":") if place > asked[0]), len(text))
        yield from outcomes(text[asked[0] + 1 : other])
        yield from outcomes(text[other + 1 :])
        return
    name, opened = (match[1], match.end() - 1) if (match := _CALL.match(text)) else ("", 0)
    if not text or text[opened] not in "([" or _end(masked, opened) != len(text) - 1:
        return
    inside = _parts(text[opened + 1 : -1], ",")
    if name == "case" and len(inside) == 3:  # noqa: PLR2004  value, choices, otherwise
        choices = _parts(inside[1].strip()[1:-1], ",") if inside[1].strip().startswith("{") else []
        inside = [*(_parts(choice, ":")[-1] for choice in choices), inside[2]]
    elif name not in ("", "dyn", "coalesce", "first"):
        return
    for part in inside:
        yield from outcomes(part)


def _masked(text: str) -> str:
    return _TEXT.sub(lambda match: "'" * len(match[0]), text)


def _calls(text: str) -> Iterator[tuple[str, list[str]]]:
    masked = _masked(text)
    for match in _CALL.finditer(masked):
        yield match[1], [part.strip() for part in _parts(text[match.end() : _end(masked, match.end() - 1)], ",")]


def _end(masked: str, opened: int) -> int:
    """Return where the bracket is closed."""
    depth = 0
    for place in range(opened, len(masked)):
        depth += (masked[place] in "([{") - (masked[place] in ")]}")
        if depth == 0:
            return place
    return len(masked)


def _places(masked: str, separator: str) -> list[int]:
    """Return where a separator stands outside of all brackets."""
    depth, found = 0, []
    for place, sign in enumerate(masked):
        depth += (sign in "([{") - (sign in ")]}")
        if sign == separator and depth == 0:
            found.append(place)
    return found


def _parts(text: str, separator: str) -> list[str]:
    places = _places(_masked(text), separator)
    return [text[start:end] for start, end in zip([0, *(place + 1 for place in places)], [*places, None], strict=True)]


def _zone(said: str) -> str | None:
    if not _TEXT.fullmatch(said):
        return None
    try:
        normalise.zone(said[1:-1])
    except ValueError as error:
        return str(error)
    return None


def _country(said: str) -> str | None:
    if not _TEXT.fullmatch(said) or _COUNTRY.fullmatch(normalise.country(said[1:-1]) or ""):
        return None
    return f"knows no country {said}; write its two letters, e.g. 'DE'"


def _currency(said: str) -> str | None:
    if not _TEXT.fullmatch(said) or _CURRENCY.fullmatch(said[1:-1]):
        return None
    return f"knows no currency {said}; use one like 'EUR'"


def _at_least(least: int) -> Callable[[str], str | None]:
    def wrong(said: str) -> str | None:
        if _TEXT.fullmatch(said) or (_WHOLE.fullmatch(said) and int(said) < least):
            return f"takes a whole number of at least {least}, not {said}"
        return None

    return wrong


_SECOND: Mapping[str, Callable[[str], str | None]] = {
    "date": _zone,
    **dict.fromkeys(("phone", "phones", "region"), _country),
    **dict.fromkeys(("round", "minor"), _currency),
    **dict.fromkeys(("cut", "line"), _at_least(1)),
    **dict.fromkeys(("pad", "places"), _at_least(0)),
}
