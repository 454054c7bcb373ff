"""Who is updated by what: every cell of the method's table, for every gradient routing.

With plain gradient descent the change of a variable is minus its rate times its gradient. A rate of
zero for the generator's phase shows the discriminator's alone and the other way round; gradients are
linear in the weights of the losses, so the gradient of one loss is the difference that its weight
makes from the same start.
"""

import numpy as np
import pytest
from tensorflow import keras

from eig_tf.models.prior import CodePrior
from eig_tf.networks.categorizer import build_categorizer

COMPONENTS = ("generator", "prior", "trunk", "d_head", "q_hidden", "q_logits")
# The table: which components each loss trains; Q's losses also train the trunk as far as `ROUTED` says.
TABLE = {
    "d_adversarial": {"trunk", "d_head"},
    "g_adversarial": {"generator", "prior"},
    "information": {"generator", "prior", "q_hidden", "q_logits"},
    "nt_xent": {"q_hidden"},
    "positive_pairs": {"q_hidden", "q_logits"},
    "category": {"generator", "prior"},
}
ROUTED = {
    "head": (),
    "shared": ("information", "nt_xent", "positive_pairs"),
    "contrastive": ("nt_xent", "positive_pairs"),
}
WEIGHTS = {
    "information": {"information_weight": 1.0},
    "nt_xent": {"contrastive_weight": 1.0},
    "positive_pairs": {"contrastive_weight": 1.0, "contrastive_term": "positive_pairs"},
    "category": {"guidance_weight": 1.0},
}
PHASES = ({"discriminator": 1.0}, {"generator": 1.0, "prior": 1.0})


def components(model):
    """The trainable variables of each component."""
    q = model.discriminators[0].encoder_head
    return {
        "generator": model.generator.trainable_variables,
        "prior": model.prior.trainable_variables,
        "trunk": model.discriminators[0].trunk.trainable_variables,
        "d_head": model.discriminators[0].discriminator_head.trainable_variables,
        "q_hidden": q.hidden.trainable_variables + q.hidden_norm.trainable_variables,
        "q_logits": q.prediction.trainable_variables,
    }


def values(model):
    return {name: np.concatenate([variable.numpy().ravel() for variable in variables])
            for name, variables in components(model).items()}


def sgd(rate):
    return keras.optimizers.legacy.SGD(rate)


@pytest.fixture(scope="module")
def step(make_model, images, views):
    """Makes training steps from the same start: what the first changes, and the losses of each.

    All rates and weights that are not given are zero.
    """
    models = {}

    def start(temperature, information_weight=0.0, contrastive_weight=0.0, **options):
        # A new model takes longer than its step, and weights of losses are no part of the graph.
        key = (temperature, *sorted(options.items()))
        if key not in models:
            model = make_model(CodePrior(10, temperature=temperature), **options)
            if "guidance_weight" in options:
                keras.utils.set_random_seed(0)
                model.follow_categories(
                    build_categorizer((28, 28, 1), 3), np.arange(10) % 3, {"rotation": 5.0})
            models[key] = model, model.get_weights()
        model, weights = models[key]
        model.set_weights(weights)
        model.information_weight, model.contrastive_weight = information_weight, contrastive_weight
        return model

    def run(discriminator=0.0, generator=0.0, prior=0.0, repeat=1, temperature=0.1, **options):
        model = start(temperature, **options)
        states, logs = [values(model)], []
        for _ in range(repeat):
            model.compile(sgd(discriminator), sgd(generator), sgd(prior))
            # Every repetition makes the same draws.
            model.step.assign(0)
            model.reset_metrics()
            logs.append({name: float(loss) for name, loss in model.train_step((images, views)).items()})
            states.append(values(model))
        return {name: states[1][name] - states[0][name] for name in COMPONENTS}, logs
    return run


