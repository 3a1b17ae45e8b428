"""`neglog explain`: what is typed, what is written, what is refused."""

import json
import os
import subprocess
import sys
import webbrowser
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("rich", reason="needs the extra cli")
pytest.importorskip("matplotlib", reason="needs the extra plot")

from command_helpers import (  # noqa: F401
    PETS,
    POINTS,
    ROW,
    asked,
    folder_fixture,
    refused_fixture,
    said_fixture,
)

from neglog.cli import main
from neglog.trace import Bernoulli, Normal, explain, explain_likelihood

# ---- typed


def test_a_row_is_explained_in_the_terminal(said: Any) -> None:
    text = said("explain", "--logits", "5,4,2", "--target", "cat", *PETS)
    assert "The target, cat, has the largest logit: right." in text
    expected = explain([5, 4, 2], 0, class_names=["cat", "dog", "horse"]).to_text()
    assert [line.rstrip() for line in text.splitlines()] == expected.splitlines()
    assert max(map(len, text.splitlines())) <= 80
    assert text.replace("\n", "").isprintable()


def test_json_is_the_whole_trace(said: Any) -> None:
    options = ("--dtype", "float16", "--temperature", "0.5")
    trace = explain([5, 4, 2], 1, dtype="float16", temperature=0.5)
    assert asked(said, "explain", "--logits", "5,4,2", "--target", "1", *options) == trace.to_dict()


@pytest.mark.parametrize("joined", [True, False])
def test_lists_may_begin_with_a_negative_number(said: Any, joined: bool) -> None:
    def option(name: str, value: str) -> tuple[str, ...]:
        return (f"{name}={value}",) if joined else (name, value)

    row = asked(said, "explain", *option("--logits", "-inf,-1,nan,inf"), "--target", "1")
    assert row["rows"][0]["given"] == ["-inf", -1, "nan", "inf"]
    coin = ("--normal", "n=-1,2")
    points = asked(said, "explain", "likelihood", *option("--data", "-.5,2"), *coin)
    assert points["data"] == [-0.5, 2]
    assert points["candidates"]["n"]["parameters"] == {"mean": -1, "sd": 2}


def test_rows_are_separated_by_semicolons(said: Any) -> None:
    batch = asked(said, "explain", "--logits", "5,4,2; 4,2,8", "--target", "cat,2", *PETS)
    assert [row["target"] for row in batch["rows"]] == [0, 2]
    assert batch["rows"][1]["given"] == [4, 2, 8]


def test_a_target_is_a_name_before_it_is_an_index(said: Any) -> None:
    def target(wanted: str, names: str) -> int:
        row = ("explain", "--logits", "5,4", "--target", wanted, "--names", names)
        return int(asked(said, *row)["rows"][0]["target"])

    assert target("1", "1,0") == 0
    assert target("1", "a,b") == 1
    assert target("나", "가, 나") == 1


