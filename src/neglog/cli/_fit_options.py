"""The options of `neglog fit` and `neglog predict`; _fit.py and _predict.py act on them."""

import argparse
from pathlib import Path

from neglog.cli._report_options import FILES

FIT = """\
examples:
  neglog fit flowers.csv --target species
  neglog fit flights.parquet --target carrier --ignore tailnum --validate 0.2 -o carrier.npz
"""
PREDICT = """\
examples:
  neglog predict model.npz new.parquet -o predictions.parquet
  neglog report predictions.parquet
"""
TABLES = FILES.partition("Two files")[0].strip().replace(", NPZ, NPY", "")


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands."""
    _add_fit(commands)
    _add_predict(commands)


def _command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    summary: str,
    epilog: str,
) -> argparse.ArgumentParser:
    return commands.add_parser(
        name,
        help=summary,
        description=f"{summary.capitalize()}.",
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def _add_fit(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    summary = "fit a softmax classifier to a table by maximum likelihood"
    fit = _command(commands, "fit", summary, FIT)
    fit.set_defaults(command=_fit)
    fit.add_argument("file", metavar="FILE", help=TABLES)
    fit.add_argument("--target", metavar="COLUMN", help="the column of the classes")
    fit.add_argument(
        "--features",
        metavar="A,B,...",
        help="the columns to learn from, by name or as 'x_*' (default: all others)",
    )
    fit.add_argument(
        "--ignore",
        action="append",
        default=[],
        metavar="COLUMN",
        help="a column, or columns such as 'meta_*', to leave out; can be repeated",
    )
    fit.add_argument(
        "--l2",
        type=float,
        default=1e-4,
        metavar="X",
        help="penalty on the squared coefficients of the scaled features (default: %(default)g)",
    )
    fit.add_argument(
        "--validate",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="hold out this share of the rows, and stop when their loss no longer falls",
    )
    fit.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help="the model, NPZ (default: model.npz, or the next free name)",
    )
    fit.add_argument("--force", action="store_true", help="replace FILE if it exists")


def _add_predict(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    summary = "write the logits of a fitted model for the rows of a table"
    predict = _command(commands, "predict", summary, PREDICT)
    predict.set_defaults(command=_predict)
    predict.add_argument("model", type=Path, metavar="MODEL", help="what neglog fit has written")
    predict.add_argument("file", metavar="FILE", help=TABLES)
    predict.add_argument(
        "--target",
        metavar="COLUMN",
        help="the column of the classes (default: that of the fit, if the file has it)",
    )
    predict.add_argument("--id", metavar="COLUMN", help="a column that names the row, copied")
    predict.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help="Parquet, Arrow or CSV (default: predictions.parquet, or the next free name)",
    )
    predict.add_argument("--force", action="store_true", help="replace FILE if it exists")


def _fit(options: argparse.Namespace) -> None:
    from neglog._show.extras import needs

    with needs("the fit", "cli"):
        from neglog.cli import _fit

    _fit.run(options)


def _predict(options: argparse.Namespace) -> None:
    from neglog._show.extras import needs

    with needs("the prediction", "cli"):
        from neglog.cli import _predict

    _predict.run(options)
