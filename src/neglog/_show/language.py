"""The languages in which results are shown, and the sentences of one of them."""

from collections.abc import Mapping, Sequence
from typing import Literal, TextIO, get_args

Language = Literal["en", "ko"]
LANGUAGES: tuple[str, ...] = get_args(Language)
# The last of a list, and what is left out of it.
LISTS = {"en": ("{first} and {last}", "{n} more"), "ko": ("{first}, {last}", "그 밖의 {n}개")}
LETTERS = {"en": "A", "ko": "가"}  # one of each


class Sentences:
    """One language of a table of sentences: {language: {key: sentence with {places}}}."""

    def __init__(
        self, lang: Language, books: Mapping[str, Mapping[str, str]], argument: str = "lang"
    ) -> None:
        if lang not in LANGUAGES:
            known = ", ".join(map(repr, LANGUAGES))
            raise ValueError(f"{argument} must be one of {known}, got {lang!r}")
        self.lang: Language = lang
        self.words = books[lang]

    def __call__(self, key: str, **values: str) -> str:
        """The sentence of this key. Values are text already, and are not formatted again."""
        return self.words[key].format(**values)

    def listed(self, names: Sequence[str], more: int = 0) -> str:
        """cat, dog and horse."""
        last, rest = LISTS[self.lang]
        kept = [*names, rest.format(n=more)] if more else list(names)
        if len(kept) == 1:
            return kept[0]
        return last.format(first=", ".join(kept[:-1]), last=kept[-1])

    def counted(self, what: str, n: int) -> str:
        """One row, 3 rows."""
        return self(f"{what}.{'one' if n == 1 else 'many'}", n=str(n))


def check_letters(lang: str, output: TextIO) -> None:
    """Refuse a language that an output cannot write.

    Raises:
        ValueError: the output's encoding lacks the letters; escaped ones could not be read.
    """
    try:
        LETTERS[lang].encode(output.encoding or "utf-8")
    except UnicodeEncodeError:
        raise ValueError(
            f"--lang {lang}: this output is {output.encoding}, which cannot write the language; "
            "set PYTHONIOENCODING=utf-8, or leave out --lang"
        ) from None
