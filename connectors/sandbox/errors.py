"""What a caller of the admin API did wrong."""


class BadInputError(ValueError):
    """Answered with 400; the text begins with the field and says what it must be."""
