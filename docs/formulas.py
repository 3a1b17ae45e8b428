"""Formulas, set by KaTeX when the pages are built: boxes and letters, MathML for screen readers.

The wheel of djangocms-katex is only the carrier of KaTeX, QuickJS runs it, and nothing runs where
the pages are read but the script that copies a formula as its TeX. MathML alone, as before, is
drawn without boxes by Chromium.
"""

import json
import re
from functools import cache
from html import escape
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import quickjs
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.logging import getLogger

# A flat string: QuickJS joins strings lazily, and its wrapper cannot read such a rope.
SET = """(tex, display) => JSON.stringify(katex.renderToString(
    tex, {displayMode: display, strict: false, throwOnError: true}))"""


def carried() -> Path:
    """The folder of KaTeX; the package around it is never imported."""
    spec = find_spec("djangocms_katex")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("KaTeX is missing: `make docs` installs it")
    return Path(spec.origin).parent / "static" / "djangocms_katex" / "vendor" / "katex"


@cache
def engine() -> Any:
    context = quickjs.Context()
    context.eval((carried() / "katex.min.js").read_text("utf-8"))
    return context.eval(SET)


@cache
def typeset(formula: str, as_block: bool = False) -> str:
    """The formula as HTML, with MathML beside it.

    Raises:
        quickjs.JSException: KaTeX cannot read the formula.
    """
    return str(json.loads(engine()(formula, as_block)))


def markup(node: nodes.Element, as_block: bool = False) -> str:
    """The formula; if KaTeX cannot read it, its source, with a warning."""
    formula = node.astext()
    try:
        return typeset(formula, as_block)
    except quickjs.JSException as error:
        said = str(error).split("\n", 1)[0]
        getLogger(__name__).warning(f"formula {formula!r}: {said}", location=node)
        return f"<code>{escape(formula)}</code>"


def visit_math(self: Any, node: nodes.math) -> None:
    self.body.append(markup(node))
    raise nodes.SkipNode


def visit_math_block(self: Any, node: nodes.math_block) -> None:
    self.body.append(f'<div class="formula" tabindex="0">{markup(node, as_block=True)}</div>')
    raise nodes.SkipNode


def write_katex(app: Sphinx, error: Exception | None) -> None:
    """Ship KaTeX's style sheet, its fonts in the one format that every browser reads, its licence.

    A formula that is copied becomes its TeX.
    """
    if error is not None:
        return
    source, target = carried(), Path(app.outdir) / "_static" / "katex"
    (target / "fonts").mkdir(parents=True, exist_ok=True)
    style = (source / "katex.min.css").read_text("utf-8")
    style = re.sub(r',url\([^)]*\.(?:woff|ttf)\) format\("\w+"\)', "", style)
    (target / "katex.css").write_text(style, "utf-8")
    copied = ["LICENSE", "contrib/copy-tex.min.js"]
    copied += [f"fonts/{font.name}" for font in (source / "fonts").glob("*.woff2")]
    for name in copied:
        path = target / (name if name.startswith("fonts") else Path(name).name)
        path.write_bytes((source / name).read_bytes())


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_html_math_renderer("katex", (visit_math, None), (visit_math_block, None))
    app.connect("build-finished", write_katex)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
