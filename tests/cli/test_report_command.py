"""`neglog report`: its options, outputs and exit codes."""

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("rich", reason="needs the extra cli")
pytest.importorskip("pyarrow", reason="needs the extra report")

from command_helpers import NEGLOG, folder_fixture, neglog  # noqa: F401
from report_helpers.files import PETS, Pets, Ran, as_csv, pets, ran_fixture, refused_fixture  # noqa: F401
from report_helpers.tables import assert_same

from neglog.report import Comparison, Report, evaluate

pytestmark = pytest.mark.usefixtures("folder")

DATA = pets()
ALL = ("--weight", "weight", "--id", "id", "--text", "text", "--bytes", "size", "--by", "lang")


def report(data: Pets = DATA, **beside: Any) -> Report:
    return evaluate(data.logits, data.target, class_names=PETS, **beside)


def everything(data: Pets = DATA) -> dict[str, Any]:
    return {
        "row_weight": data.weight,
        "ids": data.id,
        "text": data.text,
        "num_bytes": data.size,
        "by": {"lang": data.lang},
    }


def findings(done: Ran) -> Any:
    assert done.code == 0
    return json.loads(done.out)


# ---- from the options to the report


def test_the_obvious_file_needs_no_option(ran: Any) -> None:
    done = ran(as_csv("p.csv", DATA))
    assert (done.code, done.err) == (0, "")
    taken = "taking logit_* (3 columns) as the classes, 'label' as the target, 'id' as the id\n"
    assert done.out.startswith(taken)
    assert f"{report().to_dict()['loss']['nll']['value']:.4f}" in done.out
    assert max(map(len, done.out.removeprefix(taken).splitlines())) <= 80


def test_json_is_what_python_gives(ran: Any) -> None:
    done = ran(as_csv("p.csv", DATA), *ALL, "--json", "-")
    assert_same(findings(done), report(**everything()).to_dict())
    assert done.err.startswith("taking logit_*")


@pytest.mark.parametrize(
    ("options", "same"),
    [
        (("--kind", "logits"), {"kind": "logits"}),
        (("--logits", "logit_*", "--target", "label"), {}),
        (("--by", "lang", "--by", "size"), {"by": {"lang": DATA.lang, "size": DATA.size}}),
        (("--id", "text"), {"ids": DATA.text}),
    ],
)
def test_options_reach_the_report(ran: Any, options: tuple[str, ...], same: Any) -> None:
    found = findings(ran(as_csv("p.csv", DATA), *options, "--json", "-"))
    expected = report(**{"ids": DATA.id, **same}).to_dict()
    for part in ("rows", "loss", "worst"):
        assert_same(found[part], expected[part])
    assert found["input"]["kind_reason"] == expected["input"]["kind_reason"]
    assert found["slices"].keys() == expected["slices"].keys()


def test_columns_that_are_no_classes_are_left_out(ran: Any, refused: Any) -> None:
    header = "cat,dog,horse,y_true,size_1,size_2,size_3,other,group"
    file = as_csv("p.csv", DATA, header)
    assert "neglog report p.csv" in refused(file)
    options = ("--target", "y_true", "--ignore", "size_*", "--ignore", "other", "--ignore", "group")
    named = ("--target", "y_true", "--logits", "cat, dog,horse")
    for said in (options, named):
        found = findings(ran(file, *said, "--json", "-"))
        assert_same(found["loss"], report().to_dict()["loss"])


