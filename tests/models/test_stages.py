"""A model of two stages: losses on both, the second one's images, features and gradients."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from eig_tf.models import losses
from eig_tf.models.infogan import InfoGAN
from eig_tf.models.prior import CodePrior
from eig_tf.networks import stackgan
from eig_tf.random_streams import Stream

IMAGES, VIEWS = (tf.random.stateless_uniform([6, 32, 32, 3], [0, seed], -1, 1) for seed in (0, 1))


def make(stages=2, **options):
    keras.utils.set_random_seed(0)
    networks = stackgan.build_networks(image_shape=(32, 32, 3), width=0.0625, stages=stages)
    return InfoGAN(networks, CodePrior(10), **options)


def sgd(rate):
    return keras.optimizers.legacy.SGD(rate)


@pytest.fixture(scope="module")
def two_stages():
    """A model of two stages."""
    return make()


def test_second_stage_generates_and_encodes(two_stages):
    latents = two_stages.sample_latents(3, (0, 1))
    first, second = two_stages.generator(latents, training=False)
    np.testing.assert_array_equal(two_stages(latents), second)
    assert np.abs(first - second).max() > 1e-3
    trunk, _, encoder_head = two_stages.discriminators[1]
    for found, expected in zip(two_stages.encode(IMAGES), encoder_head(trunk(IMAGES))):
        np.testing.assert_array_equal(found, expected)


def test_losses_of_both_stages_are_summed(two_stages):
    """Of untrained networks, D's loss is about 2 ln 2 and the information loss about ln 10, a stage."""
    two_stages.compile(sgd(0.0), sgd(0.0), sgd(0.0))
    two_stages.reset_metrics()
    both = {name: float(loss) for name, loss in two_stages.train_step((IMAGES, VIEWS)).items()}
    one = make(stages=1)
    one.compile(sgd(0.0), sgd(0.0), sgd(0.0))
    single = {name: float(loss) for name, loss in one.train_step((IMAGES, VIEWS)).items()}
    assert both.keys() == single.keys()
    for name in ("d_loss", "info_loss", "contrastive_loss"):
        assert 1.4 * single[name] < both[name] < 2.8 * single[name]


@pytest.mark.parametrize("routing", ["head", "shared", "contrastive"])
def test_every_part_of_every_stage_is_trained(routing):
    model = make(gradient_routing=routing, diff_augment=lambda images, seed, part: 0.9 * images)
    model.compile()
    parts = {"generator": model.generator, "prior": model.prior}
    for stage, (trunk, d_head, q_head) in enumerate(model.discriminators):
        parts.update({f"trunk {stage}": trunk, f"d {stage}": d_head, f"q {stage}": q_head})
    before = {name: [variable.numpy() for variable in part.trainable_variables]
              for name, part in parts.items()}
    model.train_step((IMAGES, VIEWS))
    for name, part in parts.items():
        for old, variable in zip(before[name], part.trainable_variables):
            assert not np.array_equal(old, variable), (name, variable.name)


def test_first_phase_trains_each_discriminator_on_its_own_stage_alone():
    """What the second stage generated is turned around: the first discriminator must not notice."""
    updates = []
    for sign in (1.0, -1.0):
        model = make()
        model.compile(sgd(1.0), sgd(0.0), sgd(0.0))
        first, second = model.generator(model.sample_latents(6, (0, 1)), training=True)
        kernels = [discriminator.trunk.convs[0].kernel for discriminator in model.discriminators]
        before = [kernel.numpy() for kernel in kernels]
        model.discriminator_phase(IMAGES, VIEWS, (first, sign * second))
        updates.append([kernel.numpy() - old for kernel, old in zip(kernels, before)])
    (first, second), (same_first, other_second) = updates
    np.testing.assert_allclose(first, same_first, atol=1e-4 * np.abs(first).max())
    assert np.abs(second - other_second).max() > 0.1 * np.abs(second).max()


