"""What `neglog explain` says in English. Every key is in _words_ko, too, with the same {places}."""

WORDS = {
    "written": "written to {path}",
    "opened": "opened {path}",
    "no_browser": "no browser was found; open it yourself: {path}",
    "row": "Row {n}: {id}",
    "time": "{n} classes to 50 digits: about {s} s",
    "logarithms": (
        "The row lies in [0, 1] and sums to 1: these are probabilities, not logits.\n"
        "Their logarithms are used as logits."
    ),
    "probabilities": (
        "The row lies in [0, 1] and sums to 1. If these are probabilities, give their logarithms."
    ),
}
