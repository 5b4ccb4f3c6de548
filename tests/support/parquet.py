"""Rows as the bytes of a Parquet file or of an Arrow stream, as `datasets` writes them."""

import json
from io import BytesIO

from arro3.core import Table
from arro3.io import infer_json_schema, read_json, write_ipc_stream, write_parquet


def parquet(rows, features=None, **options):
    """A Parquet file of the rows; `features` stand in the schema's metadata."""
    stream = BytesIO()
    metadata = {"huggingface": json.dumps({"info": {"features": features}})} if features else {}
    write_parquet(table(rows), stream, key_value_metadata=metadata, **options)
    return stream.getvalue()


def arrow_stream(rows, features=None):
    """The bytes of a `data-00000-of-00001.arrow`."""
    stream = BytesIO()
    metadata = {"huggingface": json.dumps({"info": {"features": features}})} if features else {}
    whole = table(rows)
    write_ipc_stream(whole.with_schema(whole.schema.with_metadata(metadata)), stream)
    return stream.getvalue()


def table(rows):
    lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode()
    return Table.from_arrow(read_json(BytesIO(lines), infer_json_schema(BytesIO(lines))))


def classes(*names):
    """The feature of a list of classes."""
    return {"feature": {"names": list(names), "_type": "ClassLabel"}, "_type": "List"}
