"""The report of the serving benchmark as text."""

from itertools import groupby

_WIDTH = 20


def describe(report):
    """Aligned tables of what `serving.run` returns."""
    packages = ", ".join(f"{name} {version}" for name, version in report["packages"].items())
    shape = "x".join(map(str, report["image_shape"]))
    return "\n".join([
        f"{report['machine']}, load {report['load_at_start']:.1f} at the start; {packages}",
        f"preset {report['dataset']} ({report['preset']}), networks of width {report['networks_width']:g}, "
        f"{shape}, {report['precision']}; {report['repeats']} repeats",
        "",
        *_requests(report["requests"]),
        _goal(report["goal"]),
        "",
        *_retracing(report["retracing"]),
        "",
        *_first(report["first_requests"]),
        "",
        report["note"],
    ])


def _requests(rows):
    lines = []
    for size, group in groupby(rows, lambda row: row["batch_size"]):
        lines.append(f"{f'batch {size}':<{_WIDTH}}{'requests':>9}{'p50 ms':>10}{'p99 ms':>10}"
                     f"{'images/s':>10}  ratio to bare")
        lines += [f"{row['signature']:<{_WIDTH}}{row['requests']:>9}{row['ms']['median']:>10.2f}"
                  f"{row['ms']['p99']:>10.2f}{row['images_per_second']:>10.0f}  {row['ratio']:13.2f}"
                  for row in group]
        lines.append("")
    return lines


def _goal(goal):
    ratios = ", ".join(f"{ratio:.2f} at batch {size}"
                       for ratio, size in zip(goal["ratios"], goal["batch_sizes"]))
    return (f"Of the bare generator's images/s, generate makes {ratios}: the goal of {goal['ratio']} is "
            f"{'reached' if goal['reached'] else 'missed'}.")


def _retracing(retracing):
    title = f"{retracing['batch_sizes']} batch sizes"
    return [f"{title:<{_WIDTH}}{'traces':>9}  first request of a size to the second",
            *(f"{row['signature']:<{_WIDTH}}{row['traces']:>9}  {row['first_to_second']:37.2f}"
              for row in retracing["signatures"])]


def _first(first):
    if "skipped" in first:
        return [f"first requests skipped: {first['skipped']}"]
    return [
        f"{'first request, ms':<{_WIDTH}}{'batch':>7}{'no records':>12}{'replayed':>10}  later",
        *(f"{row['signature']:<{_WIDTH}}{row['batch_size']:>7}{row['cold_ms']:>12.1f}{row['warm_ms']:>10.1f}"
          f"  {row['later_ms']:.1f}" for row in first["requests"]),
        f"Loading takes {first['load_seconds']:.1f} s, replaying the records "
        f"{first['warm_up_seconds']:.1f} s; medians of {first['processes']} processes of either kind."]
