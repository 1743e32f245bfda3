"""What conditions compare a field with and it never is: a rule that never applies, or always, is seen nowhere else."""

import re
from collections.abc import Callable, Iterator, Mapping

from streams.stages import normalise
from streams.stages.mapping import paths, schema
from streams.stages.mapping.schema import Type

_LITERAL = rf"(?:{paths.STRINGS}|-?\d+(?:\.\d+)?|true|false)(?![\w.])"
_FIELD = r"(?<![\w.])(?:contact|customer|order)(?:\.\w+)+(?![\w(.\[])"
_COMPARISONS = re.compile(
    rf"(?P<field>{_FIELD})\s*(?:[!=<>]=|[<>])\s*(?P<said>{_LITERAL})"
    rf"|(?P<said2>{_LITERAL})\s*(?:[!=<>]=|[<>])\s*(?P<field2>{_FIELD})"
    rf"|(?P<field3>{_FIELD})\s+in\s+\[(?P<list>[^\[\]]*)\]"
)
_LITERALS = re.compile(_LITERAL)
_DAY = re.compile(r"\d{4}(-\d\d){0,2}(T.*)?")
_CURRENCY = re.compile(r"[A-Z]{3}")


def mistaken(condition: str) -> Iterator[str]:
    """Yield why a field is never what it is compared with, nor above or below it in a way that means anything."""
    for match in _COMPARISONS.finditer(condition):
        field = match["field"] or match["field2"] or match["field3"]
        wanted = _type(field)
        for said in _LITERALS.findall(match["list"] or "") or [match["said"] or match["said2"] or ""]:
            reason = _never(field, wanted, said) if wanted is not None and said else None
            if reason is not None:
                yield f"{field} {reason}"


def _type(field: str) -> Type | None:
    role, *steps = field.split(".")
    types: Mapping[str, Type] | None = schema.entity(schema.ROLES[role])
    wanted = None
    for step in steps:
        wanted = (types or {}).get(step)
        types = wanted.fields if wanted is not None and wanted.kind != "list" else None
    return wanted


def _never(field: str, wanted: Type, said: str) -> str | None:
    quoted = said[0] in "'\""
    if wanted.kind in ("list", "texts"):
        return f"is a list, which {said} is not; write {said} in {field}" if quoted else "is a list"
    if not quoted:
        fitting = ("boolean",) if said in ("true", "false") else ("decimal", "long", "int")
        return None if wanted.kind in (*fitting, "other") else f"is never {said}; {_FORMS.get(wanted.kind, _TEXT)}"
    if "\\" in said:
        return None
    return _KEPT[wanted.kind](field, wanted, said[1:-1]) if wanted.kind in _KEPT else None


def _symbol(_: str, wanted: Type, said: str) -> str | None:
    return None if said in wanted.symbols else f"is never {said!r}; it is one of {', '.join(wanted.symbols)}"


def _no_text(_: str, wanted: Type, said: str) -> str:
    return f"is never the text {said!r}; {_FORMS[wanted.kind]}"


def _day(_: str, __: Type, said: str) -> str | None:
    return None if _DAY.fullmatch(said) else f"is kept as 2026-01-31, not as {said!r}"


def _word(field: str, _: Type, said: str) -> str | None:
    name = field.rpartition(".")[2]
    if name == "country" and (kept := normalise.country(said)) != said:
        return f"is never {said!r}; it is kept as {kept!r}"
    if name == "currency" and not _CURRENCY.fullmatch(said):
        return f"is never {said!r}; it is kept as three letters like 'EUR'"
    return None


_TEXT = "it is a text, which stands in quotes"
_FORMS: Mapping[str, str] = {
    "boolean": "it is true or false, without quotes",
    **dict.fromkeys(("decimal", "long", "int"), "it is a number, which has no quotes"),
}
_KEPT: Mapping[str, Callable[[str, Type, str], str | None]] = {
    "enum": _symbol,
    **dict.fromkeys(("boolean", "decimal", "long", "int"), _no_text),
    **dict.fromkeys(("date", "timestamp-micros"), _day),
    "string": _word,
}
