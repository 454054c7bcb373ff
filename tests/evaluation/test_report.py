import numpy as np
import pytest

from eig_tf.data.image_set import ImageSet
from eig_tf.errors import UserError
from eig_tf.evaluation import classifier, report, sampling
from eig_tf.models.infogan import InfoGAN
from eig_tf.models.prior import CodePrior
from eig_tf.networks import mnist


@pytest.fixture(scope="module")
def model():
    return InfoGAN(mnist.build(noise_dim=8, num_codes=2, width=0.1), CodePrior(2), noise_dim=8)


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


@pytest.mark.parametrize(("labels", "names", "sentence"), [
    (None, (), "the images have no labels"),
    (np.zeros(9, int), ("only",), "the images have one class, only"),
])
def test_images_that_codes_cannot_be_compared_with(labels, names, sentence):
    with pytest.raises(UserError, match=sentence):
        report._check_labels(ImageSet(np.zeros([9, 28, 28, 1], np.uint8), labels, names, "made"))


def test_classes_too_small_to_hold_anything_out(image_set):
    report._check_held_out(image_set)
    with pytest.raises(UserError, match="made: no class has more than 2 images to evaluate on; expected 3"):
        report._check_held_out(image_set.subset([0, 1, 3, 4]))


def test_generated_images_are_counted_by_code(model, monkeypatch):
    """A judge that knows images of code 1 by heart sees them in the second row of the table."""
    known = {image.tobytes() for image in sampling.images_of_code(model, 1, 5, seed=3)}
    monkeypatch.setattr(classifier, "predict", lambda judge, images: np.array(
        [2 if image.tobytes() in known else 0 for image in images]))
    counts = report._count_generated(model, None, 5, num_classes=3, seed=3)
    np.testing.assert_array_equal(counts, [[5, 0, 0], [0, 0, 5]])


def test_untrained_weights_that_features_are_compared_with_are_the_same_every_time(image_set):
    from eig_tf.schema import default_config
    config = default_config()
    config.networks.width = 0.1
    found = [report._random_features(config, image_set) for _ in range(2)]
    np.testing.assert_array_equal(*found)
