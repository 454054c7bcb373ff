"""Whether a batch size that was not seen before costs more than one that was."""

import statistics
import time

import tensorflow as tf

from benchmarks.serving_requests import first_rows

BATCH_SIZES = tuple(range(1, 18))


def measure(functions, session, requests):
    """Calls every signature with batches of sizes that are new to it.

    Args:
        functions: the `tf.function`s that were exported, by signature.
        session: a `ServingSession` of them that ran no batch size up to 17 yet.
        requests: of `serving_requests.make`, with more rows than that.

    Returns:
        A dict for each signature: its name; `traces`, how often Python traced its function in the course of
        all sizes; `first_to_second`, the time of the first request of a size in the session relative to that
        of the next one, the median over the sizes. Preparing a graph, or compiling one for a shape, takes
        many times as long as running it.
    """
    return [{"signature": name, "traces": count_traces(functions[name], request),
             "first_to_second": first_to_second(session.signature(name), request)}
            for name, request in requests.items()]


def count_traces(function, request):
    """How often a `tf.function` of the inputs of a request is traced by batches of all of `BATCH_SIZES`."""
    for size in BATCH_SIZES:
        function(*map(tf.constant, first_rows(request, size).values()))
    return function.experimental_get_tracing_count()


def first_to_second(call, request):
    """The median over `BATCH_SIZES` of the time of a size's first call relative to its second."""
    call(request)  # The signature's own graph is no matter of the batch size.
    return statistics.median(_seconds(call, inputs) / _seconds(call, inputs)
                             for inputs in (first_rows(request, size) for size in BATCH_SIZES))


def _seconds(call, inputs):
    start = time.perf_counter()
    call(inputs)
    return time.perf_counter() - start