def test_points_are_explained(said: Any) -> None:
    blue = ("--normal", "blue=4,1")
    trace = explain_likelihood([1, 2, 3], {"orange": Normal(1.5, 1), "blue": Normal(4, 1)})
    assert asked(said, *POINTS, *blue) == trace.to_dict()
    text = said(*POINTS, *blue)
    assert [line.rstrip() for line in text.splitlines()] == trace.to_text().splitlines()
    coin = explain_likelihood([1, 1, 0], {"a=b": Bernoulli(0.5)})
    tosses = ("explain", "--json", "likelihood", "--data", "1,1,0", "--bernoulli", "a=b=0.5")
    assert json.loads(said(*tosses)) == coin.to_dict()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["explain"], "give --logits and --target, or --row N FILE"),
        (["explain", "--logits", "1,2"], "give --logits and --target"),
        (
            ["explain", "--logits", "1,abc,2", "--target", "0"],
            "--logits: item 2 is 'abc': expected a num",
        ),
        (
            ["explain", "--logits", "1,,2", "--target", "0"],
            "--logits: item 2 is '': expected a number",
        ),
        (
            ["explain", "--logits", "-x,2", "--target", "0"],
            "--logits: item 1 is '-x': expected a n",
        ),
        (["explain", "--logits", "x" * 99, "--target", "0"], f"'{'x' * 38}…: expected a number"),
        (["explain", "--logits", "1,2;3", "--target", "0,0"], "logits[1] has 1"),
        (["explain", "--logits", "1,2;3,4", "--target", "0"], "target must be one class for each"),
        (
            ["explain", "--logits", "1,2", "--target", "2"],
            "target is 2, but the classes are 0 to 1",
        ),
        (
            ["explain", "--logits", "1,2", "--target", "-1"],
            "target is -1, but the classes are 0 to 1",
        ),
        (
            ["explain", "--logits", "1,2", "--target", "cat"],
            "not a class: give --names or an index",
        ),
        (
            [*ROW[:3], "--target", "bird", *PETS],
            "'bird' is not a class: the classes are cat, dog, h",
        ),
        ([*ROW, "--names", "a,b"], "class_names must name 3 classes"),
        ([*ROW, "--names", "a,b,a"], "class_names must differ from each other, got 'a' twice"),
        ([*ROW, "--temperature", "0"], "temperature must be finite and above 0, got 0.0"),
        ([*ROW, "--temperature", "hot"], "argument --temperature: invalid float value: 'hot'"),
        ([*ROW, "--dtype", "float8"], "argument --dtype: invalid choice: 'float8'"),
        ([*ROW, "--id", "a"], "--id and --ignore name columns of a file: give --row N FILE"),
        ([*ROW, "--ignore", "a"], "--id and --ignore name columns of a file: give --row N FILE"),
        ([*ROW, "--html", "no/x.html"], "there is no folder no for x.html: create it first"),
        ([*ROW, "--html", "x", "--png", "x"], "--html and --png are both x: give two names"),
        ([*ROW, "likelihood", "--data", "1"], "--logits and --row are for rows"),
        (["explain", "likelihood", "--normal", "a=1,1"], "give the points: --data 1,2,3"),
        (["explain", "likelihood", "--data", "1"], "give candidates: --normal orange=1.5,1 or"),
        ([*POINTS, "--normal", "a=1"], "--normal a=1: expected NAME=MEAN,SD"),
        ([*POINTS, "--normal", "1,1"], "--normal 1,1: expected NAME=MEAN,SD"),
        ([*POINTS, "--normal", "a=1,b"], "--normal a=1,b: item 2 is 'b': expected a number"),
        ([*POINTS, "--normal", "a=1,0"], "sd must be finite and above 0, got 0.0"),
        ([*POINTS, "--bernoulli", "a=2"], "p must lie in [0, 1], got 2.0"),
        ([*POINTS, "--normal", "orange=1,1"], "the name is taken"),
        (["explain", "likelihood", "--data", "1,inf", "--normal", "a=0,1"], "data[1] must be fin"),
    ],
)
def test_what_is_wrong_is_one_message_and_2(
    refused: Any, arguments: list[str], message: str, folder: Path
) -> None:
    assert message in refused(*arguments)
    assert list(folder.iterdir()) == []


# ---- what is written


def test_page_and_picture_are_written_and_said(said: Any, folder: Path) -> None:
    assert said(*ROW, "--html", "a.html", "--png", "b.png").splitlines() == [
        "written to a.html",
        "written to b.png",
    ]
    assert (folder / "a.html").read_text(encoding="utf-8").startswith("<!")
    assert (folder / "b.png").read_bytes().startswith(b"\x89PNG")
    assert sorted(path.name for path in folder.iterdir()) == ["a.html", "b.png"]


def test_json_keeps_standard_output_for_itself(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*POINTS, "--json", "--png", "b.png"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["kind"] == "likelihood"
    assert printed.err == "written to b.png\n"


def test_nothing_is_replaced_unless_forced(said: Any, refused: Any, folder: Path) -> None:
    (folder / "mine.png").write_text("mine")
    message = "neglog: mine.png exists: give --force to replace it, or another --png"
    assert refused(*ROW, "--html", "a.html", "--png", "mine.png") == message
    assert [path.read_text() for path in folder.iterdir()] == ["mine"], "asked before the work"
    said(*ROW, "--png", "mine.png", "--force")
    assert (folder / "mine.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(("opens", "word"), [(True, "opened"), (False, "open it yourself")])
def test_the_page_is_opened(
    said: Any, folder: Path, monkeypatch: pytest.MonkeyPatch, opens: bool, word: str
) -> None:
    shown: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda url: shown.append(url) or opens)
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    assert word in said(*ROW, "--open")
    assert word in said(*ROW, "--open", "--html", "한.html")
    for url in shown:
        assert url.startswith("file:///")
    assert "%ED%95%9C.html" in shown[1]
    assert len(list(folder.rglob("*.html"))) == 2


# ---- the command as a process


def test_it_waits_for_no_more_than_it_needs() -> None:
    code = (
        "import sys; from neglog.cli import main\n"
        f"main({[*ROW, '--json']!r})\n"
        "print({'rich', 'matplotlib', 'scipy', 'sklearn'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"


def test_a_pipe_without_unicode_gets_ascii() -> None:
    code = "import sys; from neglog.cli import main; sys.exit(main())"
    row = ("explain", "--logits", "5,4", "--target", "가", "--names", "가,나")
    done = subprocess.run(
        [sys.executable, "-c", code, *row],
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONWARNINGS": "error"},
        capture_output=True,
        check=True,
    )
    assert done.stderr == b""
    assert rb"The target, \uac00, has the largest logit: right." in done.stdout
    assert done.stdout.isascii()


def test_an_interruption_is_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("neglog.cli._explain.explain", interrupt)
    assert main(ROW) == 130
    assert capsys.readouterr().err == "neglog: interrupted\n"
