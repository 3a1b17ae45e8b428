"""A model's file: what was saved comes back, and nothing else gets in."""

import io
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="needs the extra learn")

from neglog.learn import SoftmaxRegression, _saving

X = np.random.default_rng(0).normal(size=(60, 3))
Y = np.argmax(X + np.random.default_rng(1).normal(size=X.shape), axis=1)


def fitted(labels: Any = ("cat", "dog", "ø"), **options: Any) -> SoftmaxRegression:
    return SoftmaxRegression(l2=0.01, **options).fit(X, np.array(labels)[Y])


@pytest.mark.parametrize(
    "labels",
    [
        ("cat", "dog", "a\x00"),  # NumPy's strings drop a zero at the end
        np.array(["cat", "dog", "ø"], object),
        (-5, 0, 7),
        np.array([1, 2, 3], np.uint8),
    ],
)
def test_what_was_saved_comes_back(labels: Any, tmp_path: Path) -> None:
    model = fitted(labels, class_weight={np.asarray(labels)[1]: 2.0}, max_iter=50)
    model.save(tmp_path / "m.npz")
    again = SoftmaxRegression.load(tmp_path / "m.npz")
    assert again.classes_.tolist() == model.classes_.tolist()
    assert again.get_params() == model.get_params()
    for name in ("coef_", "intercept_", "nll_", "penalty_", "loss_", "n_iter_", "n_features_in_"):
        assert np.array_equal(getattr(again, name), getattr(model, name))
    assert np.array_equal(again.logits(X), model.logits(X))
    assert again.predict(X).tolist() == model.predict(X).tolist()


def test_the_names_of_a_frame_come_back(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=["a", "b", "c"])
    SoftmaxRegression().fit(frame, Y).save(tmp_path / "m.npz")
    again = SoftmaxRegression.load(tmp_path / "m.npz")
    assert again.feature_names_in_.tolist() == ["a", "b", "c"]
    with pytest.raises(ValueError, match="feature names should match"):
        again.predict(frame[["b", "a", "c"]])


def test_float32_stays(tmp_path: Path) -> None:
    SoftmaxRegression().fit(X.astype(np.float32), Y).save(tmp_path / "m.npz")
    assert SoftmaxRegression.load(tmp_path / "m.npz").coef_.dtype == np.float32


def test_the_file_has_no_pickle_and_is_not_compressed(tmp_path: Path) -> None:
    fitted().save(tmp_path / "m.npz")
    with np.load(tmp_path / "m.npz", allow_pickle=False) as file:
        assert sorted(file.files) == ["about", "coef", "intercept"]
        assert json.loads(bytes(file["about"]))["settings"]["l2"] == 0.01
    kinds = {entry.compress_type for entry in zipfile.ZipFile(tmp_path / "m.npz").infolist()}
    assert kinds == {zipfile.ZIP_STORED}


def test_an_old_file_stays_unless_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "m.npz"
    path.write_text("old")
    with pytest.raises(FileExistsError, match="give overwrite=True to replace it"):
        fitted().save(path)
    with monkeypatch.context() as patch:
        patch.setattr(np, "savez", lambda *_, **__: (_ for _ in ()).throw(OSError(28, "full")))
        with pytest.raises(OSError, match=r"full.*m\.npz"):
            fitted().save(path, overwrite=True)
    assert [p.name for p in tmp_path.iterdir()] == ["m.npz"]
    assert path.read_text() == "old"
    fitted().save(path, overwrite=True)
    assert SoftmaxRegression.load(path).classes_.tolist() == ["cat", "dog", "ø"]


def test_labels_and_settings_that_no_file_holds(tmp_path: Path) -> None:
    model = fitted()
    model.classes_ = np.array(["a", 1, "b"], object)
    with pytest.raises(ValueError, match="a model's file holds integers or strings"):
        model.save(tmp_path / "m.npz")
    model = fitted()
    model.tol = Path()
    with pytest.raises(ValueError, match="tol is"):
        model.save(tmp_path / "m.npz")
    assert list(tmp_path.iterdir()) == []


