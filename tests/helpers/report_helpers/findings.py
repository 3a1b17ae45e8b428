"""Findings of made-up reports: what the renderers get, computed without the package.

`small` is a model of ten digits, `large` one of 10,000 classes whose names attack what shows them.

Long because every section of a report is spelled out.
"""

import math
from copy import deepcopy
from functools import cache
from typing import Any

import numpy as np

E = dict[str, Any]
LANGUAGES = ["en", "ko", "de", "fr"]
ATTACKS = [
    "<script>alert(1)</script>",
    "\x1b[31mred\x1b[0m\x07",
    "\u202etxt.exe\u2066",
    '"><img src=x onerror=alert(1)>',
    '=HYPERLINK("http://example.com")',
    "{nll} {{style}} %s",
    "고양이와 개와 말 " * 20,
    "a\nb\tc\rd",
    "&amp;<&",
    "x" * 20_000,
]


def estimate(x: Any) -> E:
    """A mean with its 95 % interval."""
    x = np.asarray(x, float)
    mean = float(x.mean())
    if len(x) < 2:
        return {"value": mean, "low": None, "high": None}
    half = 1.96 * float(x.std(ddof=1)) / math.sqrt(len(x))
    return {"value": mean, "low": mean - half, "high": mean + half}


def through(e: E, f: Any) -> E:
    low, value, high = sorted(f(e[key]) for key in ("low", "value", "high"))
    return {"value": value, "low": low, "high": high}


def small(rows: int = 2000, sharp: float = 2.2) -> dict[str, Any]:
    """A report on ten digits, some labels wrong, the model overconfident."""
    return deepcopy(_small(rows, sharp))


@cache
def _small(rows: int, sharp: float) -> dict[str, Any]:
    random = np.random.default_rng(0)
    names = [str(j) for j in range(10)]
    target = random.choice(10, rows, p=np.arange(10, 20) / 145)
    z = random.normal(size=(rows, 10))
    z[:, [3, 8]] += random.normal(size=(rows, 1))  # what makes a 3 makes an 8, too
    z[np.arange(rows), target] += 2.6 - 0.12 * target
    z *= sharp
    target[:30] = (target[:30] + 1) % 10  # wrong labels
    return _findings(z, target, names, random)