@pytest.fixture(scope="module")
def updates(step):
    """The update that each loss alone makes in the two phases together, by (routing, loss)."""
    found = {}
    for routing in ROUTED:
        bases = [step(gradient_routing=routing, **rates)[0] for rates in PHASES]
        found[routing, "d_adversarial"], found[routing, "g_adversarial"] = bases
        for loss, options in WEIGHTS.items():
            changed = [step(gradient_routing=routing, **rates, **options)[0] for rates in PHASES]
            found[routing, loss] = {
                name: sum(phase[name] - base[name] for phase, base in zip(changed, bases))
                for name in COMPONENTS}
    return found


@pytest.mark.parametrize("component", COMPONENTS)
@pytest.mark.parametrize("loss", TABLE)
@pytest.mark.parametrize("routing", ROUTED)
def test_cell_of_the_table(updates, routing, loss, component):
    expected = TABLE[loss] | ({"trunk"} if loss in ROUTED[routing] else set())
    size = np.abs(updates[routing, loss][component]).max()
    if component in expected:
        assert size > 1e-6
    else:
        assert size == 0.0


def test_routing_does_not_change_what_the_others_learn(updates):
    for routing in ("shared", "contrastive"):
        for loss in TABLE:
            for component in set(COMPONENTS) - {"trunk"}:
                np.testing.assert_allclose(
                    updates[routing, loss][component], updates["head", loss][component], rtol=1e-2, atol=1e-4)


def test_contrastive_routing_without_a_contrastive_term_is_head_routing(step):
    options = {"discriminator": 0.1, "generator": 0.1, "prior": 0.1, "information_weight": 1.0,
               "contrastive_term": None}
    (found, found_losses), (expected, expected_losses) = (
        step(gradient_routing=routing, **options) for routing in ("contrastive", "head"))
    assert found_losses == expected_losses
    for component in COMPONENTS:
        np.testing.assert_array_equal(found[component], expected[component])


def test_weights_scale_the_updates(step, updates):
    base = updates["head", "g_adversarial"]
    changed, _ = step(generator=1.0, prior=1.0, information_weight=3.0)
    for component in ("generator", "prior", "q_hidden", "q_logits"):
        expected = 3 * updates["head", "information"][component]
        np.testing.assert_allclose(
            changed[component] - base[component], expected, rtol=0.02, atol=1e-3 * np.abs(expected).max())


@pytest.mark.parametrize(("phase", "rate", "losses", "options"), [
    ("discriminator", 1e-4, ("d_loss",), {}),
    ("generator", 1e-5, ("g_loss",), {}),
    ("generator", 1e-6, ("g_loss", "info_loss"), {"information_weight": 1.0}),
    ("generator", 1e-6, ("g_loss", "info_loss", "contrastive_loss"),
     {"information_weight": 1.0, "contrastive_weight": 1.0}),
    ("generator", 1e-6, ("g_loss", "category_loss"), {"guidance_weight": 1.0}),
    ("prior", 100.0, ("g_loss",), {"temperature": 1.0}),
    ("prior", 10.0, ("g_loss", "info_loss"), {"temperature": 1.0, "information_weight": 1.0}),
])
def test_a_small_step_lowers_the_loss_by_as_much_as_its_gradient_says(step, phase, rate, losses, options):
    """To first order, a step of rate r against the gradient g lowers the loss by r * |g|^2."""
    changes, (first, second) = step(**{phase: rate}, repeat=2, **options)
    expected = sum(np.sum(np.square(change)) for change in changes.values()) / rate
    assert sum(first[name] - second[name] for name in losses) == pytest.approx(expected, rel=0.1)


def test_shared_routing_trains_the_trunk_down_the_gradient_of_the_information_loss(step, updates):
    """The update of rate 1 is minus the gradient; its product with a small step tells the step's effect."""
    changes, (first, second) = step(
        generator=1e-6, repeat=2, gradient_routing="shared", information_weight=1.0)
    gradient = updates["shared", "information"]
    share = {name: changes[name] @ gradient[name] for name in COMPONENTS}
    assert first["info_loss"] - second["info_loss"] == pytest.approx(sum(share.values()), rel=0.05)
    assert share["trunk"] > 0.2 * sum(share.values())
