"""For the tests of other projects: an assertion about a loss.

from neglog.testing import assert_loss

def test_loss():
    assert_loss(my_loss)
"""

from collections.abc import Callable
from typing import Any, Literal

from .checker import Findings, check_loss

__all__ = ["assert_loss"]


def assert_loss(
    function: Callable[..., Any] | str,
    level: Literal["wrong", "fragile", "imprecise"] = "fragile",
    **options: Any,
) -> Findings:
    """Fail if a loss has findings of this grade or a worse one; the report is the message.

    Args:
        function: as for `neglog.check_loss`.
        level: the mildest grade that fails: "wrong", "fragile" or "imprecise".
        **options: framework, has_grad and convention, as for `neglog.check_loss`.

    Returns:
        All findings, the milder ones included.

    Raises:
        AssertionError: there is such a finding.
        ValueError, TypeError: as for `neglog.check_loss`, or the level is no grade.

    Examples:
        >>> from neglog import cross_entropy
        >>> assert_loss(cross_entropy).codes
        ()
    """
    __tracebackhide__ = True
    findings = check_loss(function, **options)
    if findings.at_least(level):
        raise AssertionError(f"\n{findings.to_text()}")
    return findings
