"""The report of a benchmark as text."""


def describe(report):
    """Aligned tables of what `run.run` returns."""
    pipeline, arithmetic = report["pipeline"], report["arithmetic"]
    verdict = "starves the step" if pipeline["starves"] else "does not starve the step"
    packages = ", ".join(f"{name} {version}" for name, version in report["packages"].items())
    return "\n".join([
        f"{report['machine']}, load {report['load_at_start']:.1f} at the start; {packages}",
        f"preset {report['dataset']}, networks of width {report['networks_width']:g}, {report['method']}, "
        f"{report['gradient_routing']} routing, batch {report['batch_size']}; "
        f"{report['repeats']} repeats of {report['steps']} steps",
        "",
        *_table("whole step", report["step"], "ratio", "ratio to first"),
        "",
        *_table(f"parts of the step ({report['precision']})", report["parts"], "share_of_step",
                "share of step"),
        f"The input pipeline alone makes {pipeline['batches_per_second']:.0f} batches/s, the step takes "
        f"{pipeline['needed_per_second']:.1f}: it {verdict}.",
        "",
        *_table(f"model.fit ({report['precision']})", report["fit"], "ratio_to_step", "ratio to step"),
        "",
        f"The step is {arithmetic['gflop_per_step']:.2f} GFLOP and runs at "
        f"{arithmetic['step_gflop_per_second']:.0f} GFLOP/s, {arithmetic['share']:.0%} of the "
        f"{arithmetic['matrix_product_gflop_per_second']:.0f} GFLOP/s of a matrix product of size "
        f"{arithmetic['matrix_product_size']} in the same precision.",
        "",
        report["note"],
    ])


def _table(title, rows, relation, relation_title):
    width = max(len(title), *(len(row["name"]) for row in rows))
    lines = [f"{title:<{width}}  {'ms':>8}  {'min':>8}  {'max':>8}  {'images/s':>9}  {relation_title}"]
    for row in rows:
        if "skipped" in row:
            lines.append(f"{row['name']:<{width}}  skipped: {row['skipped']}")
            continue
        ms = row["ms"]
        lines.append(f"{row['name']:<{width}}  {ms['median']:8.2f}  {ms['min']:8.2f}  {ms['max']:8.2f}  "
                     f"{row['images_per_second']:9.0f}  {row[relation]:{len(relation_title)}.2f}")
    return lines
