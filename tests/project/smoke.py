"""What an installed neglog must do with NumPy alone.

`python smoke.py [FOLDER...]` imports from the folders first. Every wheel is tested with it: by
test_wheel.py here, and by cibuildwheel on the machine that built it.
"""

import sys


def main(folders: list[str]) -> None:
    sys.path[:0] = folders
    import numpy as np

    import neglog

    assert not folders or neglog.__file__.startswith(folders[0]), neglog.__file__
    logits = np.array([[17.0, 0.0, 0.0], [0.0, 1.0, 2.0]], np.float32)
    loss, grad = neglog.cross_entropy_and_grad(logits, np.array([0, 2]), reduction="none")
    assert abs(loss[0] / 8.2798749e-08 - 1) < 1e-6, loss
    assert grad[0, 0] < 0, grad
    assert np.allclose(grad.sum(axis=1), 0, atol=1e-7), grad
    # Enough work for all threads, and the products of the head.
    rng = np.random.default_rng(0)
    hidden, classes = rng.normal(size=(512, 16)), rng.normal(size=(1000, 16))
    target = rng.integers(0, 1000, 512)
    whole = neglog.cross_entropy(hidden @ classes.T, target)
    assert np.isclose(neglog.linear_cross_entropy(hidden, classes, target), whole, rtol=1e-12)
    # The page is put together from files that the wheel must hold.
    assert neglog.explain([17, 0, 0], 0).to_html().rstrip().endswith("</html>")
    print(f"neglog {neglog.__version__}, NumPy {np.__version__}: {neglog.cpu_info()}")


if __name__ == "__main__":
    main(sys.argv[1:])
