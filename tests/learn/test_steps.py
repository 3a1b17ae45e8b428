"""How many steps a fit takes: what is scaled to the same curvature costs none."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="needs the extra cli")

from neglog.learn import SoftmaxRegression
from neglog.learn._objective import Objective


def test_the_intercept_costs_no_steps_with_many_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its curvature is about 1/K: 75 steps, and 260 where only the features are scaled."""
    rng = np.random.default_rng(0)
    X, coef, shift = (rng.standard_normal(s) for s in [(300, 5), (40, 5), (40,)])
    z = X @ coef.T + shift
    y = (z + rng.gumbel(size=z.shape)).argmax(axis=1)
    scaled = SoftmaxRegression(l2=1e-3).fit(X, y)
    measure = Objective.of

    def unscaled(*data: object) -> Objective:
        objective = measure(*data)  # type: ignore[arg-type]
        return replace(objective, scale=np.append(objective.scale[:-1], 1.0))

    monkeypatch.setattr(Objective, "of", unscaled)
    plain = SoftmaxRegression(l2=1e-3).fit(X, y)
    assert scaled.n_iter_ < 0.5 * plain.n_iter_
    assert scaled.loss_ == pytest.approx(plain.loss_, rel=0, abs=1e-7)
    np.testing.assert_allclose(scaled.predict_proba(X), plain.predict_proba(X), atol=1e-4)
