"""The figures of the paper, drawn of a run directory."""

import contextlib
import csv
from pathlib import Path

import numpy as np

from eig_tf import files
from eig_tf.data import registry
from eig_tf.errors import UserError
from eig_tf.evaluation import metrics, sampling
from eig_tf.evaluation.record import load_record
from eig_tf.figures import charts, code_figures, code_labels, neighbours
from eig_tf.runs.run_directory import RunDirectory

COLUMNS = 10


def plot(run_dir, output, data_dir=None, cache_dir=None, columns=COLUMNS, codes=None, as_columns=False,
         seed=0, formats=("png",)):
    """Draws all figures of a run's last checkpoint; writes all or none.

    Args:
        run_dir: the run directory.
        output: the directory of the figures; its parent must exist.
        data_dir: where the run's data set lies; where it lay in training when None.
        cache_dir: where decoded sets are kept; the user's cache directory when None.
        columns: images of each code, and steps of a traversal.
        codes: those to show in grids, in that order; all when None.
        as_columns: whether grids have a column a code, not a row.
        seed: of the noise, of the split into queries and neighbours, and of the choice of queries.
        formats: endings of the files, `png` and `pdf`.

    Returns:
        The paths that were written, and notes for people on what is missing or old, sentences.

    Raises:
        UserError: no run, no checkpoint, the data cannot be loaded, codes that the run does not have, or
            a run that diverged.
        OSError: a file cannot be written.
    """
    directory = RunDirectory(run_dir)
    _check_codes(codes, directory.load_config().networks.num_codes)
    config, model, epochs_done = directory.restore_model()
    _, image_set = registry.load_split(
        config, data_dir or directory.load_environment().get("data_dir"), cache_dir)
    features, _ = sampling.encode_images(model, image_set.images)
    probabilities = model.prior.probabilities.numpy().astype(np.float64)
    match = load_record(directory.evaluation, len(probabilities))
    about = (f"{config.dataset}, {config.method}, split {config.split}, seed {config.seed}, "
             f"{epochs_done} epoch{'s' * (epochs_done != 1)}")
    kind = "learned" if model.prior.learned else "fixed"
    notes = _evaluation_notes(run_dir, match, epochs_done)
    with charts.style():
        drawn = _draw_grids(model, probabilities, match, kind, about, columns, codes, as_columns, seed)
        found = neighbours.search(features, image_set.labels, seed)
        if found is None:
            notes.append("there are too few images to hold some out; neighbours are left out")
        else:
            drawn["neighbours"] = neighbours.draw(
                found, image_set.images, image_set.labels, image_set.class_names, about)
        drawn.update(_draw_prior(probabilities, match, kind, image_set.class_fractions()))
        drawn.update(_draw_records(directory, match, len(probabilities), notes))
        if not model.num_continuous:
            notes.append("the run has no continuous codes; traversals are left out")
        return save(drawn, output, formats), notes


def save(drawn, output, formats):
    """Writes figures, all or none.

    Args:
        drawn: `Figure` by name.
        output: the directory, made when it is missing.
        formats: endings of the files.

    Returns:
        Their paths.

    Raises:
        UserError: a directory lies where a file would.
    """
    output = Path(output)
    paths = {output / f"{name}.{ending}": figure for name, figure in drawn.items() for ending in formats}
    for path in paths:
        if path.is_dir():
            raise UserError(f"{path} is a directory; expected a file or nothing")
    made = not output.is_dir()
    output.mkdir(exist_ok=True)
    try:
        with contextlib.ExitStack() as stack:
            for path, figure in paths.items():
                charts.write(figure, stack.enter_context(files.replacing(path)))
    except BaseException:
        if made:
            output.rmdir()
        raise
    return list(paths)


def _check_codes(codes, num_codes):
    for code in codes or ():
        if not 0 <= code < num_codes:
            raise UserError(f"--codes has {code}; the run has {num_codes} codes, expected numbers from 0 to "
                            f"{num_codes - 1}")


def _evaluation_notes(run_dir, match, epochs_done):
    if match is None:
        return [f"the run is not evaluated: classes that codes match and confusion are left out; "
                f"tools/evaluate.py {run_dir} finds them"]
    if match.epochs != epochs_done:
        return [f"evaluation.json is of epoch {match.epochs}, the checkpoint of epoch {epochs_done}: matched "
                f"classes may be wrong; tools/evaluate.py {run_dir} finds them anew"]
    return []


def _draw_grids(model, probabilities, match, kind, about, columns, codes, as_columns, seed):
    ordered, order_in_words = code_labels.order(probabilities, match)
    if codes is not None:
        ordered, order_in_words = codes, "chosen ones"
    meaning = f"p is its {kind} probability" + (
        "" if match is None else ", the percentage that of its images which the classifier sees as the class")
    labels = [code_labels.label(code, probabilities[code], match) for code in ordered]
    line, lines = ("column", "columns") if as_columns else ("row", "rows")
    title = f"{about}: a code a {line}, {order_in_words}; {meaning}. All {lines} have the same noise"
    drawn = {"codes": code_figures.draw_codes(model, ordered, labels, title, columns, seed, as_columns)}
    for index in range(model.num_continuous):
        title = (f"{about}: continuous code {index} from -1 to 1, a categorical code a {line}, "
                 f"{order_in_words}; {meaning}")
        drawn[f"traversal_{index}"] = code_figures.draw_traversal(
            model, index, ordered, labels, title, columns, seed, as_columns)
    return drawn


def _draw_prior(probabilities, match, kind, true_fractions):
    if match is None:
        return {"prior": charts.draw_prior_by_rank(probabilities, true_fractions, kind)}
    by_class, unmatched = metrics.match_prior(probabilities, match.code_to_class, len(match.class_names))
    return {"prior": charts.draw_prior(match.true_fractions, by_class, match.class_names, unmatched, kind),
            "confusion": charts.draw_confusion(match.confusion, match.code_to_class, match.class_names)}


def _draw_records(directory, match, num_codes, notes):
    drawn = {}
    prior, history = (_read_table(path, notes) for path in (directory.prior, directory.history))
    if prior is not None:
        epochs = prior.pop("epoch")
        if len(prior) != num_codes:
            raise UserError(f"{directory.prior} has {len(prior)} codes, the run {num_codes}; expected the "
                            "file that training wrote")
        classes = (match.code_to_class, match.class_names, match.true_fractions) if match else ()
        drawn["prior_history"] = charts.draw_prior_history(
            epochs, np.stack(list(prior.values()), axis=1), *classes)
    if history is not None:
        epochs = history.pop("epoch")
        drawn["losses"] = charts.draw_losses(epochs, history)
    return drawn


def _read_table(path, notes):
    """The columns of a table that training wrote, float64 [E] by name; None, and a note, without it."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            header, *rows = csv.reader(file)
        values = np.array(rows, np.float64)
        if header[0] != "epoch" or values.shape[1:] != (len(header),) or len(header) < 2:
            raise ValueError(f"its columns are {', '.join(header)} of {values.shape}")
    except FileNotFoundError:
        notes.append(f"{path} is missing; its figure is left out")
        return None
    except (ValueError, IndexError, csv.Error) as error:
        raise UserError(f"{path} cannot be read: {error}; expected the table that training wrote, or "
                        "none") from None
    return dict(zip(header, values.T))
