"""Times as the journal writes them."""

import time
from datetime import datetime, timezone


def today() -> str:
    """Return the local date of the station, such as `2026-01-31`."""
    return time.strftime("%Y-%m-%d")


def to_iso(seconds: float) -> str:
    """Convert seconds since 1970 to ISO 8601 in UTC, with milliseconds."""
    moment = datetime.fromtimestamp(seconds, timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_iso(text: str) -> float:
    """Convert a time of the journal to seconds since 1970."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z").timestamp()
