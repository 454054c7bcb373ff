"""Registered metrics of a context whose judge and model are known."""

import types

import numpy as np
import pytest

from eig_tf import config as config_lib
from eig_tf.data.image_set import ImageSet
from eig_tf.evaluation import registry
from eig_tf.evaluation.record import EvaluationRecord
from eig_tf.evaluation.registry import EvaluationContext, compute_metrics, metric_rows, register_metric
from eig_tf.models import sampling
from eig_tf.models.registry import build_model


@pytest.fixture
def image_set():
    """Three images of class a and seven of class b."""
    images = np.random.default_rng(0).integers(0, 256, [10, 28, 28, 1], dtype=np.uint8)
    return ImageSet(images, np.array([0] * 3 + [1] * 7), ("a", "b"), "made")


def _small_config(method="elastic_infogan"):
    config = config_lib.load_preset("digits", method=method)
    config.networks.width, config.networks.num_codes = 0.1, 2
    return config


def _context(image_set, prior, confusion):
    """A context with a given prior and a given confusion matrix, without networks."""
    model = types.SimpleNamespace(prior=types.SimpleNamespace(probabilities=np.array(prior)))
    context = EvaluationContext(model, None, image_set, None, images_per_code=10, seed=0)
    context.confusion = np.array(confusion)
    return context


def _compute(context, *names):
    values = {}
    for name in names:
        values.update(registry.METRICS[name].compute(context))
    return values


PRIOR_METRICS = ("prior_total_variation", "prior_kl", "generated_total_variation")


def test_prior_is_measured_beside_its_uniform_start(image_set):
    # Code 0 generates the class of 70%, with one image in ten of the other.
    found = _compute(_context(image_set, [0.7, 0.3], [[1, 9], [10, 0]]), *PRIOR_METRICS)
    assert found["prior_by_class"] == pytest.approx([0.3, 0.7])
    assert found["prior_total_variation"] == pytest.approx(0.0, abs=1e-9)
    assert found["prior_total_variation_of_uniform"] == pytest.approx(0.2)
    assert found["generated_by_class"] == pytest.approx([0.37, 0.63])
    assert found["generated_total_variation"] == pytest.approx(0.07)
    assert found["generated_total_variation_of_uniform"] == pytest.approx(0.25)
    assert found["prior_kl"] == pytest.approx(0.0, abs=1e-9)


def test_more_codes_than_classes_by_hand(image_set):
    """Code 1 of three is left without a class, and its probability counts as wrong."""
    found = _compute(_context(image_set, [0.5, 0.2, 0.3], [[0, 10], [4, 6], [10, 0]]), *PRIOR_METRICS)
    assert found["prior_by_class"] == pytest.approx([0.3, 0.5])
    assert found["prior_unmatched"] == pytest.approx(0.2)
    # Half of |0.3 - 0.3| + |0.7 - 0.5| + 0.2.
    assert found["prior_total_variation"] == pytest.approx(0.2)
    assert found["generated_by_class"] == pytest.approx([0.3 + 0.08, 0.5 + 0.12])
    assert found["prior_kl"] == pytest.approx(0.7 * np.log(0.7 / 0.5))


def test_fewer_codes_than_classes_by_hand(image_set):
    """One of three classes is left without a code: the divergence is infinite."""
    three = image_set._replace(labels=np.array([0] * 3 + [1] * 5 + [2] * 2), class_names=("a", "b", "c"))
    found = _compute(_context(three, [0.4, 0.6], [[8, 2, 0], [0, 10, 0]]), *PRIOR_METRICS)
    assert found["prior_by_class"] == pytest.approx([0.4, 0.6, 0.0])
    assert found["prior_unmatched"] == 0.0
    assert found["prior_total_variation"] == pytest.approx(0.2)
    assert found["generated_by_class"] == pytest.approx([0.32, 0.68, 0.0])
    assert found["prior_kl"] is None


def test_all_metrics_of_a_model_and_the_judge_that_knows_code_1(image_set):
    model = build_model(_small_config())
    known = {image.tobytes() for image in sampling.generate_images_of_code(model, 1, 5, [3, 1])}
    context = EvaluationContext(
        model, _small_config(), image_set, lambda images: np.array(
            [1 if image.tobytes() in known else 0 for image in images]), images_per_code=5, seed=3)
    values, details = compute_metrics(context)
    np.testing.assert_array_equal(context.confusion, [[5, 0], [0, 5]])
    assert set(values) == {
        "nmi", "ent", "ent_of_codes", "ent_of_classes", "prior_total_variation",
        "prior_total_variation_of_uniform", "prior_kl", "prior_unmatched", "generated_total_variation",
        "generated_total_variation_of_uniform", "one_nn_accuracy", "one_nn_accuracy_of_random_weights",
        "real_accuracy", "real_nmi", "real_ari", "expected_false_negatives"}
    assert set(details) == {
        "nmi_averaging", "prior_by_class", "generated_by_class", "one_nn_num_train", "one_nn_num_test"}
    assert values["nmi"] == pytest.approx(1.0) and values["ent"] == 0.0
    assert values["prior_total_variation"] == pytest.approx(0.2)  # the prior has not learned yet
    assert values["expected_false_negatives"] == pytest.approx(0.3 ** 2 + 0.7 ** 2)
    assert (details["one_nn_num_train"], details["one_nn_num_test"]) == (8, 2)


@pytest.mark.parametrize("method", ["elastic_infogan", "joint_vae"])
def test_weights_before_training_are_the_same_every_time(image_set, method):
    config = _small_config(method)
    found = [EvaluationContext(build_model(config), config, image_set, None, 1, 0).random_features
             for _ in range(2)]
    np.testing.assert_array_equal(*found)
    assert len(found[0]) == 10


def _record(**metrics):
    config = config_lib.load_preset("digits").to_dict()
    return EvaluationRecord(config, 1, "ab", [[1, 0], [0, 1]], [0, 1], [0.3, 0.7], [0.5, 0.5], True,
                            metrics=metrics, judge={"accuracy": 0.9123})


def test_rows_have_the_judges_accuracy_where_they_rest_on_it():
    record = _record(nmi=0.5, prior_kl=None, real_accuracy=0.25, real_nmi=0.5, real_ari=0.75)
    assert metric_rows(record) == [
        ("NMI (code, class of generated image)", "0.500  [classifier 0.912]"),
        ("matched prior, KL(true || prior)", "inf nats  [classifier 0.912]"),
        ("codes of real images: accuracy, NMI, ARI", "0.250, 0.500, 0.750")]


def test_a_new_metric_is_one_function(image_set, monkeypatch):
    monkeypatch.setattr(registry, "METRICS", {})

    @register_metric("smallest", "smallest class", "{smallest:.1f} of {largest:.1f}", details=("count",))
    def _smallest(context):
        return {"smallest": context.true_fractions.min(), "largest": context.true_fractions.max(), "count": 3}

    register_metric("constant", "constant", "{constant}")(lambda context: 1.0)
    values, details = compute_metrics(_context(image_set, [1.0], [[1, 1]]))
    assert values == {"smallest": 0.3, "largest": 0.7, "constant": 1.0} and details == {"count": 3}
    assert metric_rows(_record(**values)) == [("smallest class", "0.3 of 0.7"), ("constant", "1.0")]
    with pytest.raises(ValueError, match="'constant' is registered already"):
        register_metric("constant", "", "")(_smallest)
