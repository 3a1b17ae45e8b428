"""Which language is this? A small classifier, a report on it, and the labels that look wrong.

The texts are the translated messages of the web framework Django, which come with its package in
about a hundred languages; some say the same in Spanish and in Mexican Spanish. Two labels in a
hundred are replaced by another language, and the report does not know which.

    pip install 'neglog[cli]' 'django<6'
    python examples/report_languages.py --html languages.html
"""

import argparse
import ast
import re
from collections import Counter
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.naive_bayes import MultinomialNB

import neglog

WRONG = 0.02  # of the labels
FOLDS = 5
SHORTEST = 12  # characters
FEWEST = 50  # texts of a language, so that every fold has some
PIECE = r'"(?:[^"\\\n]|\\.)*"'
TRANSLATION = re.compile(rf"^msgstr(?:\[\d\])?((?:\s*{PIECE})+)", re.MULTILINE)
PLACES = re.compile(r"%\(\w+\)[a-z]|%[a-z]|\{\w*\}")  # %(name)s, which no language owns


def messages(path: Path) -> Iterator[str]:
    """The translations in a .po file; the first entry is its header."""
    for found in list(TRANSLATION.finditer(path.read_text(encoding="utf-8")))[1:]:
        yield "".join(ast.literal_eval(piece) for piece in re.findall(PIECE, found[1]))


def translations(root: Path) -> list[tuple[str, str]]:
    """(text, language), each once."""
    pairs = {
        (PLACES.sub("", text).strip(), path.parts[-3])
        for path in root.rglob("LC_MESSAGES/*.po")
        if not path.parts[-3].startswith("en")
        for text in messages(path)
    }
    long = [(text, language) for text, language in pairs if len(text) >= SHORTEST]
    count = Counter(language for _, language in long)
    return sorted((text, language) for text, language in long if count[language] >= FEWEST)


def held_out_logits(texts: list[str], labels: Any, classes: int, random: Any) -> Any:
    """Naive Bayes on sequences of one to three letters; each text is judged by other texts."""
    letters = HashingVectorizer(
        analyzer="char_wb", ngram_range=(1, 3), n_features=2**16, alternate_sign=False
    ).transform(texts)
    logits = np.zeros((len(texts), classes), np.float32)
    fold = random.integers(0, FOLDS, len(texts))
    for k in range(FOLDS):
        model = MultinomialNB(alpha=0.01).fit(letters[fold != k], labels[fold != k])
        logits[np.ix_(fold == k, model.classes_)] = model.predict_joint_log_proba(
            letters[fold == k]
        )
    return logits


def found_by_cleanlab(logits: Any, labels: Any) -> Any:
    """The rows that cleanlab lists, the most suspicious first; None if it is not installed."""
    if find_spec("cleanlab") is None:
        return None
    from cleanlab.filter import find_label_issues

    return find_label_issues(
        labels, neglog.softmax(logits), return_indices_ranked_by="self_confidence"
    )


def share(rows: Any, wrong: Any) -> str:
    """How many of these rows are wrong, and how many of the wrong ones these are."""
    hits = wrong[rows].sum()
    return f"precision {hits / max(len(rows), 1):.3f}, recall {hits / wrong.sum():.3f}"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--django", type=Path, help="the folder of the package django")
    options.add_argument("--html", type=Path, help="write the report as a page")
    given = options.parse_args()
    found = find_spec("django")
    if given.django is None and found is None:
        options.error("the texts come with Django: pip install 'django<6'")
    pairs = translations(given.django or Path(found.origin).parent)
    texts, languages = [text for text, _ in pairs], sorted({language for _, language in pairs})
    random = np.random.default_rng(0)
    true = np.array([languages.index(language) for _, language in pairs])
    wrong = random.random(len(true)) < WRONG
    labels = (true + wrong * random.integers(1, len(languages), len(true))) % len(languages)
    print(f"{len(texts)} texts in {len(languages)} languages, {wrong.sum()} labels replaced")

    logits = held_out_logits(texts, labels, len(languages), random)
    report = neglog.evaluate(logits, labels, class_names=languages, text=np.array(texts, object))
    findings = report.to_dict()
    suspects = [entry["row"] for entry in report.suspects()]
    count = findings["suspects"]["count"]
    print(f"nll {findings['loss']['nll']['value']:.3f}", end=", ")
    print(f"{findings['accuracy']['top1']['value']:.1%} right")
    print(f"{count} suspects at a false-discovery rate of 10 %: {share(suspects[:count], wrong)}")
    for entry in findings["suspects"]["listed"][:3]:
        target, suggested = entry["target"]["name"], entry["suggested"]["name"]
        print(f"  {target}, more likely {suggested}: {entry['text'][:50]}")
    theirs = found_by_cleanlab(logits, labels)
    if theirs is not None:
        print(f"cleanlab lists {len(theirs)}: {share(theirs, wrong)}")
        ours = suspects[: len(theirs)]
        print(f"our first {len(ours)}: {share(ours, wrong)}")
    if given.html:
        given.html.write_text(report.to_html(), encoding="utf-8")
        print(f"written to {given.html}")


if __name__ == "__main__":
    main()