@pytest.mark.parametrize("term", ["nt_xent", "positive_pairs"])
def test_contrastive_routing_trains_on_the_sum_of_two_gradients(term):
    """Both gradients are computed here, each from passes of its own, with the random draws of the step."""
    def augment(images, seed, part=None):
        return images * tf.random.stateless_uniform([len(images), 1, 1, 1], seed, 0.5, 1.0)

    def trained(discriminator, generator):
        model = make(gradient_routing="contrastive", contrastive_term=term, contrastive_weight=3.0,
                     contrastive_temperature=0.5, information_weight=0.0, diff_augment=augment)
        model.compile(sgd(discriminator), sgd(generator), sgd(0.0))
        parts = [[variable for stage in model.discriminators for variable in stage[i].trainable_variables]
                 for i in range(3)]
        return model, parts

    def augmented(model, images, stage, group):
        return augment(images, model.step_seed(Stream.DIFF_AUGMENT, 0, stage, group))
    model, parts = trained(0.0, 0.0)
    generated = model.generator(model.sample_latents(6, model.step_seed(Stream.LATENTS)), training=True)
    with tf.GradientTape(persistent=True) as tape:
        adversarial, contrastive = 0.0, 0.0
        for stage, (trunk, d_head, q_head) in enumerate(model.discriminators):
            real, fake = (d_head(trunk(augmented(model, batch, stage, group), training=True))
                          for group, batch in enumerate((IMAGES, generated[stage])))
            adversarial += tf.reduce_mean(tf.nn.softplus(-real) + tf.nn.softplus(fake))
            said = [q_head(trunk(augmented(model, batch, stage, group), training=True), training=True)
                    for group, batch in ((0, IMAGES), (2, VIEWS))]
            if term == "nt_xent":
                losses_of_stage = losses.nt_xent_loss(said[0][0], said[1][0], temperature=0.5)
            else:
                losses_of_stage = losses.positive_pair_loss(
                    tf.nn.softmax(said[0][1]), tf.nn.softmax(said[1][1]), temperature=0.5)
            contrastive += tf.reduce_mean(losses_of_stage)
    zero = tf.UnconnectedGradients.ZERO
    of_adversarial = tape.gradient(adversarial, parts, unconnected_gradients=zero)
    of_contrastive = tape.gradient(contrastive, parts, unconnected_gradients=zero)

    # Trunks and D heads learn in the first phase, Q heads in the second; of plain descent at a rate of 0 in
    # the other one, the change of a variable is minus its gradient.
    for rates, learning in (((1.0, 0.0), (0, 1)), ((0.0, 1.0), (2,))):
        model, parts = trained(*rates)
        before = [[variable.numpy() for variable in part] for part in parts]
        logs = model.train_step((IMAGES, VIEWS))
        assert float(logs["d_loss"]) == pytest.approx(float(adversarial), rel=1e-4)
        assert float(logs["contrastive_loss"]) == pytest.approx(float(contrastive), rel=1e-4)
        for i in range(3):
            for old, variable, one, other in zip(before[i], parts[i], of_adversarial[i], of_contrastive[i]):
                change = variable.numpy() - old
                expected = -(one + 3.0 * other).numpy() if i in learning else np.zeros_like(old)
                np.testing.assert_allclose(change, expected, rtol=1e-3,
                                           atol=1e-3 * max(np.abs(expected).max(), 1e-3))
    assert all(np.abs(gradient).max() > 0 for gradient in of_contrastive[0])


@pytest.mark.parametrize("routing", ["head", "contrastive"])
def test_all_that_the_trunks_see_is_augmented_with_draws_of_its_own(routing):
    seen = []

    def augment(images, seed, part):
        seen.append((tuple(np.asarray(seed)), float(tf.reduce_sum(images))))
        return images
    model = make(gradient_routing=routing, diff_augment=augment)
    model.compile()
    model.train_step((IMAGES, VIEWS))
    # For each stage: images, generated images and views in D's phase; generated images in G's.
    assert len(seen) == 8
    assert len({seed for seed, _ in seen}) == 8
    sums = [total for _, total in seen]
    assert sums.count(float(tf.reduce_sum(IMAGES))) == 2 and sums.count(float(tf.reduce_sum(VIEWS))) == 2
