"""Parquet, by the extra `parquet`: rows in batches, as values that JSON knows."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from services.ingest.imports.jsonl_rows import opened
from services.ingest.imports.rows import COLUMNS, Item, Row
from services.ingest.refusal import Refusal, invalid

_BATCH: Final = 1_000


def read_parquet(path: Path) -> Iterator[tuple[Item, int]]:
    """(row, bytes read so far, about). Raises Refusal for what can't be read, or without pyarrow.

    Memory: a batch of rows, and what pyarrow holds of a row group.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as parquet
    except ImportError:
        raise invalid(
            "parquet_missing", "Parquet needs an extra: pip install 'leadscore[parquet]'."
        ) from None
    size = path.stat().st_size
    try:
        with parquet.ParquetFile(path) as file:
            total = max(file.metadata.num_rows, 1)
            if file.metadata.num_columns > COLUMNS:
                raise invalid("header_unreadable", f"A file may have {COLUMNS} columns.")
            number = 0
            for batch in file.iter_batches(batch_size=_BATCH):
                for cells in batch.to_pylist():
                    number += 1
                    found = opened({name: plain(value) for name, value in cells.items()})
                    row = Row(number, tuple(found), list(found.values()))
                    yield row, size * number // total
    except (pa.ArrowException, OSError, UnicodeDecodeError, OverflowError) as error:
        raise Refusal(
            400, "parquet_broken", f"The file can't be read as Parquet ({type(error).__name__})."
        ) from None


def plain(value: Any) -> Any:
    """A value of a cell as JSON has it. Bytes that are no text become None: nobody is meant."""
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, bytes):
        return value.decode("utf-8", "ignore") or None
    if isinstance(value, dict):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value
