"""`neglog explain --row`: which columns of a table are classes, and what is asked about."""

import json
import math
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rich", reason="needs the extra cli")
pytest.importorskip("matplotlib", reason="needs the extra plot")

from command_helpers import (  # noqa: F401
    asked,
    asks_fixture,
    folder_fixture,
    nll_fixture,
    said_fixture,
    table,
)

from neglog._read.columns import Asked, choose

NLL = math.log1p(math.exp(-1))  # of the logits 2 and 1, target 0: 0.3133
LOGITS = [[2.0, 1.0], [0.5, 1.5], [-1.0, 0.25]]


# ---- columns that are no classes


def test_the_index_that_pandas_writes_is_no_class(nll: Any, asks: Any, folder: Path) -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    frame = pandas.DataFrame(LOGITS, columns=["cat", "dog"], index=[50, 7, 31])
    frame.assign(y_true=0).to_csv("p.csv")
    message = asks("explain", "--row", "0", "p.csv")
    assert "\n  '': unnamed, as an index is\n  'y_true': a name for the target\n" in message
    assert "to leave them out: --ignore '' --target y_true\n" in message
    assert nll("0", "p.csv", "--ignore", "", "--target", "y_true") == pytest.approx(NLL)
    frame.reset_index().to_csv("p.csv", index=False)
    assert "'index': a name for an index\n" in asks("explain", "--row", "0", "p.csv")


DOUBTFUL = [
    ("Unnamed: 0", "unnamed, as an index is", "--ignore"),
    ("__index_level_0__", "unnamed, as an index is", "--ignore"),
    ("id", "a name for an index", "--id"),
    ("Image ID", "a name for an index", "--id"),
    ("y_true", "a name for the target", "--target"),
    ("labels", "a name for the target", "--target"),
    ("Class", "a name for the target", "--target"),
    ("y.pred", "a name for something else", "--ignore"),
    ("fold", "a name for something else", "--ignore"),
    ("split", "a name for something else", "--ignore"),
]


@pytest.mark.parametrize(("name", "why", "option"), DOUBTFUL)
def test_a_column_with_a_usual_name_is_asked_about(
    nll: Any, asks: Any, folder: Path, name: str, why: str, option: str
) -> None:
    path = table(folder, f"cat,{name},dog", "2,0,1", "0.5,1,1.5")
    flag = f"{option} {shlex.quote(name)}"
    message = asks("explain", "--row", "0", path)
    assert f"{name!r}: {why}\n" in message
    assert f"leave them out: {flag}\n" in message
    assert "classes instead: --logits cat,dog\n" in message
    # What the message offers works.
    typed = [] if option == "--target" else ["--target", "cat"]
    assert nll("0", path, *shlex.split(flag), *typed) == pytest.approx(NLL)
    assert nll("0", path, "--logits", "cat,dog", "--target", "cat") == pytest.approx(NLL)


def test_what_is_given_is_not_asked_for_again(asks: Any, folder: Path) -> None:
    path = table(folder, "id,row,y,cat,dog", "7,7,0,2,1")
    message = asks("explain", "--row", "0", path, "--target", "cat", "--id", "id")
    assert "to leave them out: --ignore row --ignore y\n" in message


def test_numbers_give_a_column_away(asks: Any, folder: Path) -> None:
    rows = [f"{5 + i},{i % 2},{a},{b},x" for i, (a, b) in enumerate(LOGITS)]
    message = asks("explain", "--row", "0", table(folder, "no,kind,cat,dog,note", *rows))
    assert "'no': counts 5, 6, 7, ...\n" in message
    assert "'kind': whole numbers among fractions\n" in message
    assert "'note': text, 'x'\n" in message
    assert "'cat'" not in message


def test_whole_logits_are_no_index(said: Any, folder: Path) -> None:
    path = table(folder, "cat,dog,horse", "5,4,2", "4,2,8", "4,4,1")
    row = asked(said, "explain", "--row", "1", path, "--target", "horse")
    assert row["rows"][0]["given"] == [4, 2, 8]
    path = table(folder, "cat,dog,horse", "5,4,2", "4,2,8", "4,4,1.5")  # typed by hand
    row = asked(said, "explain", "--row", "2", path, "--target", "horse")
    assert row["rows"][0]["given"] == [4, 4, 1.5]


def test_a_name_with_control_characters_moves_no_cursor(asks: Any, folder: Path) -> None:
    path = table(folder, "cat\x1b[2J,\u202ey,id", "2,1,0")
    assert r"'cat\x1b[2J', '\u202ey'" in asks("explain", "--row", "0", path, "--ignore", "no")
    assert "--id id" in asks("explain", "--row", "0", path)
    bad = r"the classes are cat\x1b[2J, \u202ey"
    assert bad in asks("explain", "--row", "0", path, "--id", "id", "--target", "z")
    many = table(folder, ",".join(f"{'x' * 90}{i}_id" for i in range(20)), ",".join("0" * 20))
    assert len(asks("explain", "--row", "0", many, "--ignore", "no")) < 600
    many = table(folder, ",".join(["id"] * 20), ",".join("0" * 20))
    message = asks("explain", "--row", "0", many)
    assert message.count("'id': a name for an index") == 8
    assert "\n  and 12 more\n" in message


def test_the_reference_shows_what_is_printed(asks: Any, folder: Path) -> None:
    page = Path(__file__).parents[2] / "docs" / "en" / "reference" / "explain.md"
    block = page.read_text(encoding="utf-8").split("```console\n")[1].split("```")[0]
    _, content, answer = block.split("$ ")
    (folder / "predictions.csv").write_text(content.partition("\n")[2])
    command, _, printed = answer.partition("\n")
    assert asks(*shlex.split(command)[1:]) == printed


