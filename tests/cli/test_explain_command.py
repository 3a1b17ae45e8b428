"""`neglog explain`: what is typed, what is read from files, what is written, what is refused."""

import io
import json
import os
import re
import subprocess
import sys
import tracemalloc
import webbrowser
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rich", reason="needs the extra cli")
pytest.importorskip("matplotlib", reason="needs the extra cli")

from neglog.cli import main
from neglog.cli._predictions import read_row
from neglog.trace import Bernoulli, Normal, explain, explain_likelihood

PETS = ("--names", "cat,dog,horse")
ROW = ("explain", "--logits", "5,4,2", "--target", "0")
POINTS = ("explain", "likelihood", "--data", "1,2,3", "--normal", "orange=1.5,1")


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Any:
    """Run the command, which must succeed, and return what it printed."""

    def run(*arguments: str) -> str:
        code = main(arguments)
        printed = capsys.readouterr()
        assert (code, printed.err) == (0, "")
        return printed.out

    return run


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Any:
    """Run the command, which must fail with one message, and return that."""

    def run(*arguments: str) -> str:
        try:
            code: Any = main(arguments)
        except SystemExit as stop:  # argparse
            code = stop.code
        printed = capsys.readouterr()
        assert (code, printed.out) == (2, "")
        assert "Traceback" not in printed.err
        return printed.err.splitlines()[-1]

    return run


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, and the place where we are."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def asked(said: Any, *arguments: str) -> Any:
    """What --json gives."""
    return json.loads(said(*arguments, "--json"))


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
        (["explain", "--logits", "1,abc,2", "--target", "0"], "--logits: item 2 is 'abc': a numb"),
        (["explain", "--logits", "1,,2", "--target", "0"], "--logits: item 2 is '': a number"),
        (["explain", "--logits", "-x,2", "--target", "0"], "--logits: item 1 is '-x': a number"),
        (["explain", "--logits", "x" * 99, "--target", "0"], f"'{'x' * 38}…: a number"),
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
        (["explain", "--logits", "1,2", "--target", "cat"], "no class: give --names, or an index"),
        ([*ROW[:3], "--target", "bird", *PETS], "'bird' is no class: the classes are cat, dog, h"),
        ([*ROW, "--names", "a,b"], "class_names must name 3 classes"),
        ([*ROW, "--names", "a,b,a"], "class_names must differ from each other, got 'a' twice"),
        ([*ROW, "--temperature", "0"], "temperature must be finite and above 0, got 0.0"),
        ([*ROW, "--temperature", "hot"], "argument --temperature: invalid float value: 'hot'"),
        ([*ROW, "--dtype", "float8"], "argument --dtype: invalid choice: 'float8'"),
        ([*ROW, "--row", "1", "a.csv"], "argument --row: not allowed with argument --logits"),
        ([*ROW, "--html", "no/x.html"], "there is no folder no for x.html: make it first"),
        ([*ROW, "--html", "x", "--png", "x"], "--html and --png are both x: give two names"),
        ([*ROW, "likelihood", "--data", "1"], "--logits and --row are for rows"),
        (["explain", "likelihood", "--normal", "a=1,1"], "give the points: --data 1,2,3"),
        (["explain", "likelihood", "--data", "1"], "give candidates: --normal orange=1.5,1 or"),
        ([*POINTS, "--normal", "a=1"], "--normal a=1: expected NAME=MEAN,SD"),
        ([*POINTS, "--normal", "1,1"], "--normal 1,1: expected NAME=MEAN,SD"),
        ([*POINTS, "--normal", "a=1,b"], "--normal a=1,b: item 2 is 'b': a number"),
        ([*POINTS, "--normal", "a=1,0"], "sd must be finite and above 0, got 0.0"),
        ([*POINTS, "--bernoulli", "a=2"], "p must lie in [0, 1], got 2.0"),
        ([*POINTS, "--normal", "orange=1,1"], "there is a candidate of this name already"),
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


# ---- rows of files