def test_token_log_probabilities(ran: Any, refused: Any) -> None:
    lines = [
        {"lp": [-0.5, -2.0], "top": [[-0.5, -3.0], [-1.0, -2.0]]},
        {"lp": [-1.0], "top": [[-1]]},
    ]
    Path("t.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    found = findings(ran("t.jsonl", "--logprob", "lp", "--top", "top", "--json", "-"))
    assert found["loss"]["nll"]["value"] == pytest.approx(3.5 / 3)
    assert found["missing_mass"]["value"] > 0
    assert "calibration" in found["missing"]
    assert "--top belongs to --logprob" in refused("t.jsonl", "--top", "top")
    assert "needs the predictions of all classes" in refused(
        "t.jsonl", "t.jsonl", "--logprob", "lp"
    )


# ---- outputs


def test_files_are_written_and_named(ran: Any) -> None:
    file = as_csv("p.csv", DATA)
    done = ran(file, "--html", "r.html", "--json", "r.json", "--save", "s.json", "--lang", "ko")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[1:] == [
        f"written to {name}" for name in ("r.html", "r.json", "s.json")
    ]
    assert json.loads(Path("r.json").read_text()) == Report.load("s.json").to_dict()
    assert '<html lang="ko"' in Path("r.html").read_text(encoding="utf-8")
    assert sorted(path.name for path in Path().iterdir()) == ["p.csv", "r.html", "r.json", "s.json"]


@pytest.mark.parametrize("option", ["--html", "--json", "--save"])
def test_a_file_that_cannot_be_written_is_refused_before_any_work(
    option: str, ran: Any, refused: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = as_csv("p.csv", DATA)
    Path("old").write_text("old")
    with monkeypatch.context() as patch:
        patch.setattr("neglog.cli._report.open_predictions", lambda *_, **__: pytest.fail("read"))
        assert refused(file, option, "old").startswith("old exists: give --force to replace it")
        assert refused(file, option, "no/x").startswith("there is no folder no for x")
        assert refused(file, option, "/dev/full", "--force").startswith("/dev/full is a device")
        assert refused(file, option, file, "--force").startswith(f"{option} p.csv is an input, too")
        two = "--html" if option == "--json" else "--json"
        assert "is an output, too: give another name" in refused(file, option, "x", two, "./x")
        assert refused(file, option, "new", "--fail-if", "nll").startswith("--fail-if 'nll': ")
    assert ran(file, option, "old", "--force").code == 0
    assert Path("old").read_text() != "old"


def test_a_full_disk_is_one_message_and_leaves_nothing(folder: Path) -> None:
    as_csv("p.csv", DATA)
    full = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n{NEGLOG}"
    run = neglog("report", "p.csv", "--json", "r.json", cwd=folder, code=full)
    assert (run.returncode, run.stderr) == (2, "neglog: [Errno 27] File too large: 'r.json'\n")
    assert [path.name for path in folder.iterdir()] == ["p.csv"]
    to_full = f"import os; os.dup2(os.open('/dev/full', os.O_WRONLY), 1)\n{NEGLOG}"
    for output in ((), ("--json", "-")):
        run = neglog("report", "p.csv", *output, cwd=folder, code=to_full)
        assert run.returncode == 2
        assert run.stderr.endswith("neglog: [Errno 28] No space left on device\n")
        assert "Traceback" not in run.stderr


# ---- states and comparisons


def test_states_of_parts_merge_to_the_report_of_the_whole(ran: Any, refused: Any) -> None:
    half = [Pets(*(column[rows] for column in DATA)) for rows in (slice(15), slice(15, None))]
    for name, part in zip("ab", half, strict=True):
        as_csv(f"{name}.csv", part)
        assert ran(f"{name}.csv", *ALL, "--save", f"{name}.json").code == 0
    done = ran("a.json", "b.json", "--merge", "--json", "-", "--save", "all.json")
    assert done.err == "written to all.json\n"
    assert_same(findings(done), report(**everything()).to_dict())
    assert_same(findings(ran("all.json", "--merge", "--json", "-")), findings(done))
    assert refused("a.json") == "a.json is a saved state: give --merge to read it"
    assert "--by is for files of predictions" in refused("a.json", "--merge", "--by", "lang")
    assert "--kind is for files of predi" in refused("a.json", "--merge", "--kind", "logits")
    assert "a.csv does not hold a report's state" in refused("a.csv", "--merge")
    Path("t.csv").write_text("logprob\n-1\n-2\n")
    assert ran("t.csv", "--save", "t.json").code == 0
    assert "t.json is about other predictions than a.json" in refused("a.json", "t.json", "--merge")
    assert ran("t.json", "--merge").code == 0
    two = "logit_a,logit_b,label\n1,2,a\n"
    Path("two.csv").write_text(two)
    assert ran("two.csv", "--save", "two.json").code == 0
    assert "two.json does not merge with a.json: " in refused("a.json", "two.json", "--merge")


def test_two_files_are_compared(ran: Any, refused: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    worse = DATA._replace(logits=DATA.logits + pets(seed=1).logits / 2)
    as_csv("a.csv", DATA)
    as_csv("b.csv", worse)
    expected = Comparison(["a.csv", "b.csv"], class_names=PETS)
    expected.update(DATA.logits, worse.logits, DATA.target, **everything())
    found = findings(ran("a.csv", "b.csv", *ALL, "--json", "-"))
    assert_same(found, expected.to_dict())
    condition = ("--fail-if", "difference.low > -9")
    assert ran("a.csv", "b.csv", *condition).code == 3
    assert "--save is for the state of one" in refused("a.csv", "b.csv", "--save", "s.json")
    assert "expected one file, or two to compare, got 3" in refused("a.csv", "b.csv", "a.csv")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"target": (DATA.target + 1) % 3}, "row 0 has the target '"),
        ({"id": DATA.text}, "row 0 has the id 'row-0' in a.csv and 'a text about 0' in b.csv"),
        (
            {"rows": slice(30)},
            "b.csv has 30 rows, a.csv has more: a comparison needs the same rows",
        ),
        ({"header": "logit_cat,logit_dog,logit_cow,label,weight,id,t,s,l"}, "the classes of a.csv"),
    ],
)
def test_other_rows_are_not_compared(change: Any, message: str, refused: Any) -> None:
    header, rows = change.pop("header", ""), change.pop("rows", slice(None))
    data = Pets(*(column[rows] for column in DATA._replace(**change)))
    message_here = refused(as_csv("a.csv", DATA), as_csv("b.csv", data, header))
    assert message in message_here


