"""What a caller's content is refused with: a `userErrors` row in GraphQL, 422 in REST."""


class Problem(Exception):  # noqa: N818 (Shopify calls them user errors; this one is raised)
    """One user error.

    Args:
        message: as a person would read it.
        field: the path of the input, outermost first; none for the whole.
        code: of mutations whose errors have one.
    """

    def __init__(self, message: str, *field: str, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = list(field) or None
        self.code = code
