"""What no line may break: a formula or code from the letters that touch it, a number from its unit.

A browser may break a line beside a formula, which is a box to it, whatever stands next: in Korean a
particle ("p는"), in English a comma.
"""

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

UNITS = (
    "nats?|bits?|ulp|ms|us|µs|ns|s|kB|MB|GB|KiB|MiB|GiB|"
    "seconds?|minutes?|rows?|classes|logits|points?|steps?|epochs?|pixels?|"
    "내트|비트|초|분|행|개|번|칸|걸음|에폭|클래스|바이트|자리|차원|픽셀|배"
)
NUMBER = re.compile(rf"(?<![\w.])([-−]?\d[\d,.]*) ((?:{UNITS})(?![a-zA-Z]))")
BEFORE, AFTER = re.compile(r"[^\s]+$"), re.compile(r"^[^\s]+")
ATOMS = (nodes.math, nodes.literal)
LONG = 28  # letters; what is longer may break, for a phone has room for about so many
HIDDEN = re.compile(r"\\(?:mathbf|mathrm|text|operatorname|left|right|,)(?![a-z])")


def joined(words: str) -> str:
    """The words with a no-break space between a number and its unit."""
    return NUMBER.sub("\\1\N{NO-BREAK SPACE}\\2", words)


def cut(edge: re.Pattern[str], text: nodes.Text) -> tuple[str, str]:
    """The letters at one edge of a text, and the rest."""
    found = edge.search(text)
    return (found[0], text[: found.start()] + text[found.end() :]) if found else ("", str(text))


def keep(parent: nodes.Element) -> None:
    """Put each formula or code, with the letters that touch it, in an inline of its own."""
    kept: list[nodes.Node] = []
    for child in list(parent.children):
        last = kept[-1] if kept else None
        if isinstance(child, ATOMS) and isinstance(last, nodes.Text):
            touching, rest = cut(BEFORE, last)
            kept[-1:] = [nodes.Text(rest)] if rest else []
            kept.append(together(nodes.Text(touching), child) if touching else child)
        elif isinstance(child, nodes.Text) and isinstance(last, (*ATOMS, nodes.inline)):
            touching, rest = cut(AFTER, child)
            if touching and (isinstance(last, ATOMS) or "together" in last["classes"]):
                kept[-1] = together(last, nodes.Text(touching))
                kept += [nodes.Text(rest)] if rest else []
            else:
                kept.append(child)
        else:
            kept.append(child)
    parent.children = []
    parent.extend(kept)


def letters(atom: nodes.Element) -> int:
    """How many letters a formula or code has, about: a command is one."""
    source = atom.astext()
    if isinstance(atom, nodes.math):
        source = re.sub(r"\\[a-zA-Z]+", "x", HIDDEN.sub("", source))
        source = re.sub(r"[{}^_ ]", "", source)
    return len(source)


def together(*parts: nodes.Node) -> nodes.inline:
    flat = [x for part in parts for x in (part if isinstance(part, nodes.inline) else [part])]
    long = any(letters(x) > LONG for x in flat if isinstance(x, ATOMS))
    whole = nodes.inline(classes=["together", *["long"] * long])
    whole.extend(list(flat))
    return whole


def keep_together(app: Sphinx, doctree: Any, docname: str) -> None:
    for text in list(doctree.findall(nodes.Text)):
        if not isinstance(text.parent, (*ATOMS, nodes.FixedTextElement, nodes.raw)):
            words = joined(str(text))
            if words != text:
                text.parent.replace(text, nodes.Text(words))
    for parent in {
        id(atom.parent): atom.parent for kind in ATOMS for atom in doctree.findall(kind)
    }.values():
        keep(parent)


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("doctree-resolved", keep_together)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
