"""`partial_fit`: stochastic steps over rows that come call by call."""

from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.validation import column_or_1d

from neglog.learn._features import validated
from neglog.learn._labels import class_weights, labels_of, row_weights
from neglog.learn._rows import Moments, Scaling
from neglog.learn._stochastic.descent import Descent
from neglog.learn._stochastic.streaming import adopt, block_of


class State:
    """What is kept between calls: the steps, and the moments of all features so far."""

    def __init__(self) -> None:
        self.moments: Moments | None = None
        self.descent: Descent | None = None
        self.scaling: Scaling | None = None
        self.coef: Any = None  # that of the model after the last call
        self.random = np.random.default_rng(0)

    def rescale(self, X: Any, weight: Any) -> Scaling:
        """The scaling by all rows so far, these included."""
        moments = Moments.of(X, weight)
        self.moments = moments if self.moments is None else self.moments.plus(moments)
        return Scaling.of(self.moments, centred=not issparse(X))


def partial_fit(model: Any, X: Any, y: Any, classes: Any, sample_weight: Any) -> None:
    """One pass over these rows."""
    begun = hasattr(model, "coef_")
    X, y = validated(model, X, y, reset=not begun)
    known = _classes(model, classes, begun)
    labels = labels_of(column_or_1d(y), known)
    weight = class_weights(model.class_weight, labels, row_weights(sample_weight, len(y)))
    state = getattr(model, "_partial", None)
    if state is None or not begun or state.coef is not model.coef_:
        state = State()  # after `fit`, its coefficients are where the steps begin
    scaling = state.rescale(X, weight)
    model.classes_ = labels.classes
    descent = _follow(model, state, scaling, begun)
    descent.run(block_of(X, labels.target, weight, scaling), state.random)
    adopt(model, descent, scaling)
    state.coef, model._partial = model.coef_, state
    model.n_iter_ = 1


def _classes(model: Any, classes: Any, begun: bool) -> Any:
    given = classes if classes is not None else model.classes
    if not begun:
        if given is None:
            raise ValueError(
                "the first call of partial_fit needs classes, all labels that will come"
            )
        return given
    if classes is not None and not np.array_equal(np.unique(np.asarray(classes)), model.classes_):
        raise ValueError(
            f"classes must be those of the first call, {model.classes_.tolist()[:5]}..., got"
            f" {np.asarray(classes).tolist()[:5]}"
        )
    return model.classes_


def _follow(model: Any, state: State, scaling: Scaling, begun: bool) -> Descent:
    """The steps so far, as weights of the features by the new scaling."""
    l2, before = model.l2 / scaling.scale**2, state.scaling
    if state.descent is None or before is None:
        theta = np.zeros((len(model.classes_), len(scaling.scale) + 1))
        if begun:
            theta = scaling.theta(model.coef_, model.intercept_)
        state.descent = Descent(theta, l2, model.fit_intercept)
    else:
        state.descent.move(lambda theta: scaling.theta(*before.model(theta)))
        state.descent.penalise(l2)
    state.scaling = scaling
    return state.descent
