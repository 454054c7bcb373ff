"""Means over several evaluations, as a Markdown table beside the paper's figures."""

import json
import statistics
from pathlib import Path

from ml_collections import config_dict

from eig_tf.config import flatten
from eig_tf.errors import UserError
from eig_tf.evaluation.paper import TABLE_1

_GROUP = ("dataset", "method", "epochs", "gradient_routing")
_PRIORS = ("total_variation", "total_variation_of_uniform",
           "generated_total_variation", "generated_total_variation_of_uniform")
# What runs of one row may differ in; everything else of their configs must agree.
_FREE = ("split", "seed", "training.epochs")
_COLUMNS = ("data set", "method", "width", "epochs (steps)", "routing", "runs (split/seed)", "NMI", "ENT",
            "TV matched (uniform)", "TV generated (uniform)", "1-NN", "classifier", "paper NMI / ENT")


def read(path):
    """Reads what the table needs of one `evaluation.json`, as a flat dict.

    Raises:
        UserError: the file is missing or was not written by `report.evaluate`.
    """
    try:
        evaluation = json.loads(Path(path).read_text(encoding="utf-8"))
        prior, config = evaluation["prior"], evaluation["config"]
        return {
            "group": (*(evaluation[field] for field in _GROUP), config["networks"]["width"]),
            "steps": evaluation["epochs"] * (
                evaluation["num_training_images"] // config["training"]["batch_size"]),
            **{field: evaluation[field] for field in ("split", "seed", "nmi", "ent")},
            "priors": [prior[field] for field in _PRIORS],
            "one_nn": evaluation["one_nn"]["accuracy"],
            "classifier": evaluation["classifier"]["accuracy"],
            "settings": {**flatten(config_dict.ConfigDict(config)),
                         "images_per_code": evaluation["images_per_code"]},
        }
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}; expected an evaluation.json") from None
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is no evaluation.json of this version: {error}") from None


def markdown(evaluations):
    """One row for each data set, method, number of epochs, routing and width of the networks.

    Args:
        evaluations: what `read` returns, one or more.

    Returns:
        The table. Figures are means over the runs of a row, with the standard deviation of NMI and ENT
        over them (n - 1) where there are two or more. `classifier` is the accuracy of what judged the
        images, on those held out from it.

    Raises:
        UserError: runs of one row differ in more than split and seed.
    """
    groups = {}
    for evaluation in evaluations:
        groups.setdefault(evaluation["group"], []).append(evaluation)
    rows = [_COLUMNS, ["---"] * len(_COLUMNS)]
    rows += [_row(group, groups[group]) for group in sorted(groups)]
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in rows)


def _row(group, runs):
    dataset, method, epochs, routing, width = group
    runs = sorted(runs, key=lambda run: (run["split"], run["seed"]))
    _check_same_settings(group, runs)
    matched, matched_start, generated, generated_start = (
        statistics.mean(distances) for distances in zip(*(run["priors"] for run in runs)))
    paper = TABLE_1.get(dataset, {}).get(method)
    return [
        dataset, method, f"{width:g}",
        f"{epochs:,} ({statistics.mean(run['steps'] for run in runs):,.0f})", routing,
        ", ".join(f"{run['split']}/{run['seed']}" for run in runs),
        _mean(run["nmi"] for run in runs),
        _mean(run["ent"] for run in runs),
        f"{matched:.3f} ({matched_start:.3f})",
        f"{generated:.3f} ({generated_start:.3f})",
        f"{statistics.mean(run['one_nn'] for run in runs):.3f}",
        f"{statistics.mean(run['classifier'] for run in runs):.3f}",
        f"{paper[0]:.3f} / {paper[1]:.3f}" if paper else "",
    ]


def _check_same_settings(group, runs):
    for run in runs[1:]:
        differing = sorted(field for field in runs[0]["settings"].keys() | run["settings"].keys()
                           if field not in _FREE
                           and runs[0]["settings"].get(field) != run["settings"].get(field))
        if differing:
            raise UserError(f"evaluations of {', '.join(map(str, group))} differ in "
                            f"{', '.join(differing)}; expected runs that differ in split and seed alone")


def _mean(values):
    values = list(values)
    spread = f" ± {statistics.stdev(values):.3f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.3f}{spread}"
