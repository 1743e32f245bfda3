"""What is wrong with a template or a rule, before it is used."""

from connectors.errors import MappingError


class TemplateError(MappingError):
    """A template or rule file that cannot be used.

    Args:
        file: its name.
        line: where, counted from 1.
        field: the target field, rule or key, dotted.
        reason: what is wrong and how to mend it.
    """

    def __init__(self, file: str, line: int, field: str, reason: str) -> None:
        super().__init__(field, reason)
        self.args = (f"{file}:{line}: {field}: {reason}",)
        self.file = file
        self.line = line
