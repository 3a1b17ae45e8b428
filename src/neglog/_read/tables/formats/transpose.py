"""A row group with so many columns that not even a page of each fits into memory.

A reader of a column holds a dictionary and a page, up to 2 MB: 1,000 columns side by side took
541 MB. So a few columns at a time are read to their end and written to a scratch file, and from
there the rows are put together.
"""

import tempfile
from collections.abc import Iterator
from typing import IO, Any

import numpy as np
import pyarrow as pa

from ..batch import MOST_ROWS, Array
from ..convert import FLOATS, common_type, of_columns
from ..place import Place
from ..roles import Roles
from ..table import JOINED


def transposed(
    file: Any, group: int, roles: Roles, most_columns: int, at_once: int
) -> Iterator[Any]:
    """Record batches of a row group, in which the classes are one column of lists."""
    names = roles.classes
    schema = file.schema_arrow  # made anew each time
    fields = [schema.field(name) for name in names]
    kind = common_type({f.type for f in fields}, names, fields, Place("a column of this file"))
    dtype = np.dtype(FLOATS[kind])
    step = max(1, most_columns)
    blocks = [names[j : j + step] for j in range(0, len(names), step)]
    with tempfile.TemporaryFile(prefix="neglog-") as scratch:
        missing = np.zeros(file.metadata.row_group(group).num_rows, bool)
        for block in blocks:
            start = 0
            rows = max(1, min(MOST_ROWS, (1 << 22) // (len(block) * dtype.itemsize)))
            for part in file.iter_batches(rows, row_groups=[group], columns=list(block)):
                array, gaps = of_columns(part, block, Place(""))
                scratch.write(np.ascontiguousarray(array, dtype).data)
                missing[start : start + len(array)] |= False if gaps is None else gaps
                start += len(array)
        yield from _together(file, group, roles, blocks, scratch, dtype, missing, at_once)


def _together(
    file: Any,
    group: int,
    roles: Roles,
    blocks: list[tuple[str, ...]],
    scratch: IO[bytes],
    dtype: np.dtype[Any],
    missing: Array,
    at_once: int,
) -> Iterator[Any]:
    count = len(missing)
    start = 0
    for others in file.iter_batches(at_once, row_groups=[group], columns=list(roles.others)):
        rows = others.num_rows
        array = np.empty((rows, len(roles.classes)), dtype)
        first = 0
        for block in blocks:
            width = len(block)
            scratch.seek((first * count + start * width) * dtype.itemsize)
            array[:, first : first + width] = _read(scratch, (rows, width), dtype)
            first += width
        mask = pa.array(missing[start : start + rows])
        start += rows
        lists = pa.FixedSizeListArray.from_arrays(pa.array(array.ravel()), first, mask=mask)
        yield pa.record_batch([lists, *others.columns], names=[JOINED, *others.schema.names])


def _read(scratch: IO[bytes], shape: tuple[int, int], dtype: np.dtype[Any]) -> Array:
    data = scratch.read(shape[0] * shape[1] * dtype.itemsize)
    return np.frombuffer(data, dtype).reshape(shape)
