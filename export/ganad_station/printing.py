"""Text for terminals."""


def printable(text: str) -> str:
    """Escape line breaks and unprintable characters, such as bytes that are not UTF-8."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