# ---- exit codes


def test_a_condition_that_holds_is_exit_3(ran: Any, refused: Any) -> None:
    file = as_csv("p.csv", DATA)
    conditions = ("nll > 0.01", "slice[lang=ko].nll < 0", "class[cat].accuracy <= 1")
    options = [word for condition in conditions for word in ("--fail-if", condition)]
    done = ran(file, "--by", "lang", *options, "--json", "r.json")
    found = json.loads(Path("r.json").read_text())
    cat = next(line for line in found["classes"]["listed"] if line["name"] == "cat")
    assert (done.code, done.err.splitlines()) == (
        3,
        [
            f"neglog: nll > 0.01: it is {found['loss']['nll']['value']:.7g}",
            f"neglog: class[cat].accuracy <= 1: it is {cat['accuracy']['value']:.7g}",
        ],
    )
    assert ran(file, "--fail-if", "nll > 99").code == 0
    assert "did you mean cat?" in refused_after_work(ran(file, "--fail-if", "class[cta].nll > 1"))


def refused_after_work(done: Ran) -> str:
    assert done.code == 2
    return done.err


def test_strict_refuses_what_is_otherwise_counted(ran: Any, refused: Any) -> None:
    z = DATA.logits.copy()
    z[7, 1] = float("nan")
    file = as_csv("p.csv", DATA._replace(logits=z))
    assert findings(ran(file, "--json", "-"))["rows"]["left_out"]["not finite"] == 1
    assert refused(file, "--strict").endswith(": row 7 does not count: not finite (--strict)")
    assert ran(as_csv("q.csv", DATA), "--strict").code == 0
    assert "row 7 does not count" in refused("q.csv", file, "--strict")


def test_an_interruption_says_how_far_it_came(
    ran: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = as_csv("p.csv", DATA)
    monkeypatch.setattr("neglog._read.tables.convert.rows_at_once", lambda _: 16)
    update = Report.update

    def interrupted(self: Report, *arguments: Any, **options: Any) -> None:
        if self.read > 20:
            raise KeyboardInterrupt
        update(self, *arguments, **options)

    monkeypatch.setattr(Report, "update", interrupted)
    done = ran(file, "--json", "r.json", "--html", "r.html")
    assert done.code == 130
    assert done.err.startswith("neglog: interrupted after ")
    assert done.err.endswith("; nothing was written\n")
    assert [path.name for path in folder.iterdir()] == ["p.csv"]


def test_a_closed_pipe_is_no_error(folder: Path) -> None:
    as_csv("p.csv", DATA)
    closed = f"import os; r, w = os.pipe(); os.close(r); os.dup2(w, 1)\n{NEGLOG}"
    for output in ((), ("--json", "-"), ("--json", "-", "--html", "r.html", "--force")):
        run = neglog("report", "p.csv", *output, cwd=folder, code=closed)
        assert run.returncode == 0
        assert "Error" not in run.stderr
    assert (folder / "r.html").stat().st_size > 1000


def test_help_waits_for_nothing_heavy(folder: Path) -> None:
    code = NEGLOG.replace("sys.exit(main())", "sys.argv[1:] = ['report', '--help']") + (
        "\ntry: main()\nexcept SystemExit: pass\n"
        "print('loaded:', sorted({'rich', 'pyarrow', 'json', 'neglog.report'} & set(sys.modules)))"
    )
    run = neglog(cwd=folder, code=code)
    assert "loaded: []" in run.stdout
    for code_and_meaning in ("0 ", "2 ", "3 ", "130 "):
        assert f"\n  {code_and_meaning}" in run.stdout
    assert max(map(len, run.stdout.splitlines())) <= 80


def test_a_missing_package_is_named(folder: Path) -> None:
    code = f"import sys; sys.modules['pyarrow'] = None\n{NEGLOG}"
    run = neglog("report", "p.csv", cwd=folder, code=code)
    assert run.returncode == 2
    assert run.stderr == "neglog: the report needs pyarrow: pip install 'neglog[cli]'\n"
