"""Where a page stands in its tree."""


def root(docname: str) -> str:
    """The relative path from a page to the root of its tree."""
    return "../" * docname.count("/")
