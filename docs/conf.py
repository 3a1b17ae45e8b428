"""Sphinx settings of both trees: sphinx-build -c docs -D language=ko docs/ko build/docs/ko."""

import sys
from pathlib import Path

import neglog

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))  # for the extensions beside this file

project = "neglog"
author = "the neglog contributors"
project_copyright = "2026, the neglog contributors"
release = version = neglog.__version__
language = "en"

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "directives",
    "figures",
    "formulas",
    "together",
]
templates_path = ["_templates"]

myst_enable_extensions = ["amsmath", "colon_fence", "deflist", "dollarmath"]
myst_update_mathjax = False

html_math_renderer = "katex"

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the signature is long enough, and Args gives the types
highlight_language = "none"  # for blocks that name no language: formulas in columns
default_role = "code"  # one backtick in a docstring means code, as in Markdown
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False

copybutton_prompt_text = r">>> |\.\.\. "
copybutton_prompt_is_regexp = True
copybutton_exclude = ".linenos, .gp, .go"

html_theme = "furo"
html_title = "neglog"
html_static_path = ["_static"]
html_css_files = ["katex/katex.css", "neglog.css"]
html_js_files = ["theme.js", "katex/copy-tex.min.js"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0b5cad", "color-brand-content": "#0b5cad"},
    "dark_css_variables": {"color-brand-primary": "#7cb8ff", "color-brand-content": "#7cb8ff"},
}
html_sidebars = {
    "**": [
        "sidebar/brand.html",
        "sidebar/search.html",
        "sidebar/language.html",
        "sidebar/scroll-start.html",
        "sidebar/navigation.html",
        "sidebar/scroll-end.html",
    ]
}