# ---- files that hold something else


def entries(**changes: Any) -> dict[str, bytes]:
    """The entries of a good file, some changed or without; arrays or bytes."""
    buffer = io.BytesIO()
    path = Path("m.npz")
    fitted((3, 4, 5)).save(path)
    with zipfile.ZipFile(path) as archive:
        found = {name.removesuffix(".npy"): archive.read(name) for name in archive.namelist()}
    path.unlink()
    for name, value in changes.items():
        if value is None:
            del found[name]
            continue
        if name == "about":
            about = json.loads(found["about"][128:])
            value = np.frombuffer(json.dumps(value(about)).encode(), np.uint8)
        if isinstance(value, np.ndarray):
            buffer = io.BytesIO()
            np.save(buffer, value, allow_pickle=True)
            value = buffer.getvalue()
        found[name] = value
    return found


def written(compression: int = zipfile.ZIP_STORED, **changes: Any) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in entries(**changes).items():
            archive.writestr(f"{name}.npy", content)
    return buffer.getvalue()


def header(shape: str) -> bytes:
    text = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".encode()
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


def changed(key: str, value: Any) -> Any:
    return lambda about: about | {key: value}


HOSTILE = {
    "no archive": lambda: b"hello",
    "an empty file": lambda: b"",
    "cut": lambda: written()[:-200],
    "a flipped byte": lambda: written().replace(b'"version": "', b'"versiom": "'),
    "an array of objects": lambda: written(coef=np.array([[{}], [{}]], object)),
    "compressed": lambda: written(zipfile.ZIP_DEFLATED),
    "a shape beyond the bytes": lambda: written(coef=header("(3, 100000000000)")),
    "a negative shape": lambda: written(coef=header("(-3, -3)") + bytes(72)),
    "a shape that is code": lambda: written(coef=header("__import__('os')")),
    "a deep header": lambda: written(coef=header("(" * 3000)),
    "another entry": lambda: written(evil=np.ones(3)),
    "no coefficients": lambda: written(coef=None),
    "text for numbers": lambda: written(intercept=np.array(["a", "b", "c"])),
    "nan": lambda: written(coef=np.full((3, 3), np.nan)),
    "too few rows": lambda: written(coef=np.ones((2, 3))),
    "one class": lambda: written(coef=np.ones((1, 3)), intercept=np.ones(1), classes=np.array([1])),
    "a class twice": lambda: written(classes=np.array([1, 1, 2])),
    "no text": lambda: written(about=lambda _: 5),
    "another program's": lambda: written(about=lambda about: {"format": 1}),
    "another model's": lambda: written(about=changed("kind", "Tree")),
    "an unknown setting": lambda: written(about=changed("settings", {"alpha": 1})),
    "a bad setting": lambda: written(about=changed("settings", {"l2": -1})),
    "names for other columns": lambda: written(about=changed("features", ["a"])),
    "a table of other columns": lambda: written(
        about=changed(
            "table", {"target": None, "scaled": [["a", 0.0, 1.0, False, "number"]], "one_hot": []}
        )
    ),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_foreign_or_damaged_file_is_one_error(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    content = HOSTILE[what]()
    Path("m.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"m\.npz does not hold a SoftmaxRegression of neglog: .+"):
        SoftmaxRegression.load("m.npz")


def test_a_pickle_is_not_run(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "touched",))

    (tmp_path / "m.npz").write_bytes(pickle.dumps(Evil()))
    with pytest.raises(ValueError, match="does not hold"):
        SoftmaxRegression.load(tmp_path / "m.npz")
    assert not (tmp_path / "touched").exists()


def test_a_newer_file_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    newer = lambda about: about | {_saving.NAME: 2, "version": "9.1"}  # noqa: E731
    Path("m.npz").write_bytes(written(about=newer))
    with pytest.raises(ValueError, match=r"written by neglog 9\.1, which is newer .*: upgrade"):
        SoftmaxRegression.load("m.npz")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        SoftmaxRegression.load(tmp_path / "m.npz")
