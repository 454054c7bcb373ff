"""The report of the input pipelines as text."""


def describe(report):
    """Aligned tables of what `data.run` returns."""
    packages = ", ".join(f"{name} {version}" for name, version in report["packages"].items())
    return "\n".join([
        f"{report['machine']}, load {report['load_at_start']:.1f} at the start; {packages}",
        f"images: {report['images']}; {report['repeats']} repeats of {report['steps']} batches",
        "",
        f"{'preset':<10}{'images':>11}{'cores':>7}{'pairs/s':>9}{'min':>8}{'max':>8}  processor us a pair",
        *(_rate(row) for row in report["rates"]),
        "",
        f"{'memory, MiB':<12}{'images':>10}{'file':>8}{'batches':>9}{'at start':>10}{'at end':>8}{'peak':>7}"
        "  anonymous at end",
        *(_memory(row) for row in report["memory"]),
        "",
        report["note"],
    ])


def _rate(row):
    shape, pairs = "x".join(map(str, row["image_shape"])), row["pairs_per_second"]
    return (f"{row['name']:<10}{shape:>11}{row['cores']:>7}"
            f"{pairs['median']:>9}{pairs['min']:>8}{pairs['max']:>8}"
            f"  {row['cpu_microseconds_per_pair']:19.1f}")


def _memory(row):
    start, end = row["mib"]["start"], row["mib"]["end"]
    return (f"{row['name']:<12}{row['images']:>10}{row['file_mib']:>8}{row['batches']:>9}"
            f"{start['resident']:>10}{end['resident']:>8}{end['peak']:>7}  {end['anonymous']:16}")
