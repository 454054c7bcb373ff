"""One benchmark from config to report: build every case, measure in turn, relate the figures."""

import tensorflow as tf

from benchmarks import circumstances, flops, parts, variants
from benchmarks.timing import interleave, repeated
from eig_tf.config import image_shape
from eig_tf.networks.precision import policy
from eig_tf.runs import environment

NOTE = ("Figures are ratios on one machine: compare rows of this run with each other, never times of "
        "different machines or runs; on a machine that is busy with other work even the ratios are rough.")
_MATRIX_PRODUCT = "matrix product"


def run(config, steps, repeats, everything=False):
    """Measures the training step, its parts, its arithmetic and the whole loop on one device.

    Args:
        config: see `eig_tf.config`; its data set is not loaded, images are random.
        steps: steps in a row for each measurement, 1 or more.
        repeats: rounds of measurements, 1 or more.
        everything: whether rows for information are added, see `variants.step_variants`.

    Returns:
        The report, a dict that JSON can hold; `report.describe` makes a table of it. Times are
        milliseconds of one step, arithmetic is in 1e9 operations (a second).
    """
    about = circumstances.describe(NOTE)
    environment.set_seed(config.seed)
    with policy("float32"):
        precision = environment.set_precision(config.training.precision)
    package = variants.package_variant(config, precision)
    rows = variants.step_variants(config, precision, everything)
    data = _fixed_batch(config)
    product, product_flops = flops.matrix_product(precision)

    cases, step_flops = [], None
    for row in rows:
        model = variants.build(row)
        case, step = parts.step_case(row, model, data, steps)
        cases.append(case)
        if row.name == package.name:
            step_flops = flops.count(step)
            part_cases = parts.part_cases(model, data, steps)
    batches = parts.random_batches(config)
    part_cases.append(parts.pipeline_case(batches, 10 * steps))
    fit_cases = [parts.fit_case(package, batches, number) for number in (1, 32)]
    cases += [repeated(_MATRIX_PRODUCT, product, 1), *part_cases, *fit_cases]
    timings = interleave(cases, repeats)

    batch_size = config.training.batch_size
    step_ms = timings[package.name]["median"]
    return {
        **about,
        **circumstances.describe_networks(config),
        "method": config.method,
        "gradient_routing": config.loss.gradient_routing,
        "batch_size": batch_size,
        "precision": precision,
        "steps": steps,
        "repeats": repeats,
        "step": [_row(row.name, timings, batch_size, "ratio", timings[rows[0].name]["median"])
                 for row in rows] + _skipped(rows),
        "package_step": package.name,
        "parts": [_row(case.name, timings, batch_size, "share_of_step", step_ms) for case in part_cases],
        "pipeline": _pipeline(timings[parts.PIPELINE]["median"], step_ms),
        "arithmetic": _arithmetic(step_flops, step_ms, product_flops, timings[_MATRIX_PRODUCT]["median"]),
        "fit": [_row(case.name, timings, batch_size, "ratio_to_step", step_ms) for case in fit_cases],
    }


def _fixed_batch(config):
    shape = [config.training.batch_size, *image_shape(config)]
    return tuple(tf.random.stateless_uniform(shape, [0, seed], -1.0, 1.0) for seed in (0, 1))


def _row(name, timings, batch_size, relation, reference):
    ms = timings[name]
    return {"name": name, "ms": ms, "images_per_second": 1e3 * batch_size / ms["median"],
            relation: ms["median"] / reference}


def _skipped(rows):
    if any(row.precision == "mixed_bfloat16" for row in rows):
        return []
    return [{"name": "one generator pass, fused Adam, mixed_bfloat16",
             "skipped": "no CPU here that multiplies bfloat16 in hardware (AVX512-BF16)"}]


def _pipeline(batch_ms, step_ms):
    return {"batches_per_second": 1e3 / batch_ms, "needed_per_second": 1e3 / step_ms,
            "starves": batch_ms > step_ms}


def _arithmetic(step_flops, step_ms, product_flops, product_ms):
    step_rate = step_flops / step_ms / 1e6
    product_rate = product_flops / product_ms / 1e6
    return {"gflop_per_step": step_flops / 1e9, "step_gflop_per_second": step_rate,
            "matrix_product_size": flops.MATRIX_SIZE, "matrix_product_gflop_per_second": product_rate,
            "share": step_rate / product_rate}
