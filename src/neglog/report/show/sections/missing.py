"""Sections that cannot be filled."""

from ..parts import Section
from ..words import Words


def absent(key: str, say: Words) -> Section:
    """A section that says what is missing, and what it would need."""
    return Section(key, say(f"section.{key}"), [say("missing", what=say(f"missing.{key}"))])
