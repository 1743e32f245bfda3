"""The CSV dialect of Bulk API 2.0 ("Prepare CSV Files"): RFC 4180 with a choice of delimiter and line ending."""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from connectors.sandbox.salesforce.errors import ApiError
from connectors.sandbox.salesforce.fields import Field, write_value

DELIMITERS = {"BACKQUOTE": "`", "CARET": "^", "COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "TAB": "\t"}
ENDINGS = {"LF": "\n", "CRLF": "\r\n"}
_BOM = "\ufeff"
# Longest field of a file: a long text area and room to spare.
csv.field_size_limit(1_000_000)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a job's files are written; names as in the job."""

    delimiter: str = "COMMA"
    ending: str = "LF"

    def lines(self, rows: Iterable[Iterable[str]]) -> list[str]:
        """Rows as text, every value in quotes, each with its line ending."""
        separator, end = DELIMITERS[self.delimiter], ENDINGS[self.ending]
        return [separator.join('"' + value.replace('"', '""') + '"' for value in row) + end for row in rows]

    def parse(self, text: str) -> list[list[str]]:
        """Rows of a file, the header first, empty lines left out; raises InvalidBatch or ClientInputError."""
        body = text.removeprefix(_BOM)
        first = body.split("\n", 1)[0]
        if "\n" in body and first.endswith("\r") != (self.ending == "CRLF"):
            message = f"LineEnding is invalid on user data. Current LineEnding setting is {self.ending}"
            raise ApiError("ClientInputError", message)
        try:
            reader = csv.reader(io.StringIO(body, newline=""), delimiter=DELIMITERS[self.delimiter], strict=True)
            return [row for row in reader if row]
        except csv.Error as error:
            raise ApiError("InvalidBatch", f"Failed to parse CSV. {error}") from None


def shown(field: Field, value: Any) -> str:
    """A stored value as a file has it: empty for none, instants with a final Z."""
    written = write_value(field, value)
    if written is None:
        return ""
    if isinstance(written, bool):
        return "true" if written else "false"
    if field.kind == "datetime":
        return str(written).replace("+0000", "Z")
    return format(Decimal(repr(written)), "f") if isinstance(written, float) else str(written)
