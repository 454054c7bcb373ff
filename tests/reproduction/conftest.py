"""Evaluations with chosen numbers, as files."""

import pytest

from eig_tf import config as config_lib
from eig_tf.evaluation.record import EvaluationRecord, save_record


@pytest.fixture
def write_evaluation(tmp_path):
    """Writes the evaluation of a run with fields of its config and metrics; returns its path."""
    def write(name, method="elastic_infogan", dataset="digits", fields=None, judge="small_cnn",
              images_per_code=100, num_images=640, source=None, categories=None, machine=None, **metrics):
        config = config_lib.load_preset(dataset, method=method)
        config.update_from_flattened_dict(fields or {})
        path, num_codes = tmp_path / name, config.networks.num_codes
        path.parent.mkdir(parents=True, exist_ok=True)
        save_record(EvaluationRecord(
            config.to_dict(), config.training.epochs, [str(label) for label in range(10)],
            [[1] * 10] * num_codes, [*range(10), *[None] * num_codes][:num_codes], [0.1] * 10,
            [1 / num_codes] * num_codes, True,
            metrics={"nmi": 0.5, "ent": 1.0, **metrics}, judge={"architecture": judge, "accuracy": 0.98},
            images_per_code=images_per_code,
            training={"data_source": source or dataset, "num_training_images": num_images,
                      "machine": machine},
            categories=categories), path)
        return path
    return write
