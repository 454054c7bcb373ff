"""Facts that every report states, and the reports as text."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from ml_collections import config_dict

from benchmarks.flops import MATRIX_SIZE
from eig_tf.config import image_shape
from eig_tf.runs import environment

RATIO_NOTE = ("Figures are ratios on one machine: compare rows of this run with each other, never times of "
              "different machines or runs; on a machine that is busy with other work even the ratios are "
              "rough.")


def describe_run(note: str) -> dict[str, Any]:
    """Return the machine, its load, the package versions and a note; called before anything is measured."""
    return {"note": note, "machine": environment.describe_machine(), "load_at_start": os.getloadavg()[0],
            "packages": environment.package_versions()}


def describe_config(config: config_dict.ConfigDict) -> dict[str, Any]:
    """Return data set, preset, method, width of the networks and image shape of a config."""
    return {"dataset": config.dataset, "preset": config.preset, "method": config.method,
            "networks_width": config.networks.width, "image_shape": list(image_shape(config))}


def format_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a table.

    Args:
        headings: of the columns. The first column is aligned to the left, the others to the right.
        rows: cells. A row with fewer cells than headings ends in a text that runs over the other columns.
    """
    rows = list(rows)
    complete = [headings, *(row for row in rows if len(row) == len(headings))]
    widths = [max(len(row[column]) for row in complete) for column in range(len(headings))]
    widths[0] = max(len(row[0]) for row in [headings, *rows])
    lines = []
    for row in [headings, *rows]:
        alone = len(row) < len(headings)
        cells = [cell if alone else cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        lines.append("  ".join([row[0].ljust(widths[0]), *cells]))
    return lines


def format_step_report(report: dict[str, Any]) -> str:
    """Return the text of what `training_step.measure_training_step` returns."""
    pipeline, arithmetic = report["pipeline"], report["arithmetic"]
    verdict = "starves the step" if pipeline["starves"] else "does not starve the step"
    routing = f"{report['gradient_routing']} routing, " if report["gradient_routing"] else ""
    return _join(
        report, f"{_subject(report)}, {report['method']}, {routing}batch {report['batch_size']}; "
        f"{report['repeats']} repeats of {report['steps']} steps",
        _step_table("whole step", report["step"], "ratio", "ratio to first"),
        [*_step_table(f"parts ({report['precision']})", report["parts"], "share_of_step", "share of step"),
         f"The input pipeline alone makes {pipeline['batches_per_second']:.0f} batches/s, the step takes "
         f"{pipeline['needed_per_second']:.1f}: it {verdict}."],
        _step_table(f"model.fit ({report['precision']})", report["fit"], "ratio_to_step", "ratio to step"),
        [f"The step is {arithmetic['gflop_per_step']:.2f} GFLOP and runs at "
         f"{arithmetic['step_gflop_per_second']:.0f} GFLOP/s, {arithmetic['share']:.0%} of the "
         f"{arithmetic['matrix_product_gflop_per_second']:.0f} GFLOP/s of a matrix product of size "
         f"{arithmetic['matrix_product_size']} in the same precision."])


def format_data_report(report: dict[str, Any]) -> str:
    """Return the text of what `input_pipeline.measure_input_pipelines` returns."""
    return _join(
        report, f"images: {report['images']}; {report['repeats']} repeats of {report['steps']} batches",
        format_table(
            ["preset", "images", "cores", "pairs/s", "min", "max", "CPU us/pair"],
            ([row["name"], "x".join(map(str, row["image_shape"])), str(row["cores"]),
              *(str(row["pairs_per_second"][name]) for name in ("median", "min", "max")),
              f"{row['cpu_microseconds_per_pair']:.1f}"] for row in report["rates"])),
        format_table(
            ["memory, MiB", "images", "file", "batches", "at start", "at end", "peak", "anonymous at end"],
            ([row["name"], *map(str, (
                row["images"], row["file_mib"], row["batches"], row["mib"]["start"]["resident"],
                *(row["mib"]["end"][kind] for kind in ("resident", "peak", "anonymous"))))]
             for row in report["memory"])))


def format_serving_report(report: dict[str, Any]) -> str:
    """Return the text of what `serving.measure_serving` returns."""
    requests = [
        format_table(
            [f"batch {size}", "requests", "p50 ms", "p99 ms", "images/s", "ratio to bare"],
            ([row["signature"], str(row["requests"]), f"{row['ms']['median']:.2f}", f"{row['ms']['p99']:.2f}",
              f"{row['images_per_second']:.0f}", f"{row['ratio']:.2f}"] for row in group))
        for size, group in groupby(report["requests"], lambda row: row["batch_size"])]
    goal = report["goal"]
    ratios = ", ".join(f"{ratio:.2f} at batch {size}"
                       for ratio, size in zip(goal["ratios"], goal["batch_sizes"]))
    return _join(
        report, f"{_subject(report)}, {report['method']}, {report['precision']}; {report['repeats']} repeats",
        *requests,
        [f"Of the bare generator's images/s, generate makes {ratios}: the goal of {goal['ratio']} is "
         f"{'reached' if goal['reached'] else 'missed'}."],
        format_table([f"{report['new_sizes']['batch_sizes']} batch sizes", "first request / second"],
                     ([row["signature"], f"{row['first_to_second']:.2f}"]
                      for row in report["new_sizes"]["signatures"])),
        _first_requests_lines(report["first_requests"]))


def format_scaling_report(report: dict[str, Any]) -> str:
    """Return the text of what `scaling.measure_scaling` returns."""
    def cells(row):
        if "skipped" in row:
            return [row["name"], f"skipped: {row['skipped']}"]
        share = row["share_of_agreeing"]
        peaks = " + ".join("/".join(str(mib) for mib in peak.values()) for peak in row["peak_mib"])
        return [row["name"], *(f"{row['ms'][name]:.2f}" for name in ("median", "min", "max")),
                f"{row['images_per_second']:.0f}", f"{row['ratio']:.2f}",
                "" if share is None else f"{share:.0%}", peaks]
    return _join(
        report, f"{_subject(report)}, {report['method']}, global batch "
        f"{report['batch_size']}, {report['precision']}, {report['devices']} devices; "
        f"{report['repeats']} repeats of {report['steps']} steps",
        format_table(["training step", "ms", "min", "max", "images/s", "ratio to first",
                              "share of agreeing", "peak MiB"], map(cells, report["rows"])))


def format_precision_report(report: dict[str, Any]) -> str:
    """Return the text of what `precision.measure_precisions` returns."""
    def cells(row):
        if "skipped" in row:
            return [row["name"], f"skipped: {row['skipped']}"]
        return [row["name"], *(f"{row['ms'][name]:.2f}" for name in ("median", "min", "max")),
                f"{row['images_per_second']:.0f}", f"{row['ratio']:.2f}" if "ratio" in row else "",
                {True: "yes", False: "no", None: ""}[row.get("near")]]
    tables = [[f"{_subject(network)}, {network['method']}, batch {network['batch_size']}", *format_table(
        ["training step", "ms", "min", "max", "images/s", "ratio to first", "near"],
        map(cells, network["rows"]))] for network in report["networks"]]
    auto = f"auto should mean {report['auto']}" if report["auto"] else "too little time to choose auto"
    first = report["first_losses"]
    comparison = "The first losses were not compared with those of the CPU: the time was up."
    if first:
        verdict = "agree" if first["agree"] else "do not agree"
        comparison = (f"The mean losses of the first {first['steps']} steps in float32 and those of the CPU "
                      f"{verdict} within {report['agreement']:.0%}.")
    return _join(
        report, f"{report['repeats']} repeats of {report['steps']} steps", *tables,
        [f"{auto}: the fastest without XLA whose mean losses over {report['loss_steps']} steps are within "
         f"{report['near']:.0%} of float32's, or {report['near']:g} nats, for all networks.", comparison])


def format_profile_report(report: dict[str, Any]) -> str:
    """Return the text of what `step_profile.profile_training_step` returns."""
    return _join(
        report, f"{_subject(report)}, {report['method']}, batch {report['batch_size']}, "
        f"{report['precision']}, one thread; {report['steps']} steps",
        format_table(["operations", "ms", "share"],
                     ([row["name"], f"{row['ms']:.1f}", f"{row['share']:.1%}"] for row in report["rows"])),
        [f"Convolutions and matrix products run at {report['arithmetic_share_of_product_rate']:.0%} of the "
         f"rate of a matrix product of size {MATRIX_SIZE} in the same precision, the whole step at "
         f"{report['step_share_of_product_rate']:.0%}."])


def _first_requests_lines(first):
    if "skipped" in first:
        return [f"first requests skipped: {first['skipped']}"]
    return [
        *format_table(["first request, ms", "batch", "no warm-up", "warm-up", "later"],
                      ([row["signature"], str(row["batch_size"]),
                        *(f"{row[field]:.1f}" for field in ("cold_ms", "warm_ms", "later_ms"))]
                       for row in first["requests"])),
        f"Loading takes {first['load_seconds']:.1f} s, the warm-up requests "
        f"{first['warm_up_seconds']:.1f} s; medians of {first['processes']} processes of each kind."]


def _join(report, subject, *paragraphs):
    packages = ", ".join(f"{name} {version}" for name, version in report["packages"].items())
    lines = [f"{report['machine']}, load {report['load_at_start']:.1f} at the start; {packages}", subject]
    for paragraph in [*paragraphs, [report["note"]]]:
        lines += ["", *paragraph]
    return "\n".join(lines)


def _subject(report):
    return (f"preset {report['dataset']} ({report['preset']}), {'x'.join(map(str, report['image_shape']))}, "
            f"networks of width {report['networks_width']:g}")


def _step_table(title, rows, relation, relation_heading):
    return format_table(
        [title, "ms", "min", "max", "images/s", relation_heading],
        ([row["name"], f"skipped: {row['skipped']}"] if "skipped" in row else
         [row["name"], *(f"{row['ms'][name]:.2f}" for name in ("median", "min", "max")),
          f"{row['images_per_second']:.0f}", f"{row[relation]:.2f}"] for row in rows))