def predictions(folder: Path) -> dict[str, Path]:
    """The same three rows in every form."""
    logits = np.array([[5, 4, 2], [4, 2, 8], [4, 4, 1.5]], dtype=np.float32)
    names, target = ["cat", "dog", "horse"], [0, 2, 1]
    files = {
        kind: folder / f"rows.{kind}" for kind in ("csv", "tsv", "jsonl", "npy", "npz", "F.npz")
    }
    for kind, separator in (("csv", ","), ("tsv", "\t")):
        rows = [["cat", "Target", "dog", "horse"]]
        rows += [
            [f"{z[0]}", names[y], f"{z[1]}", f"{z[2]}"] for z, y in zip(logits, target, strict=True)
        ]
        text = "\r\n\n".join(separator.join(row) for row in rows)
        files[kind].write_text(f"\ufeff{text}\n", encoding="utf-8", newline="")
    rows_of_json = [
        {"logits": z.tolist(), "target": y, "class_names": names, "id": "x"}
        for z, y in zip(logits, target, strict=True)
    ]
    files["jsonl"].write_text("\n\n".join(map(json.dumps, rows_of_json)), encoding="utf-8")
    np.save(files["npy"], logits)
    np.savez(files["npz"], logits=logits, target=np.array(target), class_names=np.array(names))
    np.savez_compressed(
        files["F.npz"],
        logits=np.asfortranarray(logits),
        target=np.array([names[y] for y in target]),
        class_names=np.array(names),
    )
    return files


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "npy", "npz", "F.npz"])
def test_a_row_of_every_kind_of_file(said: Any, refused: Any, kind: str, folder: Path) -> None:
    path = str(predictions(folder)[kind])
    given = ("--target", "horse", *PETS) if kind == "npy" else ()
    row = asked(said, "explain", "--row", "1", path, *given)
    assert row["rows"][0]["given"] == [4, 2, 8]
    assert row["rows"][0]["target"] == 2
    assert row["class_names"] == ["cat", "dog", "horse"]
    other = asked(said, "explain", "--row", "2", path, "--target", "0")
    assert other["rows"][0]["given"] == [4, 4, 1.5]
    assert other["rows"][0]["target"] == 0, "what is typed comes first"
    message = refused("explain", "--row", "3", path, *given)
    assert "there is no row 3" in message
    assert "3 rows" in message
    assert "rows are counted from 0" in refused("explain", "--row", "-1", path)
    assert "the number of a row is needed" in refused("explain", "--row", "x", path)


def test_a_file_that_does_not_say_what_is_right(said: Any, refused: Any, folder: Path) -> None:
    path = str(predictions(folder)["npy"])
    assert "does not say which class is right: give --target" in refused(
        "explain", "--row", "0", path
    )
    assert "class 0, has the largest" in said("explain", "--row", "0", path, "--target", "0")


def test_probabilities_are_found_out(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "p.csv").write_text("cat,dog,horse,label\n0.2,0.8,0,cat\n")
    found = "these are probabilities, not logits.\nTheir logarithms are explained."
    assert main(["explain", "--row", "0", "p.csv"]) == 0
    assert found in capsys.readouterr().out
    assert main(["explain", "--row", "0", "p.csv", "--json"]) == 0
    printed = capsys.readouterr()
    assert found in printed.err
    row = json.loads(printed.out)["rows"][0]
    assert row["given"] == [pytest.approx(np.log(0.2)), pytest.approx(np.log(0.8)), "-inf"]
    assert row["steps"]["prob"]["neglog"] == pytest.approx([0.2, 0.8, 0])


def test_typed_probabilities_stay_logits_and_raise_a_suspicion(said: Any) -> None:
    text = said("explain", "--logits", "0.2,0.8,0", "--target", "0")
    assert "If these are probabilities, their logarithms are meant." in text
    assert "a blind guess" in text
    assert re.search(r"class 0 +0\.2 ", text)


def npy(folder: Path, header: str, body: bytes = b"\0" * 64) -> Path:
    """An array file that says of itself whatever we like."""
    text = header.encode()
    path = folder / "made-up.npy"
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + body)
    return path


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (9999999999999, 4)}", "cut short"),
        ("{'descr': '<f4', 'fortran_order': True, 'shape': (4, 10**9)}", "no array file"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 4)}", "cut short, or made up"),
        ("{'descr': '|O', 'fortran_order': False, 'shape': (1, 1)}", "Python objects"),
        ("{'descr': '<c8', 'fortran_order': False, 'shape': (1, 4)}", "floats or integers"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2, 2)}", "(rows, classes)"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': ()}", "(rows, classes)"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 0)}", "row 0 has 0 classes"),
        ("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1, 2)}", "floats or int"),
        ("__import__('os').abort()", "no array file that can be read"),
        ("", "no array file that can be read"),
    ],
)
def test_array_files_that_lie(refused: Any, folder: Path, header: str, message: str) -> None:
    path = npy(folder, header)
    assert message in refused("explain", "--row", "0", str(path), "--target", "0")


class Trap:
    """Unpickled, it would leave a file."""

    def __reduce__(self) -> Any:
        return (open, ("trapped", "w"))


