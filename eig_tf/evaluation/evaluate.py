"""The evaluation of a run directory: every metric of the paper as JSON, two charts and a short table."""

from __future__ import annotations

import os
from pathlib import Path

from matplotlib.figure import Figure

from eig_tf import files
from eig_tf.categories.categorizer import categorize_in_batches
from eig_tf.data import names, registry
from eig_tf.evaluation import category_metrics
from eig_tf.evaluation.judge import judge
from eig_tf.evaluation.record import EvaluationRecord, save_record
from eig_tf.evaluation.registry import EvaluationContext, compute_metrics, metric_rows
from eig_tf.figures import charts, page
from eig_tf.runs.category_files import load_categories
from eig_tf.runs.run_directory import RunDirectory
from eig_tf.runs.training_images import load_training_images

IMAGES_PER_CODE = 1000


def evaluate_run(path: str | os.PathLike, cache_dir: str | os.PathLike,
                 data_dir: str | os.PathLike | None = None, images_per_code: int = IMAGES_PER_CODE,
                 seed: int = 0, architecture: str | None = None, pretrained_weights: str | None = None
                 ) -> EvaluationRecord:
    """Evaluate the last checkpoint of a run; write `evaluation.json` and two charts beside it.

    Args:
        path: the run directory.
        cache_dir: directory of judges and decoded data sets.
        data_dir: directory of the data set's files; that of the training when None.
        images_per_code: number of images to generate for each code (1000 in the paper).
        seed: seed of the generated images, of the 1-NN split, and of the draws and baselines of categories.
        architecture: architecture of the judge; see `judge.choose_recipe`.
        pretrained_weights: file of weights that the judge's ResNet-50 starts from, or None.

    Returns:
        What was written to `evaluation.json`.

    Raises:
        UserError: there is no run or no checkpoint, the data cannot be loaded or have no labels to compare
            with, the judge cannot be trained or loaded, or the files of the categories are damaged.
    """
    directory = RunDirectory(path)
    config, model, epochs_done = directory.restore_model()
    notes: list[str] = []
    discovery = load_categories(directory, model, epochs_done, notes)
    for note in notes:
        print(f"note: {note}", flush=True)
    environment = directory.load_environment()
    recipe = judge.choose_recipe(config, architecture, pretrained_weights)
    data_dir = data_dir or environment.data_dir
    whole, image_set = load_training_images(directory, config, data_dir, cache_dir)
    for note in image_set.notes:
        print(names.printable(f"note: {note}"), flush=True)
    judge.check_classes(image_set)
    trained = judge.load_or_train_judge(whole, cache_dir, config.dataset, recipe)

    if image_set.num_unlabelled:
        print(f"note: {image_set.num_unlabelled:,} of {len(image_set.images):,} training images have no "
              "label; the true fractions and the metrics of real images are those of the others", flush=True)
    context = EvaluationContext(
        model, config, image_set.labelled(), trained.predict_classes, images_per_code, seed)
    metrics, details = compute_metrics(context)
    categories = None
    if discovery is not None:
        categories = category_metrics.evaluate_categories(
            context, discovery.grouping,
            lambda images: categorize_in_batches(discovery.categorizer, images),
            registry.left_out_images(config, whole))
    record = EvaluationRecord(
        config=config.to_dict(), epochs=epochs_done, class_names=whole.class_names,
        confusion=context.confusion, code_to_class=context.code_to_class,
        true_fractions=context.true_fractions, prior=context.prior, prior_learned=model.prior.learned,
        metrics=metrics, details=details, judge=trained.report, images_per_code=images_per_code,
        evaluation_seed=seed,
        training={"data_source": _without_location(image_set.source, data_dir),
                  "num_training_images": len(image_set.images),
                  **{name: environment.over_segments(name)
                     for name in ("precision", "machine", "git_revision")}},
        categories=categories)
    save_record(record, directory.evaluation)
    with page.figure_style():
        confusion = charts.draw_confusion(record.confusion, record.code_to_class, record.class_names)
        for figure, chart in ((confusion, directory.confusion_picture),
                              (prior_chart(record), directory.prior_picture)):
            with files.replacing(chart) as temporary:
                page.save_figure(figure, temporary)
    return record


def prior_chart(record: EvaluationRecord) -> Figure:
    """Draw the prior of the matched codes, and that of codes without a class, beside the true fractions."""
    by_class, unmatched = record.prior_by_class()
    return charts.draw_prior(record.true_fractions, by_class, record.class_names, unmatched,
                             record.prior_learned, len(record.prior))


def format_evaluation(record: EvaluationRecord) -> str:
    """Return the main numbers of an evaluation as lines of text, with a warning about a weak judge.

    Categories follow the codes in a block of their own, if the run has any.
    """
    rows = [*metric_rows(record), ("classifier accuracy, held-out fifth",
                                   f"{record.judge['accuracy']:.4f} ({judge.describe_judge(record.judge)})")]
    width = max(len(label) for label, _ in rows)
    config = record.flat_config()
    routing = config.get("loss.gradient_routing")
    heading = ", ".join([
        config["dataset"], config["method"], f"split {config['split']}", f"seed {config['seed']}",
        f"{record.epochs} epochs", *([f"{routing} routing"] if routing else []),
        f"{record.images_per_code} images for each code"])
    categories = []
    if record.categories is not None:
        categories = category_metrics.category_lines(record.categories, record.judge["accuracy"])
    return "\n".join([heading, *(f"  {label:<{width}}  {text}" for label, text in rows), *categories,
                      *judge.judge_warnings(record.judge, config["dataset"])])


def _without_location(source: str, data_dir: str | os.PathLike | None) -> str:
    """Return the source of images without local paths, since results are shared with others."""
    if data_dir is None:
        return source
    # Loaders name the directory as `registry.find_directory` returns it.
    location = Path(data_dir).absolute()
    return source.replace(str(location), location.name)
