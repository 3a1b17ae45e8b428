"""Korean texts keep to one spelling for a term and to one symbol for a quantity.

The glossary and the table of symbols stand in docs/ko/tutorial/index.md.
"""

import re
from importlib import import_module
from pathlib import Path
from pkgutil import resolve_name
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEXTS = [
    *sorted((ROOT / "docs" / "ko").rglob("*.md")),
    ROOT / "README.ko.md",
    ROOT / "src" / "neglog" / "trace" / "page" / "strings_ko.js",
    ROOT / "bench" / "documents" / "words.py",
    *sorted((ROOT / "src" / "neglog").rglob("*_ko.py")),
]
CODE = re.compile(r"^```(?!\{plot\}|\{important\}).*?^```", re.M | re.S)

# What is not written -> what is.
SPELLINGS = {
    "아니오": "아니요",
    r"(지수|로그|밀도) 함수": "지수함수, 로그함수, 밀도함수",
    "연쇄 법칙|체인 ?룰": "연쇄법칙",
    "경사 하강|그래디언트 디센트": "경사하강법",
    r"확률 (분포|밀도|변수)": "확률분포, 확률밀도, 확률변수",
    r"(로그|최대) (가능도|우도)": "로그가능도, 최대가능도",
    r"(?<![(가-힣])(최대 ?)?우도(?!는 p\()": "가능도",
    "자릿수 소실|유효숫자": "자릿수 상쇄, 유효 숫자",
    r"(?<!\()(?<!로컬 )그[래레]디언트": "기울기",
    "야코비안|자코비안": "야코비 행렬",
    "라벨|레이블링": "레이블",
    "모수|매개변수|파라메터": "파라미터",
    "업데이트": "갱신",
    "크로스 ?엔트로피|교차엔트로피": "교차 엔트로피",
    r"(오버|언더)플로우": "오버플로, 언더플로",
    "미니 배치": "미니배치",
    "에포크": "에폭",
    "신뢰도": "확신도",
    "최소값|최대값": "최솟값, 최댓값",
    "정보 이론": "정보이론",
    "원핫|원 핫": "원-핫",
    "(?<!with-Loss )계층": "층, and Softmax-with-Loss 계층 as a name",
    "단추": "버튼",
    "파이썬": "Python",
    r"\d ?퍼센트|\d %(?=[ 가-힣])": "71%",
    "총손실|전체 손실": "Total Loss",
    r"(?<![\w.({])nats?(?=[가-힣])": "내트",
    "로그를 씌": "로그를 취하다",
    "부동 소수점": "부동소수점",
    "연습문제": "연습 문제",
    "로그확률": "로그 확률",
    "자연 로그": "자연로그",
    "(?<!평균)제곱오차": "제곱 오차",
    "행렬곱": "행렬 곱",
    "(?<!유효 )자리수": "자릿수",
    "자신 있게 틀": "확신하며 틀리다",
}

# Symbols that other texts have, as formulas of ours -> ours.
SYMBOLS = {
    r"\\log L\b|\bL\(": r"\ell, \Lambda",
    r"(?<!-)\\ell = (?!\\log \\Lambda|\\mathbf)": "L",
    r"\\log K\b|1/K\b|\^\{K\}|\bK개": "V",
    r"p - y\b|p_\w+ - y_": r"\mathbf{y}",
    r"\\sigma\(": r"\operatorname{sigmoid}",
}


def prose(path: Path, quoting: tuple[str, ...]) -> str:
    """A text without its code; the rows of a table that quotes other texts are left out."""
    text = path.read_text(encoding="utf-8")
    text = CODE.sub("", text) if path.suffix == ".md" else text
    return re.sub(r"^\| .*$", "", text, flags=re.M) if path.name in quoting else text


def found(wrong: dict[str, str], text: str) -> dict[str, str]:
    return {hit[0]: right for pattern, right in wrong.items() for hit in re.finditer(pattern, text)}


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_term_has_one_spelling(path: Path) -> None:
    assert found(SPELLINGS, prose(path, quoting=("index.md",))) == {}


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_quantity_has_one_symbol(path: Path) -> None:
    text = prose(path, quoting=("index.md", "where-it-is.md"))
    assert found(SYMBOLS, "\n".join(re.findall(r"\$\$?([^$]+)\$\$?", text))) == {}


KOREAN_REFERENCE = re.compile(
    r'^<a href="\.\./en/reference/(\w+)\.html#([\w.]+)" hreflang="en">`(\w+)`</a>\n: (.+)$',
    re.M,
)
FACES = (
    *("neglog", "neglog.torch", "neglog.learn", "neglog.learn.distributed", "neglog.trace"),
    *("neglog.report", "neglog.checker", "neglog.exercises", "neglog.testing"),
)


def summaries() -> list[tuple[str, str, str]]:
    """Page of the English reference, full name and sentence of each row."""
    text = (ROOT / "docs" / "ko" / "reference.md").read_text(encoding="utf-8")
    found = KOREAN_REFERENCE.findall(text)
    assert len(found) == len(re.findall(r"^<a", text, re.M)), "every row has this form"
    assert all(anchor.rpartition(".")[2] == name for _, anchor, name, _ in found)
    return [(page, anchor, sentence) for page, anchor, _, sentence in found]


@pytest.mark.parametrize("module", FACES)
def test_every_public_name_has_a_korean_sentence(module: str) -> None:
    for needed in ("neglog.torch", "neglog.learn"):
        pytest.importorskip(needed, exc_type=ImportError)
    said = [resolve_name(anchor) for _, anchor, _ in summaries()]
    face = import_module(module)
    missing = [
        name
        for name in face.__all__
        if not isinstance(getattr(face, name), ModuleType)
        and not any(getattr(face, name) is thing for thing in said)
    ]
    assert missing == [], "docs/ko/reference.md"


def test_a_korean_summary_is_a_sentence_and_leads_to_the_english_page() -> None:
    pytest.importorskip("neglog.torch", exc_type=ImportError)
    rows = summaries()
    assert len({anchor for _, anchor, _ in rows}) == len(rows)
    for page, anchor, sentence in rows:
        assert re.search(r"다(\([^)]+\))?\.$", sentence), anchor
        english = (ROOT / "docs" / "en" / "reference" / f"{page}.md").read_text(encoding="utf-8")
        module, _, name = anchor.rpartition(".")
        shown = re.search(rf"(currentmodule|automodule):: {re.escape(module)}\n", english)
        assert shown, anchor
        if page != "exercises":  # which has an automodule
            section = english[shown.end() :]
            assert re.search(rf"^\.\. auto\w+:: {name}$", section, re.M), anchor
