import types

import numpy as np
import pytest

from eig_tf.data import registry
from eig_tf.data.image_set import ImageSet
from eig_tf.evaluation import report, sampling
from eig_tf.evaluation.judge import classifier
from eig_tf.models.infogan import InfoGAN
from eig_tf.models.prior import CodePrior
from eig_tf.networks import dcgan28


@pytest.fixture(scope="module")
def model():
    return InfoGAN(dcgan28.build(noise_dim=8, num_codes=2, width=0.1), CodePrior(2), noise_dim=8)


@pytest.fixture
def image_set():
    labels = np.array([0] * 3 + [1] * 7)
    return ImageSet(np.zeros([10, 28, 28, 1], np.uint8), labels, ("a", "b"), "made")


def test_prior_is_measured_beside_its_uniform_start(model, image_set):
    model.prior.logits.assign(np.log([0.7, 0.3]))
    # Code 0 makes the class of 70%, with one image in ten of the other.
    prior = report._evaluate_prior(model, image_set, np.array([[1, 9], [10, 0]]), [1, 0])
    assert prior["true"] == [0.3, 0.7]
    assert prior["learned_by_class"] == pytest.approx([0.3, 0.7])
    assert prior["total_variation"] == pytest.approx(0.0, abs=1e-6)
    assert prior["total_variation_of_uniform"] == pytest.approx(0.2)
    assert prior["generated_by_class"] == pytest.approx([0.37, 0.63])
    assert prior["generated_total_variation"] == pytest.approx(0.07)
    assert prior["generated_total_variation_of_uniform"] == pytest.approx(0.25)
    assert prior["kl"] == pytest.approx(0.0, abs=1e-6)


def test_generated_images_are_counted_by_code(model, monkeypatch):
    """A classifier that knows images of code 1 by heart sees them in the second row of the table."""
    known = {image.tobytes() for image in sampling.images_of_code(model, 1, 5, seed=3)}
    monkeypatch.setattr(classifier, "predict", lambda model, images: np.array(
        [2 if image.tobytes() in known else 0 for image in images]))
    counts = report._count_generated(model, None, 5, num_classes=3, seed=3)
    np.testing.assert_array_equal(counts, [[5, 0, 0], [0, 0, 5]])


def test_untrained_weights_that_features_are_compared_with_are_the_same_every_time(image_set):
    from eig_tf.config.fields import default_config
    config = default_config()
    config.networks.width = 0.1
    found = [report._random_features(config, image_set) for _ in range(2)]
    np.testing.assert_array_equal(*found)


def _evaluation(**classifier_report):
    """All that the table needs, by hand; three codes, two classes."""
    return {
        "dataset": "cars", "method": "elastic_infogan", "split": 0, "seed": 1, "epochs": 2,
        "gradient_routing": "head", "images_per_code": 10, "nmi": 0.5, "ent": 0.25,
        "prior": {"kl": None, "total_variation": 0.1, "total_variation_of_uniform": 0.2,
                  "generated_total_variation": 0.3, "generated_total_variation_of_uniform": 0.4},
        "one_nn": {"accuracy": 0.75, "accuracy_of_random_weights": 0.5},
        "recognition": {"accuracy": 0.6, "nmi": 0.7, "ari": 0.8},
        "classifier": {"architecture": "resnet50", "accuracy": 0.9123, "num_test": 10, **classifier_report},
    }


def test_the_classifiers_accuracy_stands_beside_every_figure_that_rests_on_it():
    lines = report.table(_evaluation()).splitlines()
    judged = [line.split("  ")[1] for line in lines if line.endswith("[classifier 0.912]")]
    assert judged == [
        "NMI (code, class of generated image)", "ENT", "matched prior, total variation from true",
        "matched prior, KL(true || learned)", "classes generated under the learned prior, total variation"]
    assert lines[-2].endswith("0.9123 (resnet50, 10 images)")
    assert lines[-1].startswith("warning: the classifier is right on 0.9123 of its held-out images, below "
                                "the paper's 0.99;")


@pytest.mark.parametrize("changes", [{"classifier": {"accuracy": 0.99}}, {"dataset": "folder"}])
def test_no_warning_for_a_classifier_as_good_as_the_papers_or_without_one_to_compare(changes):
    evaluation = _evaluation(**changes.get("classifier", {}))
    evaluation["dataset"] = changes.get("dataset", "cars")
    assert "warning" not in report.table(evaluation)


def test_more_codes_than_classes_by_hand(image_set):
    """Three codes, two classes: code 1 has no class of its own, and its mass counts as wrong."""
    counts = np.array([[0, 10], [4, 6], [10, 0]])
    prior = report._evaluate_prior(_with_codes(3, [0.5, 0.2, 0.3]), image_set, counts, [1, None, 0])
    assert prior["learned_by_class"] == pytest.approx([0.3, 0.5])
    assert prior["mass_of_unmatched_codes"] == pytest.approx(0.2)
    # Half of |0.3 - 0.3| + |0.7 - 0.5| + 0.2.
    assert prior["total_variation"] == pytest.approx(0.2)
    assert prior["generated_by_class"] == pytest.approx([0.3 + 0.08, 0.5 + 0.12])
    assert prior["kl"] == pytest.approx(0.7 * np.log(0.7 / 0.5))


def test_fewer_codes_than_classes_by_hand(image_set):
    """Two codes, three classes, one of them without a code: no finite divergence."""
    three = image_set._replace(labels=np.array([0] * 3 + [1] * 5 + [2] * 2), class_names=("a", "b", "c"))
    counts = np.array([[8, 2, 0], [0, 10, 0]])
    prior = report._evaluate_prior(_with_codes(2, [0.4, 0.6]), three, counts, [0, 1])
    assert prior["learned_by_class"] == pytest.approx([0.4, 0.6, 0.0])
    assert prior["mass_of_unmatched_codes"] == 0.0
    assert prior["total_variation"] == pytest.approx(0.2)
    assert prior["generated_by_class"] == pytest.approx([0.32, 0.68, 0.0])
    assert prior["kl"] is None


def _with_codes(num, probabilities):
    prior = CodePrior(num)
    prior.logits.assign(np.log(probabilities))
    return types.SimpleNamespace(prior=prior)


@pytest.mark.parametrize(("start", "given"), [
    (".", "cars"), (".", "cars/"), ("cars", "."), (".", "{here}/cars"), (".", "{here}/cars/")])
def test_results_do_not_say_where_the_data_lie(tmp_path, monkeypatch, start, given):
    (tmp_path / "cars").mkdir()
    monkeypatch.chdir(tmp_path / start)
    data_dir = given.format(here=tmp_path)
    source = f"3D Cars v1.0, {registry.find_directory('cars', data_dir)}"
    assert report._without_place(source, data_dir) == "3D Cars v1.0, cars"


def test_sets_without_a_directory_keep_their_source():
    assert report._without_place("scikit-learn's digits", None) == "scikit-learn's digits"
