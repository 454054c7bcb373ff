"""What can be made, and from which sweeps; needs neither TensorFlow nor matplotlib."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from eig_tf.errors import UserError

CLAIMS, FALSE_NEGATIVES, ABLATIONS, ALL = "claims", "false_negatives", "ablations", "all"
RANDOM_WEIGHTS = "random_weights"


class PaperTable(NamedTuple):
    """A table of the paper.

    Attributes:
        title: a sentence on what it shows.
        published: its name in `paper_results.json`, which also gives the rows.
        metrics: names of metrics.
    """

    title: str
    published: str
    metrics: tuple[str, ...]


TABLES = {
    "table1": PaperTable("Table 1: NMI (higher is better) and ENT in nats (lower is better)", "table_1",
                         ("nmi", "ent")),
    "table2": PaperTable("Table 2: NMI (higher is better)", "table_2", ("nmi",)),
    "table3": PaperTable("Table 3: ENT in nats (lower is better)", "table_3", ("ent",)),
    "table4": PaperTable("Table 4: 1-NN accuracy of the encoder's features of real images, by cosine "
                         "distance and a split of 80/20 of each class", "table_4", ("one_nn_accuracy",)),
}


class Claim(NamedTuple):
    """A claim of the paper: a metric of one method exceeds a metric of another on the same data.

    Attributes:
        text: what it says, with the section.
        greater: method and metric.
        less: method and metric.
    """

    text: str
    greater: tuple[str, str]
    less: tuple[str, str]


def load_claims() -> list[Claim]:
    """Return the claims of `protocol.json`; those on NMI also as claims on ENT, of which less is better."""
    claims = []
    for entry in load_protocol()["claims"]:
        claim = Claim(entry["claim"], tuple(entry["greater"]), tuple(entry["less"]))
        claims.append(claim)
        if claim.greater[1] == claim.less[1] == "nmi":
            claims.append(Claim(claim.text, (claim.less[0], "ent"), (claim.greater[0], "ent")))
    return claims


def load_protocol() -> dict[str, Any]:
    """Return the content of `protocol.json`, which describes itself."""
    return json.loads(Path(__file__).with_name("protocol.json").read_text(encoding="utf-8"))


def target_names() -> list[str]:
    """Return the names of everything that can be made."""
    return [*TABLES, *load_protocol()["figures"], CLAIMS, FALSE_NEGATIVES, ABLATIONS, ALL]


def check_target(target: str) -> None:
    """Raise a `UserError` unless `target` is one of `target_names()`."""
    if target not in target_names():
        raise UserError(f"the target is {target!r}; expected one of {', '.join(target_names())}")
