"""The evaluation of a run directory: every metric of the paper, as JSON, pictures and a short table."""

from pathlib import Path

import numpy as np
from tensorflow import keras

from eig_tf import files
from eig_tf.data import registry
from eig_tf.evaluation import knn, metrics, sampling
from eig_tf.evaluation.judge import classifier, classifier_report
from eig_tf.figures import charts
from eig_tf.models.registry import build_model
from eig_tf.runs.run_directory import RunDirectory

IMAGES_PER_CODE = 1000


def evaluate(path, cache_dir, data_dir=None, images_per_code=IMAGES_PER_CODE, seed=0, architecture=None,
             pretrained_weights=None):
    """Evaluates the last checkpoint of a run; writes `evaluation.json` and two pictures beside it.

    Args:
        path: the run directory.
        cache_dir: where evaluation classifiers and decoded data sets are kept.
        data_dir: where the data set's files lie; where they lay in training when None.
        images_per_code: images generated for each code (1000 in the paper).
        seed: of the generated images and the 1-NN split.
        architecture: of the classifier; see `classifier.choose`.
        pretrained_weights: file that the classifier's ResNet-50 starts from, or None.

    Returns:
        What was written, as a dict.

    Raises:
        UserError: no run, no checkpoint, the data cannot be loaded or have no labels to compare with,
            or the classifier cannot be had.
    """
    directory = RunDirectory(path)
    config, model, epochs_done = directory.restore_model()
    environment = directory.load_environment()
    recipe = classifier.choose(config, architecture, pretrained_weights)
    data_dir = data_dir or environment.get("data_dir")
    whole, image_set = registry.load_split(config, data_dir, cache_dir)
    classifier.check_images(whole)
    classifier.check_held_out(image_set)
    trained = classifier.load_or_train(whole, cache_dir, config.dataset, recipe)

    counts = _count_generated(model, trained.model, images_per_code, len(whole.class_names), seed)
    code_to_class = metrics.match_codes(counts)
    ent, ent_codes, ent_classes = metrics.average_entropy(counts)
    prior = _evaluate_prior(model, image_set, counts, code_to_class)
    evaluation = _rounded({
        "nmi": metrics.nmi_of_counts(counts),
        "nmi_averaging": metrics.NMI_AVERAGING,
        "ent": ent,
        "ent_of_codes": ent_codes,
        "ent_of_classes": ent_classes,
        "images_per_code": images_per_code,
        "confusion": counts.tolist(),
        "code_to_class": code_to_class,
        "class_names": list(whole.class_names),
        "prior": prior,
        **_evaluate_recognition(config, model, image_set, seed),
        "classifier": trained.report,
        "evaluation_seed": seed,
        **_describe_run(config, environment, epochs_done, image_set, data_dir),
    })
    files.write_json(evaluation, directory.evaluation)
    charts.save_confusion(counts, code_to_class, whole.class_names, directory.confusion_picture)
    charts.save_prior(np.array(prior["true"]), np.array(prior["learned_by_class"]), whole.class_names,
                       directory.prior_picture)
    return evaluation


def table(evaluation):
    """The main figures of an evaluation as lines of text, with a warning where the classifier is weak."""
    prior, one_nn = evaluation["prior"], evaluation["one_nn"]
    recognition, trained = evaluation["recognition"], evaluation["classifier"]
    kl = "infinite" if prior["kl"] is None else f"{prior['kl']:.3f} nats"
    judged = f"  [classifier {trained['accuracy']:.3f}]"
    rows = [
        ("NMI (code, class of generated image)", f"{evaluation['nmi']:.3f}{judged}"),
        ("ENT", f"{evaluation['ent']:.3f} nats{judged}"),
        ("matched prior, total variation from true", f"{prior['total_variation']:.3f} "
         f"(uniform: {prior['total_variation_of_uniform']:.3f}){judged}"),
        ("matched prior, KL(true || learned)", f"{kl}{judged}"),
        ("classes generated under the learned prior, total variation",
         f"{prior['generated_total_variation']:.3f} "
         f"(under uniform codes: {prior['generated_total_variation_of_uniform']:.3f}){judged}"),
        ("1-NN accuracy of Q's features", f"{one_nn['accuracy']:.3f} "
         f"(before training: {one_nn['accuracy_of_random_weights']:.3f})"),
        ("Q on real images: accuracy, NMI, ARI", f"{recognition['accuracy']:.3f}, "
         f"{recognition['nmi']:.3f}, {recognition['ari']:.3f}"),
        ("classifier accuracy, held-out fifth",
         f"{trained['accuracy']:.4f} ({classifier_report.describe(trained)})"),
    ]
    width = max(len(name) for name, _ in rows)
    head = (f"{evaluation['dataset']}, {evaluation['method']}, split {evaluation['split']}, "
            f"seed {evaluation['seed']}, {evaluation['epochs']} epochs, "
            f"{evaluation['gradient_routing']} routing, {evaluation['images_per_code']} images a code")
    return "\n".join([head] + [f"  {name:<{width}}  {value}" for name, value in rows]
                     + classifier_report.warnings(trained, evaluation["dataset"]))


