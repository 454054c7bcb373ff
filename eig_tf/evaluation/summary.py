"""Means over several evaluations, as a Markdown table beside the paper's figures."""

import json
import statistics
from pathlib import Path

from eig_tf import config as config_lib
from eig_tf.data.loaders import class_sets
from eig_tf.errors import UserError
from eig_tf.evaluation.paper import TABLE_1

_GROUP = ("dataset", "method", "epochs", "gradient_routing")
_PRIORS = ("total_variation", "total_variation_of_uniform",
           "generated_total_variation", "generated_total_variation_of_uniform")
# What runs of one row may differ in; everything else of their configs must agree.
_FREE = ("split", "seed", "training.epochs", "data.class_set")
_COLUMNS = ("data set", "method", "width", "epochs (steps)", "routing", "runs (split/seed)", "NMI",
            "ENT", "TV matched (uniform)", "TV generated (uniform)", "1-NN", "classifier", "paper NMI / ENT")


def read(path):
    """Reads what the table needs of one `evaluation.json`, as a flat dict.

    Raises:
        UserError: the file is missing or was not written by `report.evaluate`.
    """
    try:
        evaluation = json.loads(Path(path).read_text(encoding="utf-8"))
        prior, config = evaluation["prior"], config_lib.config_from_dict(evaluation["config"])
        class_set = config.data.get("class_set", "")
        numbered = class_set in class_sets.numbers(config.dataset)
        return {
            "group": (*(evaluation[field] for field in _GROUP), config.networks.width,
                      "" if numbered else class_set),
            "run": (*([class_set] if numbered else []), evaluation["split"], evaluation["seed"]),
            "steps": evaluation["epochs"] * (
                evaluation["num_training_images"] // config.training.batch_size),
            **{field: evaluation[field] for field in ("nmi", "ent")},
            "priors": [prior[field] for field in _PRIORS],
            "one_nn": evaluation["one_nn"]["accuracy"],
            "classifier": evaluation["classifier"]["accuracy"],
            "settings": {**config_lib.flatten(config), "images_per_code": evaluation["images_per_code"]},
        }
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}; expected an evaluation.json") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path} is no evaluation.json of this version: {error}") from None


def markdown(evaluations):
    """One row for each data set, method, number of epochs, routing, width of the networks and class set.

    The paper's five class sets of cars or chairs are one row, as it averages over them (section 4); their
    runs are named `set/split/seed`.

    Args:
        evaluations: what `read` returns, one or more.

    Returns:
        The table. Figures are means over the runs of a row, with the standard deviation of NMI and ENT
        over them (n - 1) where there are two or more. `classifier` is the accuracy of what judged the
        images, on those held out from it.

    Raises:
        UserError: runs of one row differ in more than split, seed and the paper's class set.
    """
    groups = {}
    for evaluation in evaluations:
        groups.setdefault(evaluation["group"], []).append(evaluation)
    rows = [_COLUMNS, ["---"] * len(_COLUMNS)]
    rows += [_row(group, groups[group]) for group in sorted(groups)]
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in rows)


def _row(group, runs):
    dataset, method, epochs, routing, width, class_set = group
    runs = sorted(runs, key=lambda run: run["run"])
    _check_same_settings(group, runs)
    matched, matched_start, generated, generated_start = (
        statistics.mean(distances) for distances in zip(*(run["priors"] for run in runs)))
    paper = TABLE_1.get(dataset, {}).get(method)
    return [
        dataset, method, f"{width:g}",
        f"{epochs:,} ({statistics.mean(run['steps'] for run in runs):,.0f})", routing,
        ", ".join("/".join(map(str, run["run"])) for run in runs) + (f" ({class_set})" if class_set else ""),
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
