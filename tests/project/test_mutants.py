"""Every planted bug has a place: a text that was rewritten would end `make mutants` halfway."""

from pathlib import Path

import pytest

from mutants.__main__ import ALL
from mutants.catalogue import Mutant

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("mutant", ALL, ids=lambda mutant: mutant.name)
def test_the_text_stands_once_and_a_test_file_is_there(mutant: Mutant) -> None:
    assert (ROOT / mutant.file).read_text(encoding="utf-8").count(mutant.old) == 1
    assert mutant.new != mutant.old
    assert mutant.tests
    for name in mutant.tests:
        assert (ROOT / "tests" / f"{name}.py").is_file(), name


def test_every_bug_has_a_name_of_its_own() -> None:
    names = [mutant.name for mutant in ALL]
    assert len(set(names)) == len(names)
