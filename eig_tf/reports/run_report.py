"""The report of a run: what kinds of images there are, how many of each, and which do not fit."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Any

import numpy as np
from ml_collections import config_dict

from eig_tf import config as config_lib
from eig_tf import progress
from eig_tf.data import names
from eig_tf.evaluation import metrics
from eig_tf.evaluation.decisions import run_identifier
from eig_tf.evaluation.run_figures import FigureOptions, PlottedRun, read_table
from eig_tf.reports import charts, embedding_map, ranking, run_content, sprites
from eig_tf.reports.page import write_page
from eig_tf.reports.projector import write_projector
from eig_tf.reports.run_content import SortedImages

_PLACES = 10_000  # of the map, along each axis


def report_run(run_dir: str | os.PathLike, output: str | os.PathLike, data_dir: str | None = None,
               cache_dir: str | None = None, seed: int = 0, tensorboard: bool = False
               ) -> tuple[str, list[str]]:
    """Write the report of a run's last checkpoint on its training images.

    Args:
        run_dir: the run directory.
        output: the HTML file.
        data_dir: directory of the run's data set; that of the training when None.
        cache_dir: directory of decoded data sets; the user's cache directory when None.
        seed: of generated images and of the map.
        tensorboard: whether to write the images for TensorBoard's projector too, see `write_projector`.

    Returns:
        What was found in one line, and sentences on what is missing or old.

    Raises:
        UserError: the run or its data cannot be loaded, see `run_figures.PlottedRun`.
        OSError: the file cannot be written.
    """
    run = PlottedRun(run_dir, FigureOptions(seed=seed), data_dir, cache_dir)
    noun = "code" if run.grouping is None else "category"
    found = run_content.sort_images(run)
    pictures = sprites.Sprites()
    categories = _describe_categories(found)
    for category, groups in zip(categories, run_content.category_groups(run, found, pictures, noun)):
        category["groups"] = groups
    num_images = len(found.image_set.images)
    with progress.stage(f"ranks {num_images:,} images"):
        outliers = ranking.rank_outliers(found.features, found.confidence)
    listed = np.argsort(-outliers.scores, kind="stable")[:run_content.MOST_LISTED]
    counts = found.class_counts()
    disagreeing = run_content.disagreeing_images(found)
    charts_of_run = _training_charts(run, noun)
    name = names.printable(Path(run_dir).resolve().name)
    order = np.argsort([-category["count"] for category in categories], kind="stable")
    content = {
        "name": name, "about": run.about, "noun": noun, "learned": run.learned, "num_images": num_images,
        "categories": [categories[category] for category in order],
        "outliers": run_content.list_images(found, pictures, listed, score=outliers.scores,
                                            distance=outliers.distances),
        "neighbours": ranking.NEIGHBOURS, "num_disagreeing": len(disagreeing),
        "disagreeing": run_content.list_images(found, pictures, disagreeing[:run_content.MOST_LISTED]),
        "counts": None if counts is None else counts.tolist(),
        "class_names": [names.printable(label) for label in found.image_set.class_names],
        "metrics": {} if run.record is None else {
            name: value for name, value in run.record.metrics.items() if value is not None},
        "charts": charts_of_run, "facts": _facts(run, found),
        "command": training_command(run.config, run.directory.load_environment().data_dir),
        "config": run.directory.config.read_text(encoding="utf-8"), "sprites": pictures.all,
        "laid_out": min(num_images, embedding_map.MAX_LAID_OUT),
    }
    notes = [*found.image_set.notes, *run.notes]
    identity = {"id": run_identifier(run.directory, run.grouping is not None), "name": name,
                "epochs": run.epochs}
    write_page("run.html", output, **content, notes=[names.printable(note) for note in notes],
               data={"run": identity, "noun": noun, "counts": [int(entry["count"]) for entry in categories],
                     "map": _map_data(found, seed)})
    if tensorboard:
        num_projected = write_projector(found, run.directory.logs, noun, seed)
        notes.append(f"{num_projected:,} images are in the projector of tensorboard --logdir="
                     f"{shlex.quote(str(run.directory.logs))}")
    return f"{num_images:,} images in {len(categories)} {'codes' if noun == 'code' else 'categories'}", notes


def _describe_categories(found: SortedImages) -> list[dict[str, Any]]:
    """The numbers of each category, in the order of their numbers."""
    shares = ranking.measure_shares(found.probabilities)
    counts, fractions = found.class_counts(), found.image_set.class_fractions()
    matches = [None] * len(found.prior) if counts is None else metrics.match_codes(counts)
    highest = max(shares.high.max(), found.prior.max(), *([] if fractions is None else [fractions.max()]))
    return [{
        "number": number, "count": int(shares.counts[number]), "share": float(shares.hard[number]),
        "low": float(shares.low[number]), "high": float(shares.high[number]),
        "soft": float(shares.soft[number]), "prior": float(found.prior[number]), "scale": float(highest),
        "class": None if match is None else names.printable(found.image_set.class_names[match]),
        "true": None if match is None else float(fractions[match]),
    } for number, match in enumerate(matches)]


def _map_data(found: SortedImages, seed: int) -> dict[str, Any]:
    """The map for the script: places, categories and confidence (%) of all images, and their thumbnails."""
    with progress.stage(f"lays out {len(found.features):,} images"):
        places = np.rint(embedding_map.lay_out(found.features, seed) * _PLACES).astype(int)
    with progress.stage(f"makes thumbnails of {len(found.features):,} images"):
        sheets = sprites.make_map_sheets(found.image_set.images)
    labels = found.image_set.labels
    return {
        "places": _PLACES, "x": places[:, 0].tolist(), "y": places[:, 1].tolist(),
        "category": found.categories.tolist(),
        "percent": np.rint(100 * found.confidence).astype(int).tolist(),
        "names": None if found.image_set.names is None else [
            found.name_of(index) for index in range(len(places))],
        "classes": None if labels is None else labels.tolist(),
        "classNames": [names.printable(name) for name in found.image_set.class_names],
        "sheets": sheets.uris, "columns": sheets.columns, "perSheet": sheets.per_sheet, "side": sheets.side,
    }


def _training_charts(run: PlottedRun, noun: str) -> list[charts.LineChart]:
    """The losses, each in a chart of its own, and the distribution of the categories over the epochs."""
    drawn = []
    losses = read_table(run.directory.history, run.notes)
    if losses is not None:
        epochs = losses.pop("epoch")
        drawn = [charts.line_chart(name, epochs, {name: values}) for name, values in losses.items()]
    prior = read_table(run.directory.prior, run.notes)
    if prior is not None:
        epochs = prior.pop("epoch")
        codes = np.stack(list(prior.values()), axis=1)
        if run.grouping is not None and codes.shape[1] == run.model.num_codes:
            codes = codes @ np.eye(run.grouping.num_categories)[run.grouping.code_to_category]
        lines = {f"{noun} {number}": values for number, values in enumerate(codes.T)}
        drawn.append(charts.line_chart(f"prior of each {noun}", epochs, lines, from_zero=True))
    return [chart for chart in drawn if chart is not None]


def _facts(run: PlottedRun, found: SortedImages) -> dict[str, str]:
    """What is known of the data and the training, by name."""
    environment = run.directory.load_environment()
    packages = environment.over_segments("packages")
    if isinstance(packages, dict):
        packages = ", ".join(f"{name} {version}" for name, version in packages.items())
    facts = {
        "images": f"{len(found.image_set.images):,} of {' x '.join(map(str, found.image_set.image_shape))}",
        "source": found.image_set.source, "data directory": environment.data_dir,
        "classes": str(len(found.image_set.class_names)) if found.image_set.class_names else "not known",
        "epochs": str(run.epochs),
        **{name: environment.over_segments(key) for name, key in (
            ("machine", "machine"), ("precision", "precision"), ("revision", "git_revision"))},
        "packages": packages,
    }
    return {name: names.printable(str(value)) for name, value in facts.items() if value is not None}


def training_command(config: config_dict.ConfigDict, data_dir: str | None = None) -> str:
    """Return the command that trains with a config, with a flag for each field that differs from its preset.

    Args:
        config: see `eig_tf.config`.
        data_dir: directory of the data set's files; None if the data set needs none.
    """
    preset = config_lib.flatten(config_lib.load_preset(config.dataset, config.preset, config.method))
    always = ("dataset", "preset", "method")
    values = config_lib.flatten(config)
    changed = [name for name, value in values.items() if name not in always and value != preset.get(name)]
    flags = {config_lib.flag(name): values[name] for name in (*always, *changed)}
    if data_dir is not None:
        flags["--data_dir"] = data_dir
    texts = (shlex.quote(names.printable(f"{flag}={value}")) for flag, value in flags.items())
    return " ".join(["python -m eig_tf.train", *texts])