# ---- columns that are named


def test_classes_by_pattern_are_named_by_the_rest(said: Any, folder: Path) -> None:
    path = table(folder, "id,logit_cat,p,logit_dog,truth", "a,2,.1,1,dog", "b,1,.2,3,dog")
    row = asked(said, "explain", "--row", "0", path, "--logits", "logit_*", "--target", "truth")
    assert row["class_names"] == ["cat", "dog"]
    assert row["rows"][0]["given"] == [2, 1]
    assert row["rows"][0]["target"] == 1


def test_classes_have_the_order_that_is_asked_for(said: Any, folder: Path) -> None:
    path = table(folder, "z_0,z_1,z_10,z_2,y", "0,1,10,2,2")
    row = asked(said, "explain", "--row", "0", path, "--logits", "z_*", "--target", "y")
    assert (row["class_names"], row["rows"][0]["target"]) == (["0", "1", "10", "2"], 3)
    row = asked(said, "explain", "--row", "0", path, "--logits", "z_?,z_10", "--target", "2")
    assert row["rows"][0]["given"] == [0, 1, 2, 10]
    assert row["class_names"] == ["z_0", "z_1", "z_2", "z_10"]


def test_the_id_is_shown(said: Any, folder: Path) -> None:
    path = table(folder, "image,cat,dog,label", "a\x1b.png,2,1,cat")
    text = said("explain", "--row", "0", path, "--id", "image")
    assert text.startswith("Row 0: image a\\x1b.png\n")


def test_star_takes_no_target(nll: Any, folder: Path) -> None:
    path = table(folder, "Label,cat,dog,truth", "0,2,1,0")
    stars = ("--logits", "*", "--ignore", "truth")
    assert nll("0", path, *stars) == pytest.approx(NLL)
    stars = ("--logits", "[cd]*", "--target", "truth")
    assert nll("0", path, *stars) == pytest.approx(NLL)


def test_a_target_is_a_column_or_a_class(nll: Any, asks: Any, folder: Path) -> None:
    names = table(folder, "truth,cat,dog", "cat,2,1", name="names.csv")
    assert nll("0", names, "--target", "truth") == pytest.approx(NLL)
    floats = table(folder, "cat,dog", "2.0,1.0", name="floats.csv")
    assert nll("0", floats, "--target", "cat") == pytest.approx(NLL)
    unclear = table(folder, "truth,cat,dog", "0,2,1", name="unclear.csv")
    message = asks("explain", "--row", "0", unclear, "--target", "truth")
    assert "--target 'truth' may be a class or the column of the targets" in message
    known = ("--logits", "cat,dog", "--target", "truth")
    assert nll("0", unclear, *known) == pytest.approx(NLL)


def test_a_target_that_pandas_made_a_float_is_an_index(nll: Any, folder: Path) -> None:
    path = table(folder, "cat,dog,label", "2.0,1.0,0.0", "3.0,1.0,")
    assert nll("0", path) == pytest.approx(NLL)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--logits", "logit_*"], "--logits: no column fits 'logit_*'; the columns are 'cat', 'd"),
        (["--logits", "5,4,2"], "--logits: no column fits '5'; the columns are 'cat', 'dog'"),
        (["--ignore", "y*"], "--ignore: no column fits 'y*'"),
        (["--id", "name"], "--id: no column is named 'name'; the columns are 'cat', 'dog'"),
    ],
)
def test_a_column_that_is_not_there(
    asks: Any, folder: Path, options: list[str], message: str
) -> None:
    path = table(folder, "cat,dog", "2,1")
    assert message in asks("explain", "--row", "0", path, "--target", "0", *options)


# ---- arrays and objects have names, too


def test_arrays_and_keys_can_have_other_names(said: Any, nll: Any, asks: Any, folder: Path) -> None:
    np.savez("a.npz", scores=np.array(LOGITS), y=np.zeros(3, int), image=np.array(["a", "b", "c"]))
    row = {"scores": LOGITS[0], "label": 1, "y": 0, "image": "a"}
    (folder / "a.jsonl").write_text(json.dumps(row))
    names = ("--logits", "scores", "--target", "y")
    for path in ("a.npz", "a.jsonl"):
        assert nll("0", path, *names) == pytest.approx(NLL)
        assert said("explain", "--row", "0", path, *names, "--id", "image").startswith(
            "Row 0: image a\n"
        )
        typed = ("--logits", "scores", "--target", "1")
        assert nll("0", path, *typed) == pytest.approx(NLL + 1)
        message = asks("explain", "--row", "0", path, *names, "--id", "no")
        assert "--id: " in message
        assert "'no'" in message
        assert "one name here" in asks("explain", "--row", "0", path, "--logits", "a,b")
    assert nll("0", "a.jsonl", "--logits", "scores") == pytest.approx(NLL + 1), "the label"
    np.save("a.npy", np.array(LOGITS))
    assert "no columns" in asks("explain", "--row", "0", "a.npy", "--logits", "a", "--target", "0")
    both = '{"logits": [2, 1], "target": 0, "label": 0}'
    (folder / "both.jsonl").write_text(both)
    assert "target and label: choose one" in asks("explain", "--row", "0", "both.jsonl")


def test_the_choice_needs_no_file() -> None:
    columns = choose(["id", "a", "b", "y"], [["x", "1", "2", "0"]], Asked((), "y", "id"))
    assert (columns.classes, columns.names) == ((1, 2), ("a", "b"))
    assert (columns.target, columns.id, columns.typed) == (3, 0, None)
