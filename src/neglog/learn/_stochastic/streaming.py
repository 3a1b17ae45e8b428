"""Fitting data larger than memory: batches of arrays or of tables, a buffer of rows at a time."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_array
from threadpoolctl import ThreadpoolController

from neglog._engine import Array
from neglog.learn._labels import labels_of, row_weights
from neglog.learn._rows import Moments, Scaling
from neglog.learn._stochastic.blocks import Blocks, counted
from neglog.learn._stochastic.descent import Block, Descent, empty_table

Batches = Iterable[Any] | Callable[[], Iterable[Any]]
Progress = Callable[[int, float | None], object]
Empty = Callable[..., Array]  # as `empty_table`
BUFFER = 64 * 2**20  # bytes of a block


class Pairs:
    """Batches (X, y) or (X, y, weight) of arrays."""

    def __init__(self, classes: Any) -> None:
        self._found = None if classes is None else np.unique(np.asarray(classes))
        self._given = classes is not None
        self._moments: Moments | None = None
        self._sparse = False
        self._width = self._rows = self._stored = 0

    def measure(self, batch: Any) -> int:
        """Count a batch; how many rows it has."""
        X, y, weight = _checked(batch, self._width)
        self._width, self._sparse = X.shape[1], sparse.issparse(X)
        self._rows += len(y)
        self._stored += X.nnz if self._sparse else 0
        moments = Moments.of(X, weight)
        self._moments = moments if self._moments is None else self._moments.plus(moments)
        if not self._given:
            labels = np.unique(y)
            self._found = labels if self._found is None else np.union1d(self._found, labels)
        return len(y)

    def prepare(self) -> tuple[Array, Scaling]:
        """The classes, and the scaling of the features."""
        assert self._moments is not None
        self._scaling = Scaling.of(self._moments, centred=not self._sparse)
        assert self._found is not None
        return self._found, self._scaling

    @property
    def row_bytes(self) -> int:
        """Of a row in a block."""
        if self._sparse:
            return empty_table(0, 0).itemsize + 8 * self._stored // self._rows
        return empty_table(0, self._width).itemsize

    def block(self, batch: Any, empty: Empty) -> Block:
        X, y, weight = _checked(batch, self._width)
        target = labels_of(y, self._found).target
        return block_of(X, target, weight, self._scaling, empty)

    def finish(self, model: Any) -> None:
        """Set what the model needs to know of its columns."""
        model.n_features_in_ = self._width
        model.__dict__.pop("columns_", None)


class Tables:
    """Arrow tables or record batches, pandas or polars frames."""

    def __init__(self, target: str, features: Sequence[str] | None, classes: Any) -> None:
        self._target = target
        self._features = None if features is None else list(features)
        self._named = features is not None
        self._found = None if classes is None else np.unique(np.asarray(classes))
        self._labels: set[Any] = set()
        self._measures: dict[str, Any] = {}
        self._rows = 0

    def _columns(self, batch: Any, names: Sequence[str]) -> dict[str, Any]:
        from neglog._read.tables.features import of_table
        from neglog._read.tables.place import Place

        return of_table(batch, names, Place("batches", self._rows))

    def measure(self, batch: Any) -> int:
        from neglog._read.tables.features import as_arrow

        from .._tables import add
        from .._tables.data import labels_in

        if self._features is None:
            names = as_arrow(batch).schema.names
            self._features = [name for name in names if name != self._target]
        columns = self._columns(batch, [self._target, *self._features])
        labels, codes = labels_in(columns.pop(self._target), self._target)
        self._labels.update(labels.tolist())
        add(self._measures, columns)
        self._rows += len(codes)
        return len(codes)

    def prepare(self) -> tuple[Array, Scaling]:
        from .._tables import decide

        def way_out(refused: Sequence[str]) -> str:
            return f"to leave them out, give features= without {', '.join(refused)}"

        self._recipe = decide(self._measures, self._named, way_out, self._target)
        width = len(self._recipe.names)
        if self._found is None:
            self._found = np.array(sorted(self._labels))
        return self._found, Scaling(np.zeros(width), np.ones(width))

    @property
    def row_bytes(self) -> int:
        recipe = self._recipe
        return empty_table(0, recipe.dense_features, len(recipe.one_hot)).itemsize

    def block(self, batch: Any, empty: Empty) -> Block:
        from .._tables.data import codes_among

        columns = self._columns(batch, [self._target, *self._recipe.columns])
        target, no_class = codes_among(columns.pop(self._target), self._found)
        if no_class:
            raise ValueError(
                f"{no_class} labels in {self._target!r} are not among classes; add them to classes,"
                " or leave such rows out"
            )
        recipe = self._recipe
        table = empty(len(target), recipe.dense_features, len(recipe.one_hot))
        table["target"] = target
        recipe.dense(columns, table["dense"][:, 1:])
        recipe.codes(columns, out=table["ones"])
        # the minimum of all columns at once takes four times as long
        if any(codes.min(initial=0) < 0 for codes in table["ones"].T):
            raise ValueError(
                "a later pass over batches has a category, or a gap, that the first pass had not:"
                " batches must give the same rows each time"
            )
        known = np.flatnonzero(target >= 0)
        if len(known) < len(table):
            table[: len(known)] = table[known]
        return Block(table[: len(known)])

    def finish(self, model: Any) -> None:
        model.columns_ = self._recipe
        model.feature_names_in_ = np.array(self._recipe.names, object)
        model.n_features_in_ = len(self._recipe.names)


def block_of(
    X: Any, target: Array, weight: Array, scaling: Scaling, empty: Empty = empty_table
) -> Block:
    """Rows of arrays, scaled."""
    is_sparse = sparse.issparse(X)
    table = empty(len(target), 0 if is_sparse else X.shape[1])
    table["target"], table["weight"] = target, weight
    if is_sparse:
        scaled = X.astype(np.float64).copy()
        scaled.data /= scaling.scale[scaled.indices]
        return Block(table, scaled.astype(np.float32))
    table["dense"][:, 1:] = (X - scaling.mean) / scaling.scale
    return Block(table)


def _checked(batch: Any, width: int) -> tuple[Any, Array, Array]:
    if not (isinstance(batch, tuple) and len(batch) in (2, 3)):
        raise TypeError(
            "batches must give (X, y) or (X, y, weight), or Arrow tables with target= the name of"
            f" a column; got {type(batch).__name__}"
        )
    X = check_array(batch[0], accept_sparse="csr", dtype=[np.float64, np.float32])
    y = np.asarray(batch[1])
    if len(y) != X.shape[0] or (width and X.shape[1] != width):
        raise ValueError(
            f"a batch has X of shape {X.shape} and {len(y)} labels"
            + (f"; the batches before have {width} columns" if width else "")
        )
    return X, y, row_weights(batch[2] if len(batch) > 2 else None, len(y))


def fit(
    model: Any,
    batches: Batches,
    reader: Any,
    epochs: int,
    buffer: int | None,
    progress: Progress | None,
) -> None:
    """Measure the columns, run the epochs, and measure the loss."""
    again = _repeatable(batches)
    rows = counted(sum(reader.measure(batch) for batch in again()), "first pass")
    classes, scaling = reader.prepare()
    if len(classes) < 2:
        raise ValueError(f"the batches have one class only, {classes[0].item()!r}")
    width = len(scaling.scale)
    start = np.zeros((len(classes), width + 1))
    descent = Descent(start, model.l2 / scaling.scale**2, model.fit_intercept)
    buffer = buffer or max(BUFFER // reader.row_bytes, 1)
    random, blocks = np.random.default_rng(0), Blocks(reader, again, rows, buffer)
    libraries = ThreadpoolController()  # to find them takes 8 ms
    done = 0
    for block in blocks.of(epochs):
        with libraries.limit(limits=1, user_api="blas"):  # the products are skinny
            descent.run(block, random)
        done += len(block.table)
        if progress is not None:
            progress(done, min(1.0, done / (rows * epochs)))
    model.classes_ = classes
    adopt(model, descent, scaling)
    reader.finish(model)
    losses, weights = np.sum([descent.loss(block) for block in blocks.of(1)], 0)
    model.nll_ = float(losses / weights)
    model.loss_ = model.nll_ + model.penalty_
    model.n_iter_ = epochs


def adopt(model: Any, descent: Descent, scaling: Scaling) -> None:
    """The coefficients at the average of the steps."""
    model.coef_, model.intercept_ = scaling.model(descent.theta)
    model.penalty_ = 0.5 * model.l2 * float(np.sum(model.coef_**2))


def _repeatable(batches: Batches) -> Callable[[], Iterable[Any]]:
    if callable(batches):
        return batches
    if iter(batches) is batches:
        raise ValueError(
            "batches is an iterator, which can be read once only, and every epoch reads it: give a"
            " list, or a function that makes an iterator, such as"
            " lambda: parquet.ParquetFile(path).iter_batches()"
        )
    return lambda: batches
