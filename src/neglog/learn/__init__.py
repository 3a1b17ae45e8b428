"""Maximum-likelihood classifiers with the scikit-learn interface."""

try:
    import scipy  # noqa: F401
    import sklearn  # noqa: F401
except ImportError as error:
    raise ModuleNotFoundError(
        f"neglog.learn needs scikit-learn and SciPy, and {error.name} is not installed: "
        "pip install 'neglog[learn]'",
        name=error.name,
    ) from error

from neglog.learn._inference import Summary
from neglog.learn._softmax_regression import SoftmaxRegression
from neglog.learn._temperature_scaling import TemperatureScaling

__all__ = ["SoftmaxRegression", "Summary", "TemperatureScaling"]
