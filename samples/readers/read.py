#!/usr/bin/env python3
"""Reads a set from Redis Pub/Sub into pandas, and prints each batch as a DataFrame.

Usage: read.py redis://HOST:PORT NAMESPACE/CHANNEL [BATCHES]

Reads sets of format arrow, and of format json. Needs what requirements.txt names; uses nothing of ticker-operator.
"""

import json
import sys

import pandas as pd
import pyarrow as pa
import redis


def read(payload: bytes) -> tuple[dict, pd.DataFrame]:
    """The header of a batch, and its ticks."""
    if payload.startswith(b"{"):
        header = json.loads(payload)
        return header, pd.DataFrame(header.pop("columns"))
    table = pa.ipc.open_stream(payload).read_all()
    return json.loads(table.schema.metadata[b"header"]), table.to_pandas()


def main(url: str = "redis://127.0.0.1:6379", name: str = "default/equities", batches: str = "inf") -> None:
    pd.set_option("display.width", 200, "display.max_columns", 12)
    left = float(batches)
    channel = redis.Redis.from_url(url).pubsub(ignore_subscribe_messages=True)
    channel.subscribe("ticks:" + name.replace("/", ":"))
    for message in channel.listen():
        header, frame = read(message["data"])
        if header["count"] == 0:  # a heartbeat
            continue
        print(f"{header['set']} {header['slice']} seq {header['seq']}: {len(frame)} ticks")
        print(frame.to_string(index=False), flush=True)
        left -= 1
        if left <= 0:
            return


if __name__ == "__main__":
    main(*sys.argv[1:])
