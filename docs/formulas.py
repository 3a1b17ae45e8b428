"""Formulas as MathML: docutils' conversion, with fixes."""

import re
from html import escape, unescape
from typing import Any
from xml.etree import ElementTree

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util.logging import getLogger

MATHML = "http://www.w3.org/1998/Math/MathML"
APPLY = "<mo[^>]*>\u2061</mo>"  # the invisible sign between a function's name and its argument


def visit_math(self: Any, node: nodes.math) -> None:
    self.body.append(mathml(node))
    raise nodes.SkipNode


def visit_math_block(self: Any, node: nodes.math_block) -> None:
    self.body.append(f'<div class="formula" tabindex="0">{mathml(node, as_block=True)}</div>')
    raise nodes.SkipNode


def mathml(node: nodes.Element, as_block: bool = False) -> str:
    """The formula as MathML; if docutils cannot parse it, its source, with a warning."""
    formula = node.astext().replace(r"\dots", r"\ldots")  # the only command it lacks
    try:
        markup = tex2mathml(formula, as_block=as_block)
    except MathError as error:
        getLogger(__name__).warning(f"formula {formula!r}: {error}", location=node)
        return f"<code>{escape(formula)}</code>"
    return spaced(placed(markup))


def placed(markup: str) -> str:
    """Fix what docutils misplaces: an index of a letter with a hat, words below a brace."""
    markup = re.sub(r"&(?!lt;|gt;|amp;)\w+;", lambda name: unescape(name[0]), markup)
    tree = ElementTree.fromstring(markup.replace(f' xmlns="{MATHML}"', ""))
    for element in list(tree.iter()):
        if element.tag == "munderover" and element[2].text == "ˆ":
            letter, index, hat = element
            element.tag, element[:] = "msub", [ElementTree.Element("mover", accent="true"), index]
            element[0].extend([letter, hat])
        elif element.tag == "mo" and element.text == "‖":  # otherwise as tall as the whole formula
            element.set("stretchy", "false")
        elif element.tag == "msub" and element[0].tag == "munder" and element[0][1].text == "⏟":
            element.tag = "munder"
    return ElementTree.tostring(tree, encoding="unicode")


def spaced(markup: str) -> str:
    """Put thin spaces around the name of a function, as TeX does: 2 log p, but log(p)."""
    markup = re.sub(f"{APPLY}(?!\\s*<mo[ >])", '<mo rspace="0.17em">\u2061</mo>', markup)
    name = f"\\s*<mi[^>]*>\\w+</mi>\\s*{APPLY}"
    return re.sub(f"(</m(?:n|i|sub|sup)>)(?={name})", r'\1<mspace width="0.17em"/>', markup)