def test_nothing_is_unpickled(refused: Any, folder: Path) -> None:
    trap = np.array([[Trap(), Trap()]], dtype=object)
    np.save(folder / "trap.npy", trap, allow_pickle=True)
    np.savez(folder / "trap.npz", logits=np.zeros((1, 2)), class_names=trap[0])
    for name in ("trap.npy", "trap.npz"):
        assert "never loaded" in refused("explain", "--row", "0", name, "--target", "0")
    assert not (folder / "trapped").exists()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.parquet", b"", "rows are read from .csv, .tsv, .jsonl, .npy, .npz files"),
        ("a.csv", b"", "a header with the class names is needed"),
        ("a.csv", b"cat,dog\n", "there is no row 0: the file has no rows"),
        ("a.csv", b"cat,dog\n1,2,3\n", "line 2 has 3 values, but the header names 2"),
        ("a.csv", b"cat,dog\n1,x\n", "line 2, column 'dog' is 'x': a number"),
        ("a.csv", b"target,label,a\n0,0,1\n", "more than one column is named target or label"),
        ("a.csv", b"target\n0\n", "row 0 has 0 classes"),
        ("a.csv", b'cat,dog\n"1,2\n', "unexpected end of data"),
        ("a.csv", b'cat,dog\n"' + b"1\n" * 70_000, "field larger than field limit"),
        ("a.csv", b"cat,dog\n\xff\xfe,1\n", "this is not UTF-8 text"),
        ("a.csv", b"cat,dog\n\x00,1\n", "is '\\x00': a number"),
        ("a.jsonl", b"[1, 2]", 'row 0 must be like {"logits": [5, 4, 2], "target": 0}'),
        ("a.jsonl", b'{"logits": 3}', "row 0 must be like"),
        ("a.jsonl", b'{"logits": [1, "x"]}', "row 0, logit 1 is 'x': a number"),
        ("a.jsonl", b'{"logits": [1, true]}', "row 0, logit 1 is True: a number"),
        ("a.jsonl", b'{"logits": [1, ' + b"9" * 400 + b"]}", "logit 1 is 999"),
        ("a.jsonl", b'{"logits": [1], "target": 1.5}', "target must be a class"),
        ("a.jsonl", b'{"logits": [1], "class_names": 3}', "class_names must be a list of texts"),
        ("a.jsonl", b"[" * 100_000, "nested too deeply"),
        ("a.jsonl", b'{"logits"', "a.jsonl: Expecting ':'"),
        ("a.npz", b"PK\x03\x04junk", "no .npz file that can be read"),
        ("a.npy", b"\x93NUMPY\x01", "no array file that can be read"),
    ],
)
def test_files_that_are_not_what_they_say(
    refused: Any, folder: Path, name: str, content: bytes, message: str
) -> None:
    (folder / name).write_bytes(content)
    assert message in refused("explain", "--row", "0", name, "--target", "0")


def test_archives_that_are_not_predictions(refused: Any, folder: Path) -> None:
    def message(**arrays: Any) -> str:
        np.savez("a.npz", **arrays)
        return str(refused("explain", "--row", "0", "a.npz"))

    z = np.zeros((2, 3))
    assert "there is no array named logits" in message(scores=z)
    assert "target must be one class a row" in message(logits=z, target=z)
    assert "there is no row 0 in target" in message(logits=z, target=np.zeros(0, int))
    assert "class_names must be a list of texts" in message(logits=z, class_names=np.arange(3))
    np.savez("a.npz", logits=z)
    whole = (folder / "a.npz").read_bytes()
    (folder / "a.npz").write_bytes(whole.replace(b"\0" * 40, b"\1" * 40))
    assert "no .npz file that can be read" in refused("explain", "--row", "1", "a.npz")


def peak(path: Path, index: int, expected: list[float]) -> int:
    """Bytes that reading a row takes at the worst moment."""
    tracemalloc.start()
    try:
        assert list(read_row(path, index).logits) == expected
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_row_costs_the_memory_of_a_row(folder: Path) -> None:
    sparse = npy(folder, f"{{'descr': '<f8', 'fortran_order': True, 'shape': ({1 << 28}, 4)}}", b"")
    os.truncate(sparse, 128 + (1 << 33))
    assert peak(sparse, (1 << 28) - 1, [0] * 4) < 100_000, "of 8 GB"

    table = folder / "table.csv"
    table.write_text("a,b\n" + "1234567.25,-7654321.5\n" * 100_000)
    assert peak(table, 99_999, [1234567.25, -7654321.5]) < 100_000, "of 2 MB"

    head = io.BytesIO()
    shape = {"descr": "<f4", "fortran_order": False, "shape": (2_500_000, 10)}
    np.lib.format.write_array_header_1_0(head, shape)
    packed = folder / "packed.npz"
    with (
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("logits.npy", "w") as file,
    ):
        file.write(head.getvalue())
        for _ in range(100):
            file.write(bytes(1_000_000))
    # zipfile skips in steps of 16 MiB.
    assert peak(packed, 2_499_999, [0] * 10) < 40_000_000, "of 100 MB"


def test_a_row_is_not_wider_than_can_be_explained(refused: Any, folder: Path) -> None:
    wide = npy(folder, "{'descr': '|i1', 'fortran_order': False, 'shape': (1, 1000001)}", b"")
    os.truncate(wide, 2_000_000)
    assert "at most 262144 can be explained" in refused(
        "explain", "--row", "0", str(wide), "--target", "0"
    )


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
