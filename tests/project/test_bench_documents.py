"""What the benchmark writes into the documents, and what it refuses to leave there."""

import budgets
import pytest
from made_up_runs import made_up_head, made_up_training

from bench import (
    divisors,
    documents,
    lookup,
    timing,
    torch_face,
    training,
)
from bench.documents import table
from bench.head.problem import GENERATED


def test_the_tables_of_the_torch_face() -> None:
    shape = (2048, 32768)
    step = {"neglog.torch": [1e-3], "torch eager": [2e-3], "bare node": [5e-4]}
    rows = [
        timing.row(dtype, shape, "forward + backward", step)
        for dtype in ("float32", "float64", "bfloat16")
    ]
    part = {"neglog.torch": [2e-3], "torch.compile": [6e-3], "no loss": [9e-3]}
    rows.append(timing.row("float32", shape, torch_face.COMPILED_MODE, part))
    changing = {"neglog.torch": [1e-3], divisors.CONSTANT: [1e-3]}  # no peer: in no table
    rows.append(timing.row("float32", shape, divisors.CHANGING, changing))
    peak = {"shape": shape, "arrays": {"neglog.torch": 1.01, "torch eager": 3.02}}
    run = {"rows": rows, "memory": peak}
    assert table.torch_times(run, documents.ENGLISH).splitlines()[2:] == [
        "| 2048 x 32768 | 1.0 ms | 2.0x | — |",
        "| 2048 x 32768, bfloat16 | 1.0 ms | 2.0x | — |",
    ]
    for words in documents.README.values():
        assert table.compiled(run, words).splitlines()[2:] == ["| 2048 x 32768 | 2.0 | 6.0 | 9.0 |"]
        last = table.memory(run, words).splitlines()[-1]
        assert last == "| 2048 x 32768 | 1.01 x 256 MiB | 3.02 x 256 MiB |"


@pytest.mark.parametrize("name", ["summary", *table.TABLES])
def test_a_run_without_torch_has_every_table(name: str) -> None:
    run = lookup.kept_run()
    run["rows"] = [row for row in run["rows"] if "neglog.torch" not in row["seconds"]]
    for part in ("memory", "training"):
        run.pop(part, None)
    text = f"<!--table {name}-->\n<!--/table-->"
    assert len(documents.updated(text, run, documents.ENGLISH).splitlines()) > 2


def test_training_stands_in_the_readme_and_in_its_own_table() -> None:
    run = lookup.kept_run() | {"training": made_up_training()}
    text = "<!--table summary-->\n<!--/table-->"
    lines = documents.updated(text, run, documents.ENGLISH).splitlines()
    assert len([line for line in lines if line.startswith("| ")]) == 2 + 7
    assert (
        "| training step, Llama, bfloat16, 2 x 512 | 1.00 s | 500.0 ms | 250.0 ms"
        " | 512 MiB / 128 MiB | 0.40 / 0.40 |" in lines
    )
    table_of_it = table.training(run, documents.KOREAN).splitlines()
    assert len(table_of_it) == 2 + len(training.MODELS) * len(training.ROUTES)
    assert table_of_it[4].endswith(
        "| `linear_cross_entropy` | 250.0 ms | 0.25 | 128 MiB | 0.40 ulp |"
    )
    figure = "faster: <!--figure llama-head-times-->?<!--/-->"
    assert "-->4.00<!--" in documents.updated(figure, run, documents.ENGLISH)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("it takes 31.7 ms", ["31.7 ms"]),
        ("8.0x as fast, 3 times as large", ["8.0x", "3 times"]),
        (
            "64 MiB, 25 GB/s, 0.5 ulp, 0.14 %, 2 s",
            ["64 MiB", "25 GB/s", "0.5 ulp", "0.14 %", "2 s"],
        ),
        ("0.73배, 2초", ["0.73배", "2초"]),
        ("2048 x 32768 logits, 32 rows, float32, 10 classes, 2 states", []),
        ("`make bench` takes <!--figure loss-times-->8.0<!--/--> times `64 MiB`", []),
        ("<!--table head-->\n| 2.0x | 3 ms |\n<!--/table-->", []),
    ],
)
def test_a_measured_figure_without_a_marker_is_found(text: str, found: list[str]) -> None:
    assert documents.unmarked(text) == found


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("is <!--figure speed-->1<!--/-->", "there is no figure 'speed'"),
        ("<!--table speed-->\n<!--/table-->", "there is no table 'speed'"),
        ("is\n<!--figure loss-times-->1<!--/-->", "must not begin with a figure's marker"),
    ],
)
def test_a_marker_that_says_nothing_is_named(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        documents.updated(text, lookup.kept_run(), documents.ENGLISH)


def test_what_the_run_lacks_is_a_dash() -> None:
    run = lookup.kept_run() | {"training": []}
    text = documents.updated("is <!--figure tiny-times-->1<!--/-->", run, documents.ENGLISH)
    assert text == "is <!--figure tiny-times-->—<!--/-->"


def test_the_tables_of_the_head() -> None:
    found = made_up_head(2.0)
    found["rows"] = [row for row in found["rows"] if row["seconds"].keys() == {"neglog"}]
    run = {"head": found}
    for words in documents.README.values():
        lines = table.head(run, words).splitlines()
        assert len(lines) == 2 + len(found["rows"])
        size = "2048 x 768 x 50304"
        assert lines[2] == f"| {size} | neglog | 1.00 s | 0.50 | 2.0x | 2.0x | 2.0x |"
        errors = table.head_errors(run, words).splitlines()
        assert len(errors) == 2 + len(budgets.FACES) * len(budgets.HEAD_TOLERANCES)
        taken = table.head_memory(run, words).splitlines()[-1]
        assert taken == "| 16384 x 64 x 131072 | 32 MiB | 32 MiB | — |"
    assert "a real head, `grad_tolerance=1e-5` | neglog" in table.head(run, documents.ENGLISH)
    assert "행의 절반은 무시" in table.head(run, documents.KOREAN)
    generated = {"head": made_up_head(2.0, GENERATED)}
    assert "a generated head" in table.head(generated, documents.ENGLISH)
