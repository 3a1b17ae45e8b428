"""One HTML file from its parts: frame, scripts, styles and data, without network access.

The page's security policy names the hash of its script, so nothing else can run in it.
"""

import base64
import hashlib
import html as markup
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any


def fixed_parts(
    folder: Traversable, scripts: Iterable[str], styles: Iterable[str]
) -> dict[str, str]:
    """The parts that are the same in every page: frame, script, the script's hash, style.

    Args:
        folder: has page.html, the scripts (.js) and the styles (.css).
        scripts: names in order: each script uses only those before it.
        styles: names in order; paper.css, which all pages share, comes before them.
    """

    def read(name: str) -> str:
        return (folder / name).read_text("utf-8")

    script = '"use strict";\n' + _short([_tight(_lean(read(f"{name}.js"))) for name in scripts])
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    paper = (files(__package__) / "paper.css").read_text("utf-8")
    style = "".join(map(_lean, [paper, *(read(f"{name}.css") for name in styles)]))
    style = re.sub(r"\s*([{};,>])\s*|(?<=:) |(?<![\w.])0(?=\.)", r"\1", style).replace(";}", "}")
    page = _lean(read("page.html"))
    return {"page": page, "script": script, "hash": f"sha256-{digest}", "style": style}


def filled(page: str, parts: Mapping[str, str]) -> str:
    """The page with each {{part}} filled in.

    All are replaced in one pass, so that text inside a part is never taken for a placeholder.
    """
    return re.sub(r"\{\{(\w+)\}\}", lambda place: parts[place[1]], page)


def framed(page: str, title: str) -> str:
    """The page in a frame for a notebook: neither's style or script reaches the other."""
    return (
        f'<iframe srcdoc="{markup.escape(page)}" sandbox="allow-scripts" title="{title}" '
        'style="width: 100%; height: 900px; border: 0" loading="lazy"></iframe>'
    )


def script_json(data: Any) -> str:
    """JSON that cannot close the script element or open a comment."""
    compact = json.dumps(data, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    return compact.replace("<", "\\u003c")


def _lean(source: str) -> str:
    """Without indentation, empty lines and comments, an eighth of the file."""
    return re.sub(r"^\s*(//.*|/\*[\s\S]*?\*/)?\n|^ +", "", source, flags=re.MULTILINE)


def _tight(script: str) -> str:
    """Without comments at line ends, spaces around signs, line ends after an open one; `let` only.

    Strings stay as they are, and so do lines that may hold a pattern or a template in another.
    """
    tight = []
    for line in script.split("\n"):
        bare = re.sub(r"(?<=[;{,)\]]) // [^\"'`]*$", "", line)
        parts = re.split(r'("(?:[^"\\]|\\.)*"|`[^`]*`)', bare)  # code and strings in turn
        if bare.count("`") > 2 or re.search("[`']|/(?! )", "".join(parts[::2])):
            tight.append(bare + "\n")
            continue
        parts[::2] = [re.sub(r" ?([=<>?:,{}()&|*;+\[\]]+) ?", r"\1", part) for part in parts[::2]]
        parts[::2] = [re.sub(r"\bconst\b", "let", part) for part in parts[::2]]
        joined = "".join(parts)
        tight.append(joined if joined.endswith((";", "{", ",", "(", "[")) else joined + "\n")
    # A line that begins with a closing or an operator goes on with the one before.
    return re.sub(r"(?m)^((?:(?!//).)*)\n(?=[}\]).?:&|])", r"\1", "".join(tight))


def _short(scripts: list[str]) -> str:
    """The scripts in one; a function that they often call as Name.function gets a short name.

    It gets it behind the script that makes Name, or first of all if Name is the browser's.
    """
    calls = Counter(re.findall(r"\b[A-Z]\w+\.\w+(?=\()", "".join(scripts)))
    parts = ["", *scripts]
    for n, (call, count) in enumerate(calls.most_common()):
        short = f"${n}"
        if count * (len(call) - len(short)) < len(call) + 2 * len(short) + 8:
            continue
        parts = [re.sub(rf"\b{re.escape(call)}\(", f"{short}(", part) for part in parts]
        maker = rf"^(?:let|const) {call.split('.')[0]}\b"
        home = next((i for i, part in enumerate(parts) if re.search(maker, part, re.M)), 0)
        parts[home] += f"let {short}={call};\n"
    return "".join(parts)
