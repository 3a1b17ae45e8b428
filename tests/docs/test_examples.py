"""Each example runs by itself, warns of nothing, and prints what it should have learned."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.py"))


def output(name: str, folder: Path, *arguments: str) -> str:
    """What an example prints, run in a folder of its own."""
    path = next(path for path in EXAMPLES if path.stem == name)
    run = subprocess.run(
        [sys.executable, "-W", "error", str(path), *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=120,
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert list(folder.iterdir()) == [], "an example leaves nothing behind"
    return run.stdout


def test_digits(tmp_path: Path) -> None:
    pytest.importorskip("sklearn", reason="needs the extra cli")
    text = output("digits", tmp_path)
    assert float(re.findall(r"held out: ([\d.]+)%", text)[0]) > 95
    assert re.search(r"^a \d, taken for a \d$", text, re.M)


def test_two_layer_network(tmp_path: Path) -> None:
    lines = output("two_layer_network", tmp_path).splitlines()
    losses = [float(re.findall(r"mean nll ([\d.]+)", line)[0]) for line in lines]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.1
    assert float(re.findall(r"right ([\d.]+)%", lines[-1])[0]) > 97


def test_anes(tmp_path: Path) -> None:
    pytest.importorskip("statsmodels", reason="needs statsmodels")
    text = output("anes", tmp_path)
    assert "944 rows, 7 classes, against class 0" in text
    assert "odds of a strong Republican (class 6) by 7.9; 95 % interval: 6.0 to 10.5" in text


def test_bagging(tmp_path: Path) -> None:
    pytest.importorskip("sklearn", reason="needs the extra cli")
    text = output("bagging", tmp_path)
    whole, alone, bagged, few, many = map(float, re.findall(r"^  (0\.\d+)  ", text, re.M))
    assert whole < many < bagged < alone < few


def test_report_languages(tmp_path: Path) -> None:
    """On made-up languages whose letters differ; the real ones come with another package."""
    pytest.importorskip("sklearn", reason="needs the extra cli")
    pytest.importorskip("pyarrow", reason="needs the extra report")
    random = np.random.default_rng(0)
    for language, letters in (("ko", "가나다라마바"), ("ru", "абвгде"), ("el", "αβγδεζ")):
        folder = tmp_path / "django" / language / "LC_MESSAGES"
        folder.mkdir(parents=True)
        texts = ("".join(random.choice(list(letters), 20)) for _ in range(100))
        entries = ['msgid ""\nmsgstr ""\n"a header"\n']
        entries += [f'msgid "{k}"\nmsgstr ""\n"{text}"\n' for k, text in enumerate(texts)]
        (folder / "django.po").write_text("\n".join(entries), encoding="utf-8")
    (tmp_path / "empty").mkdir()
    text = output("report_languages", tmp_path / "empty", "--django", str(tmp_path / "django"))
    assert "300 texts in 3 languages" in text
    assert float(re.findall(r"([\d.]+)% right", text)[0]) > 95
    assert re.search(r"^\d+ suspects at a false-discovery rate of 10 %", text, re.M)


def test_flights(tmp_path: Path) -> None:
    """On a sample; all of them take a minute."""
    for package in ("sklearn", "pyarrow", "pandas"):
        pytest.importorskip(package, reason="needs the extra cli, and pandas")
    text = output("flights", tmp_path, "--rows", "20000")
    assert text.startswith("20,000 flights, 16 carriers\n")
    losses = [float(loss) for loss in re.findall(r"loss ([\d.]+)", text)]
    assert losses == sorted(losses, reverse=True)
    assert losses[2] - losses[3] < 0.05
    assert float(re.findall(r"([\d.]+)% right", text)[0]) > 60


def test_the_network_is_as_short_as_the_readme_says() -> None:
    path = next(path for path in EXAMPLES if path.stem == "two_layer_network")
    code = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    assert len(code) <= 30


def test_report_dask(tmp_path: Path) -> None:
    pytest.importorskip("dask.dataframe", reason="needs the extra dask")
    text = output("report_dask", tmp_path)
    assert "16000 rows, mean nll 0.595861423097" in text  # that of one machine
    assert len(re.findall(r"^(?:en|ko): \d+ rows, mean nll 0\.\d+$", text, re.M)) == 2


@pytest.mark.parametrize(
    ("name", "package"), [("report_ray", "ray"), ("fit_ray", "ray"), ("report_spark", "pyspark")]
)
def test_examples_of_other_clusters(name: str, package: str, tmp_path: Path) -> None:
    path = next(path for path in EXAMPLES if path.stem == name)
    compile(path.read_text(encoding="utf-8"), str(path), "exec")
    pytest.importorskip(package, reason=f"{package} is too large for the tests' environment")
    assert "16000 rows, mean nll 0." in output(name, tmp_path)


def test_every_example_has_a_test() -> None:
    named = "".join(
        path.read_text() for path in Path(__file__).parents[1].rglob("test_examples.py")
    )
    assert [path.stem for path in EXAMPLES if path.stem not in named] == []