def _findings(z: Any, target: Any, names: list[str], random: Any) -> dict[str, Any]:
    rows, classes = z.shape
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    at = p[np.arange(rows), target]
    nll, predicted = -np.log(at), p.argmax(axis=1)
    top, right = p.max(axis=1), predicted == target
    lang = np.array(LANGUAGES)[random.choice(4, rows, p=[0.5, 0.3, 0.15, 0.05])]
    frequency = np.bincount(target, minlength=classes) / rows
    baseline = -float((frequency[frequency > 0] * np.log(frequency[frequency > 0])).sum())
    entropy = -(p * np.log(p)).sum(axis=1)

    def a_class(j: Any) -> E:
        return {"class": int(j), "name": names[j]}

    def group(where: Any) -> E:
        return {
            "rows": int(where.sum()),
            "nll": estimate(nll[where]),
            "share": float(nll[where].sum() / nll.sum()),
            "accuracy": estimate(right[where]),
        }

    def row(i: Any, other: str) -> E:
        return {
            "row": int(i), "id": f"id-{i}", "text": f"text of row {i}", "nll": float(nll[i]),
            "p": float(at[i]), "target": a_class(target[i]),
            other: {**a_class(predicted[i]), "p": float(top[i])}, "by": {"lang": str(lang[i])},
        }  # fmt: skip

    pairs = sorted(
        (
            {
                "target": a_class(i), "predicted": a_class(j), "rows": int(where.sum()),
                "cost": float(nll[where].sum()), "share": float(nll[where].sum() / nll.sum()),
            }
            for i in range(classes) for j in range(classes)
            if i != j and (where := (target == i) & (predicted == j)).any()
        ),
        key=lambda pair: -pair["cost"],
    )  # fmt: skip
    listed = []
    for j in range(classes):
        mine = next((x for x in pairs if x["target"]["class"] == j), None)
        confusion = mine and {key: mine[key] for key in ("predicted", "rows", "cost")}
        where = target == j
        line = {**a_class(j), "support": float(where.sum()), **group(where)}
        listed.append({**line, "confusion": confusion})
    listed.sort(key=lambda line: -line["share"])
    slices = [
        {"value": v, "weight": float((lang == v).sum()), **group(lang == v)} for v in LANGUAGES
    ]
    order = np.argsort(-nll)
    mean = estimate(nll)
    edges = np.geomspace(nll.min(), nll.max() * 1.0001, 41)
    place = np.digitize(nll, edges) - 1
    bins = np.array_split(np.argsort(top), 15)
    suspects = [
        {**row(i, "suggested"), "p_value": float(at[i]), "q_value": 0.1 * (k + 1) / 40}
        for k, i in enumerate(order[:40])
    ]
    return {
        "schema": "neglog.report/1",
        "input": {
            "kind": "logits", "kind_reason": "neither", "classes": classes, "weighted": False,
            "has_ids": True, "merged_without_ids": False,
        },
        "rows": {
            "read": rows + 5, "used": rows, "weight": float(rows), "ignored": 2,
            "left_out": {"missing": 1, "not finite": 2, "probability 0": 0},
            "left_out_rows": [
                {"row": 7, "id": "id-7", "why": "missing"},
                {"row": 9, "id": None, "why": "not finite"},
            ],
        },
        "loss": {
            "nll": mean, "bits": through(mean, lambda x: x / math.log(2)),
            "perplexity": through(mean, math.exp), "total": float(nll.sum()),
            "bits_per_byte": None, "baseline": baseline,
            "skill": through(mean, lambda x: 1 - x / baseline), "entropy": estimate(entropy),
            "min_entropy": estimate(-np.log(top)),
            "one_vs_rest": estimate(nll - (np.log1p(-p).sum(axis=1) - np.log1p(-at))),
        },
        "accuracy": {
            f"top{k}": estimate((p > at[:, None]).sum(axis=1) < k) for k in (1, 3, 5)
        },
        "why": {
            "uncertainty": baseline, "discrimination": baseline - mean["value"] + 0.08,
            "miscalibration": 0.08, "nll_minus_entropy": estimate(nll - entropy),
            "temperature": {
                "value": 1.62, "low": 1.5, "high": 1.75, "gain": 0.071,
                "nll": mean["value"] - 0.071, "beyond": False,
            },
        },
        "distribution": {
            "quantiles": [
                {"q": q, "nll": float(np.quantile(nll, q))} for q in (0.5, 0.9, 0.99, 0.999)
            ],
            "max": float(nll.max()),
            "share_of_worst_percent": float(nll[order[: rows // 100]].sum() / nll.sum()),
            "histogram": [
                {
                    "from": float(edges[k]), "to": float(edges[k + 1]),
                    "rows": int((place == k).sum()),
                    "share": float(nll[place == k].sum() / nll.sum()),
                }
                for k in range(40)
            ],
        },
        "classes": {"listed": listed, "left_out": 0},
        "slices": {"lang": {"listed": slices, "left_out": 0}},
        "confusions": {
            "listed": pairs[:100], "pairs": len(pairs), "exact": True, "uncertainty": 0.0,
        },
        "worst": [row(i, "predicted") for i in order[:100]],
        "calibration": {
            "top_label": {
                "error": {"value": 0.061, "low": 0.049, "high": 0.073},
                "bins": [
                    {
                        "confidence": float(top[b].mean()), "accuracy": estimate(right[b]),
                        "rows": len(b), "weight": float(len(b)),
                    }
                    for b in bins
                ],
            },
            "class_wise": {
                "error": 0.021,
                "classes": [
                    {
                        **a_class(j), "mean_p": float(p[:, j].mean()),
                        "frequency": float(frequency[j]), "error": 0.01 + 0.002 * j,
                    }
                    for j in range(classes)
                ],
            },
        },
        "suspects": {
            "false_discovery_rate": 0.1, "count": 40, "at_least": False, "temperature": 1.62,
            "listed": suspects,
        },
    }  # fmt: skip


def large(classes: int = 10_000) -> dict[str, Any]:
    """A report on many classes, every list full, every text hostile and long."""
    return deepcopy(_large(classes))


@cache
def _large(classes: int) -> dict[str, Any]:
    found = small()
    random = np.random.default_rng(1)

    def a_class(j: int) -> E:
        return {"class": j, "name": f"{ATTACKS[j % len(ATTACKS)]} {j}"}

    listed = []
    for k in range(1000):
        j = int(random.integers(classes))
        x = float(random.exponential(1.0 + 20 / (k + 5)))
        listed.append({
            **a_class(j), "rows": 20, "support": 20.0, "share": 0.1 / (k + 1),
            "nll": {"value": x, "low": 0.8 * x, "high": 1.2 * x},
            "accuracy": {"value": 0.4, "low": 0.3, "high": 0.5},
            "confusion": {"predicted": a_class(j + 1), "rows": 3, "cost": 5.0},
        })  # fmt: skip
    long = {"id": "<b>" * 60, "text": "&<>\u202e고양이 " * 60}
    by = {ATTACKS[k]: ATTACKS[-1] for k in range(3)}
    rows = [
        {**found["worst"][k % 100], **long, "row": k, "by": by, "target": a_class(k)}
        for k in range(100)
    ]
    suspects = [
        {**found["suspects"]["listed"][k % 40], **long, "row": k, "by": by, "target": a_class(k)}
        for k in range(1000)
    ]
    values = [
        {**found["slices"]["lang"]["listed"][0], "value": f"{ATTACKS[k % 10]} {k}"}
        for k in range(1000)
    ]
    return found | {
        "input": found["input"] | {"classes": classes},
        "classes": {"listed": listed, "left_out": classes - 1000},
        "slices": {f"{attack} {k}": {"listed": values, "left_out": 7}
                   for k, attack in enumerate(2 * ATTACKS)},
        "confusions": {
            "listed": [
                {
                    "target": a_class(k), "predicted": a_class(k + 1), "rows": 3,
                    "cost": 100.0 / (k + 1), "share": 0.01 / (k + 1),
                }
                for k in range(100)
            ],
            "pairs": 123_456, "exact": False, "uncertainty": 0.25,
        },
        "worst": rows,
        "suspects": found["suspects"] | {"count": 4321, "at_least": True, "listed": suspects},
        "calibration": found["calibration"] | {
            "class_wise": {"error": 0.02, "classes": [
                {**a_class(k), "mean_p": 1e-4, "frequency": 1e-4 + 1e-7 * k, "error": None}
                for k in range(1000)
            ]},
        },
    }  # fmt: skip


def only_the_target() -> dict[str, Any]:
    """A report on log-probabilities of tokens, of which only the one that came is known."""
    found = small()
    missing = ("why", "classes", "confusions", "calibration", "suspects", "accuracy")
    unknown = ("baseline", "skill", "entropy", "min_entropy", "one_vs_rest")
    return found | {
        "input": found["input"]
        | {"kind": "target log-probabilities", "kind_reason": "given", "classes": None},
        "rows": found["rows"] | {"left_out_rows": []},
        "loss": found["loss"] | dict.fromkeys(unknown)
        | {"bits_per_byte": {"value": 0.9, "low": 0.8, "high": 1.0}},
        **dict.fromkeys(missing),
        "slices": {},
        "worst": [
            {**{key: row[key] for key in ("row", "id", "text", "nll")}, "token": k}
            for k, row in enumerate(found["worst"])
        ],
        "documents": {"count": 700, "listed": [
            {**{key: row[key] for key in ("row", "id", "text", "nll")}, "tokens": 20 + k}
            for k, row in enumerate(found["worst"])
        ]},
        "missing_mass": {"value": 0.04, "low": 0.03, "high": 0.05},
        "missing": list(missing),
    }  # fmt: skip


def compared(names: tuple[str, str] = ("before.parquet", "after.parquet")) -> dict[str, Any]:
    """Two models on the same rows; the second one is better."""
    a, b = small(), small(sharp=1.6)
    gap = b["loss"]["nll"]["value"] - a["loss"]["nll"]["value"]
    classes = [
        {**line, "difference": {"value": x, "low": x - 0.1, "high": x + 0.1}}
        for line, x in zip(a["classes"]["listed"], np.linspace(-0.6, 0.3, 10), strict=True)
    ]
    rows = [
        {
            **{key: row[key] for key in ("row", "id", "text", "target")},
            "nll": [row["nll"], row["nll"] + x], "difference": float(x),
        }
        for row, x in zip(a["worst"], np.linspace(-4, 2, 100), strict=True)
    ]  # fmt: skip
    return {
        "schema": "neglog.comparison/1",
        "names": list(names),
        "difference": {"value": gap, "low": gap - 0.03, "high": gap + 0.03},
        "reports": [a, b],
        "classes": {"worse": classes[:-4:-1], "better": classes[:7]},
        "rows": {"worse": rows[:-31:-1], "better": rows[:60]},
    }
