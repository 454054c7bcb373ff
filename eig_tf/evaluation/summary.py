"""Means over several evaluations, as a Markdown table beside the paper's figures."""

import json
import statistics
from pathlib import Path

from eig_tf.errors import UserError
from eig_tf.evaluation.paper import TABLE_1

_GROUP = ("dataset", "method", "epochs", "gradient_routing")
# Of the uniform start, after matching codes to classes, of what is generated.
_PRIORS = (("", "_of_uniform"), ("", ""), ("generated_", ""))
_COLUMNS = ("data set", "method", "epochs", "routing", "runs (split/seed)", "NMI", "ENT",
            "TV uniform", "TV matched", "TV generated", "1-NN", "paper NMI / ENT")


def read(path):
    """Reads what the table needs of one `evaluation.json`, as a flat dict.

    Raises:
        UserError: the file is missing or was not written by `report.evaluate`.
    """
    try:
        evaluation = json.loads(Path(path).read_text(encoding="utf-8"))
        prior = evaluation["prior"]
        return {
            "group": tuple(evaluation[field] for field in _GROUP),
            **{field: evaluation[field] for field in ("split", "seed", "nmi", "ent")},
            "priors": [prior[f"{kind}total_variation{of}"] for kind, of in _PRIORS],
            "one_nn": evaluation["one_nn"]["accuracy"],
        }
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}; expected an evaluation.json") from None
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is no evaluation.json of this version: {error}") from None


def markdown(evaluations):
    """One row for each data set, method, number of epochs and routing.

    Args:
        evaluations: what `read` returns, one or more.

    Returns:
        The table. Figures are means over the runs of a row, with the standard deviation of NMI and ENT
        over them (n - 1) where there are two or more.
    """
    groups = {}
    for evaluation in evaluations:
        groups.setdefault(evaluation["group"], []).append(evaluation)
    rows = [_COLUMNS, ["---"] * len(_COLUMNS)]
    rows += [_row(group, groups[group]) for group in sorted(groups)]
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in rows)


def _row(group, runs):
    dataset, method, epochs, routing = group
    runs = sorted(runs, key=lambda run: (run["split"], run["seed"]))
    paper = TABLE_1.get(dataset, {}).get(method)
    return [
        dataset, method, epochs, routing,
        ", ".join(f"{run['split']}/{run['seed']}" for run in runs),
        _mean(run["nmi"] for run in runs),
        _mean(run["ent"] for run in runs),
        *(f"{statistics.mean(distances):.3f}" for distances in zip(*(run["priors"] for run in runs))),
        f"{statistics.mean(run['one_nn'] for run in runs):.3f}",
        f"{paper[0]:.3f} / {paper[1]:.3f}" if paper else "",
    ]


def _mean(values):
    values = list(values)
    spread = f" ± {statistics.stdev(values):.3f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.3f}{spread}"
