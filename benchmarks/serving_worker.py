"""A process that measures the first requests after a start: only a fresh process has first ones.

    python -m benchmarks.serving_worker < task.json

The task is the arguments of `first_requests`. What it returns is printed as one line of JSON.
"""

import json
import statistics
import sys
import time

from eig_tf.cli import command

# Requests of which the median is what a request takes later on.
_LATER = 3


def first_requests(version, signatures, batch_sizes, warm):
    """Loads a SavedModel as a server does and measures the first request of each signature and batch size.

    The first batch size goes first with all signatures; the first request of the process is among them. What
    is sent are the warm-up records' own requests, but for `sample`, which has no records.

    Args:
        version: the directory of the SavedModel; it has warm-up records.
        signatures: names, in the order of the requests.
        batch_sizes: in the order of the requests; the records have them.
        warm: whether all records are replayed before, as a server does that finds them.

    Returns:
        `load_seconds`; `warm_up_seconds`, 0 unless `warm`; and `requests`, in order a dict of `signature`,
        `batch_size`, `first_ms` and `later_ms`, the median of those that follow.
    """
    from benchmarks.serving_session import ServingSession
    from eig_tf.serving import warmup
    records = warmup.read(version)
    load_seconds, session = _timed(lambda: ServingSession(version))
    with session:
        warm_up_seconds = _timed(lambda: _replay(session, records))[0] if warm else 0.0
        requests = []
        for size in batch_sizes:
            for signature in signatures:
                inputs = _request(records, signature, size)
                call = session.signature(signature)
                seconds = [_timed(lambda call=call, inputs=inputs: call(inputs))[0]
                           for _ in range(1 + _LATER)]
                requests.append({"signature": signature, "batch_size": size, "first_ms": 1e3 * seconds[0],
                                 "later_ms": 1e3 * statistics.median(seconds[1:])})
    return {"load_seconds": load_seconds, "warm_up_seconds": warm_up_seconds, "requests": requests}


def _replay(session, records):
    for name, inputs in records:
        session.signature(name)(inputs)


def _request(records, signature, size):
    if signature == "sample":
        return {"count": size, "seed": 0}
    return next(inputs for name, inputs in records
                if name == signature and len(next(iter(inputs.values()))) == size)


def _timed(call):
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result


def main():
    """Does the task on standard input."""
    command.quiet_start()
    print(json.dumps(first_requests(**json.load(sys.stdin))))


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)  # The command that started this process says so.
