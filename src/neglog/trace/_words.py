"""The words of an explanation in a language."""

from collections.abc import Sequence

from .._show.language import Language, Sentences
from ._words_en import WORDS as WORDS_EN
from ._words_ko import WORDS as WORDS_KO

BOOKS = {"en": WORDS_EN, "ko": WORDS_KO}


class Words(Sentences):
    """The sentences of an explanation; parts of text and figure take one, named `say`."""

    def __init__(self, lang: Language) -> None:
        super().__init__(lang, BOOKS)

    def listed(self, names: Sequence[str], more: int = 0) -> str:
        """cat, dog and horse."""
        kept = [*names, self("list.more", n=str(more))] if more else list(names)
        if len(kept) == 1:
            return kept[0]
        return self("list.and", first=", ".join(kept[:-1]), last=kept[-1])

    def counted(self, what: str, n: int) -> str:
        """One row, 3 rows."""
        return self(f"{what}.{'one' if n == 1 else 'many'}", n=str(n))
