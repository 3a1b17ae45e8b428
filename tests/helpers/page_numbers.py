"""A page that computes for a test: the same call on the page for a list of arguments."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from page_helpers.browser import open_page, watched

from neglog import explain

# JSON has no nan and no infinities: words, as to_dict() has them.
AS_JSON = """(values) => JSON.stringify(values, (_, x) => {
    if (typeof x !== "number" || Number.isFinite(x)) return x;
    return Number.isNaN(x) ? "nan" : x < 0 ? "-inf" : "inf";
})"""


@pytest.fixture(scope="module", name="numbers")
def numbers_fixture(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """`numbers("Float.round(dtype, x)", [{"dtype": ..., "x": ...}])`: of each, by the page."""
    path = tmp_path_factory.mktemp("page") / "row.html"
    path.write_text(explain([5, 4, 2], 0).to_html(), encoding="utf-8")
    with watched(browser) as page:
        open_page(page, path)

        def compute(expression: str, arguments: list[dict[str, Any]]) -> Any:
            names = ", ".join(arguments[0])
            each = f"(list) => ({AS_JSON})(list.map(({{ {names} }}) => {expression}))"
            return json.loads(page.evaluate(each, arguments))

        yield compute
