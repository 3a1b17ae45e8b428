"""The sentences of a subject's explanation in a language."""

from .._show.language import Language, Sentences
from .likelihood import words_en as likelihood_en
from .likelihood import words_ko as likelihood_ko
from .likelihood.likelihood import Likelihood
from .softmax import words_en as rows_en
from .softmax import words_ko as rows_ko
from .softmax.rows import Rows

ROWS = {"en": rows_en.WORDS, "ko": rows_ko.WORDS}
LIKELIHOOD = {"en": likelihood_en.WORDS, "ko": likelihood_ko.WORDS}


def words(subject: Rows | Likelihood, lang: Language) -> Sentences:
    """What text and figure say with; their parts call it `say`."""
    return Sentences(lang, ROWS if isinstance(subject, Rows) else LIKELIHOOD)