def _count_generated(model, classifier_model, images_per_code, num_classes, seed):
    num_codes = model.num_codes
    classes = [
        classifier.predict(classifier_model, sampling.images_of_code(model, code, images_per_code, seed))
        for code in range(num_codes)]
    codes = np.repeat(np.arange(num_codes), images_per_code)
    return metrics.confusion_counts(codes, np.concatenate(classes), num_codes, num_classes)


def _evaluate_prior(model, image_set, counts, code_to_class):
    learned = model.prior.probabilities.numpy().astype(np.float64)
    true = image_set.class_fractions()
    start = np.full(len(learned), 1 / len(learned))
    by_class, unmatched = metrics.match_prior(learned, code_to_class, len(true))
    return {
        "learned": learned.tolist(),
        "learned_by_class": by_class.tolist(),
        "mass_of_unmatched_codes": unmatched,
        "true": true.tolist(),
        "kl": metrics.kl_divergence(true, by_class),
        "generated_by_class": metrics.generated_fractions(learned, counts).tolist(),
        **_distances(true, learned, counts, code_to_class, ""),
        **_distances(true, start, counts, code_to_class, "_of_uniform"),
    }


def _distances(true, prior, counts, code_to_class, suffix):
    """Total variation of a prior [K] from the true fractions [C]: matched, and of what it generates."""
    by_class, unmatched = metrics.match_prior(prior, code_to_class, len(true))
    generated = metrics.generated_fractions(prior, counts)
    return {f"total_variation{suffix}": metrics.total_variation(true, by_class, unmatched),
            f"generated_total_variation{suffix}": metrics.total_variation(true, generated)}


def _evaluate_recognition(config, model, image_set, seed):
    features, codes = sampling.encode_images(model, image_set.images)
    counts = metrics.confusion_counts(
        codes, image_set.labels, model.num_codes, len(image_set.class_names))
    one_nn = knn.one_nn_accuracy(features, image_set.labels, seed)
    random_accuracy = knn.one_nn_accuracy(
        _random_features(config, image_set), image_set.labels, seed)["accuracy"]
    return {
        "one_nn": {**one_nn, "accuracy_of_random_weights": random_accuracy},
        "recognition": {
            "accuracy": metrics.clustering_accuracy(counts),
            "nmi": metrics.nmi_of_counts(counts),
            "ari": metrics.ari(image_set.labels, codes),
            "num_images": len(image_set.labels),
        },
    }


def _random_features(config, image_set):
    """Q's features by the weights that this very run had before its first step."""
    keras.utils.set_random_seed(config.seed)
    model = build_model(config)
    return sampling.encode_images(model, image_set.images)[0]


def _without_place(source, data_dir):
    """Where images are from without where they lie here: results are passed on, paths should not be."""
    if data_dir is None:
        return source
    # Loaders name the directory as `registry.find_directory` gives it.
    place = Path(data_dir).absolute()
    return source.replace(str(place), place.name)


def _describe_run(config, environment, epochs_done, image_set, data_dir):
    return {
        "dataset": config.dataset,
        "data_source": _without_place(image_set.source, data_dir),
        "num_training_images": len(image_set.labels),
        "method": config.method,
        "split": config.split,
        "seed": config.seed,
        "epochs": epochs_done,
        "gradient_routing": config.loss.gradient_routing,
        "precision": environment.get("precision"),
        "machine": environment.get("machine"),
        "git_revision": environment.get("git_revision"),
        "config": config.to_dict(),
    }


def _rounded(value):
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_rounded(inner) for inner in value]
    return value
