"""Text for people."""


def printable(text: str) -> str:
    """Escape what would break a line or cannot be printed, such as bytes that are no UTF-8."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
