"""Whether a name is that of a time zone."""

import zoneinfo


def is_time_zone(name: str) -> bool:
    """Tell whether this is the name of an IANA time zone that the machine knows."""
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return bool(name)
