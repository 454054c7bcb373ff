"""What is written beside a SavedModel for people and programs: where the model comes from, how good it is."""

import json

from eig_tf.evaluation import matching

_METRICS = ("nmi", "ent", "images_per_code", "evaluation_seed", "one_nn", "recognition", "classifier")
_PRIOR_METRICS = ("total_variation", "total_variation_of_uniform", "generated_total_variation",
                  "generated_total_variation_of_uniform", "kl", "true")


def describe(directory, name, config, model, epochs_done):
    """The content of `model.json`.

    Args:
        directory: the `RunDirectory`.
        name: the model's name.
        config: of the run.
        model: the restored `InfoGAN`, K codes.
        epochs_done: epochs behind its weights.

    Returns:
        A dict: `name`, `config`, `epochs_done`, `prior`, K probabilities; `class_names`, of the classes that
        the K codes match, None for those without, and `metrics`, both None where no evaluation of these
        weights exists; `packages` and `git_revision` of the training.

    Raises:
        UserError: the run's environment or evaluation is damaged.
    """
    environment = directory.load_environment() if directory.environment.is_file() else {}
    found = matching.read(directory.evaluation, model.num_codes)
    current = found is not None and found.epochs == epochs_done
    return {
        "name": name,
        "config": config.to_dict(),
        "epochs_done": epochs_done,
        "prior": [float(probability) for probability in model.prior.probabilities],
        "class_names": matching.classes_of_codes(found) if current else None,
        "metrics": _metrics(directory.evaluation) if current else None,
        "packages": environment.get("packages"),
        "git_revision": environment.get("git_revision"),
    }


def _metrics(path):
    evaluation = json.loads(path.read_text(encoding="utf-8"))
    prior = evaluation["prior"]
    return {**{name: evaluation.get(name) for name in _METRICS},
            "prior": {name: prior.get(name) for name in _PRIOR_METRICS}}
