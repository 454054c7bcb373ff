"""The classes that a run's codes match, as its evaluation found them."""

import json
from typing import List, NamedTuple, Optional, Tuple

import numpy as np

from eig_tf.errors import UserError


class Matching(NamedTuple):
    """What an evaluation says of the codes.

    Attributes:
        code_to_class: the class of each of the K codes; None for those left over when K > C.
        class_names: C names.
        counts: int64 [K, C], generated images of each code by the class that the classifier sees.
        true: float64 [C], fractions of the classes in the training images.
        epochs: after how many the run was evaluated.
    """

    code_to_class: List[Optional[int]]
    class_names: Tuple[str, ...]
    counts: np.ndarray
    true: np.ndarray
    epochs: int


def read(path, num_codes):
    """Reads an `evaluation.json`.

    Args:
        path: the file.
        num_codes: K of the run.

    Returns:
        `Matching`, or None when there is no such file.

    Raises:
        UserError: the file cannot be read or does not belong to such a run.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        matching = Matching(
            list(content["code_to_class"]), tuple(map(str, content["class_names"])),
            np.array(content["confusion"], np.int64), np.array(content["prior"]["true"], np.float64),
            int(content["epochs"]))
        _check(matching, num_codes)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is no evaluation of this run: {' '.join(str(error).split())}; expected the "
                        "file that tools/evaluate.py writes, or none") from None
    return matching


def classes_of_codes(matching):
    """The class name of each of the K codes, None for those that match none."""
    return [None if match is None else matching.class_names[match] for match in matching.code_to_class]


def _check(matching, num_codes):
    num_classes = len(matching.class_names)
    if len(matching.code_to_class) != num_codes or matching.counts.shape != (num_codes, num_classes):
        raise ValueError(f"confusion is {matching.counts.shape}, not that of {num_codes} codes and "
                         f"{num_classes} classes")
    if matching.true.shape != (num_classes,):
        raise ValueError(f"prior.true is {matching.true.shape}, not that of {num_classes} classes")
    matches = [match for match in matching.code_to_class if match is not None]
    if any(not isinstance(match, int) or not 0 <= match < num_classes for match in matches):
        raise ValueError(f"code_to_class has other numbers than those of {num_classes} classes")
