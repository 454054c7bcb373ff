"""What is written beside a SavedModel for people and programs: where the model comes from, how good it is."""

from eig_tf.evaluation.record import load_record


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
    record = load_record(directory.evaluation, model.num_codes)
    current = record is not None and record.epochs == epochs_done
    return {
        "name": name,
        "config": config.to_dict(),
        "epochs_done": epochs_done,
        "prior": [float(probability) for probability in model.prior.probabilities],
        "class_names": record.code_class_names() if current else None,
        "metrics": _metrics(record) if current else None,
        "packages": environment.get("packages"),
        "git_revision": environment.get("git_revision"),
    }


def _metrics(record):
    return {**record.metrics, "images_per_code": record.images_per_code,
            "evaluation_seed": record.evaluation_seed, "true_fractions": record.true_fractions.tolist(),
            "judge": record.judge}
