"""Elastic-InfoGAN and its GAN baselines: one Keras model, trained in the paper's two phases."""

from typing import NamedTuple

import tensorflow as tf
from tensorflow import keras

from eig_tf.models import losses


class Latents(NamedTuple):
    """What a generator takes: noise [N, Z], code [N, K] and continuous codes [N, C]."""

    noise: tf.Tensor
    code: tf.Tensor
    continuous: tf.Tensor


class InfoGAN(keras.Model):
    """A GAN whose code is recovered by Q (equation 1), with a contrastive term on real images (4).

    The three switches that tell the methods apart are the prior (learned or fixed), the contrastive
    term and the weights; `eig_tf.methods` holds the paper's combinations.

    Args:
        networks: `eig_tf.networks.Networks`, built.
        prior: a `CodePrior`.
        noise_dim: Z.
        num_continuous: C, the number of continuous codes r ~ U(-1, 1).
        contrastive_term: `nt_xent`, `positive_pairs` or None.
        gradient_routing: what Q's losses train. `head`: Q's own layers, as in the official release;
            `shared`: the trunk as well, as in OpenAI's InfoGAN.
        information_weight: lambda_1.
        continuous_weight: weight of the likelihood of the continuous codes.
        contrastive_weight: lambda_2.
        contrastive_temperature: tau'.
        information_target: `hard` or `soft`, see `losses.information_loss`.
        seed: root of all randomness of training; with the step number it determines every draw.

    Raises:
        ValueError: an option has a value that it does not know.
    """

    def __init__(self, networks, prior, noise_dim=62, num_continuous=0, contrastive_term="nt_xent",
                 gradient_routing="head", information_weight=1.0, continuous_weight=1.0,
                 contrastive_weight=10.0, contrastive_temperature=1.0, information_target="hard",
                 seed=0, name="infogan"):
        super().__init__(name=name)
        _check_choice("contrastive_term", contrastive_term, (None, "nt_xent", "positive_pairs"))
        _check_choice("gradient_routing", gradient_routing, ("head", "shared"))
        _check_choice("information_target", information_target, ("hard", "soft"))
        self.generator, self.trunk, self.discriminator_head, self.recognition_head = networks
        self.prior = prior
        self.noise_dim = noise_dim
        self.num_continuous = num_continuous
        self.contrastive_term = contrastive_term
        self.gradient_routing = gradient_routing
        self.information_weight = information_weight
        self.continuous_weight = continuous_weight
        self.contrastive_weight = contrastive_weight
        self.contrastive_temperature = contrastive_temperature
        self.information_target = information_target
        self.seed = seed
        terms = ["d_loss", "g_loss", "info_loss"]
        terms += ["continuous_loss"] if num_continuous else []
        terms += ["contrastive_loss"] if contrastive_term else []
        self.trackers = {term: keras.metrics.Mean(name=term) for term in terms}

    def compile(self, discriminator_optimizer=None, generator_optimizer=None, prior_optimizer=None,
                **kwargs):
        """Sets the optimizers: of the trunk and D's head; of G and Q; of a learned prior.

        Each defaults to the paper's Adam (2e-4, beta_1 0.5). Further arguments are Keras's own, such
        as `steps_per_execution`.
        """
        super().compile(**kwargs)
        self.discriminator_optimizer = discriminator_optimizer or adam()
        self.generator_optimizer = generator_optimizer or adam()
        self.prior_optimizer = prior_optimizer or adam()
        # Their state must exist before the first step: a strategy cannot create it inside one, and a
        # checkpoint is then restored at once.
        for optimizer, variables in self.optimized():
            build_optimizer(optimizer, variables)

    def optimized(self):
        """Pairs of an optimizer and the variables that it trains; the prior's only when it is learned."""
        pairs = [(self.discriminator_optimizer, self.discriminator_variables),
                 (self.generator_optimizer, self.generator_variables)]
        if self.prior.learned:
            pairs.append((self.prior_optimizer, self.prior.trainable_variables))
        return pairs

    @property
    def discriminator_variables(self):
        """What the first phase trains: the trunk and D's head."""
        return self.trunk.trainable_variables + self.discriminator_head.trainable_variables

    @property
    def generator_variables(self):
        """What the second phase trains, the prior aside: G, Q's head and, when routed to, the trunk."""
        routed = self.trunk.trainable_variables if self.gradient_routing == "shared" else []
        return self.generator.trainable_variables + self.recognition_head.trainable_variables + routed

    @property
    def metrics(self):
        """The running means of the losses, reset by `fit` at every epoch."""
        return list(self.trackers.values())

    def call(self, latents, training=None):
        """Generates images from `Latents`."""
        return self.generator(latents, training=training)

    def sample_latents(self, num, seed, code=None):
        """Draws `Latents` as in training: noise ~ N(0, I), code ~ prior, continuous ~ U(-1, 1).

        Args:
            num: how many.
            seed: a stateless seed, int32 [2].
            code: codes to use instead of drawing them, float32 [num, K].
        """
        noise_seed, code_seed, continuous_seed = tf.unstack(
            tf.random.experimental.stateless_split(seed, 3))
        return Latents(
            noise=tf.random.stateless_normal([num, self.noise_dim], noise_seed),
            code=self.prior.sample(num, code_seed) if code is None else code,
            continuous=tf.random.stateless_uniform(
                [num, self.num_continuous], continuous_seed, minval=-1.0, maxval=1.0))

    def train_step(self, data):
        """One step: the discriminator's phase, then that of G, Q and the prior (supplement 4.4).

        Args:
            data: real images [N, H, W, C] in [-1, 1] and their transformed views, a pair; without a
                contrastive term images alone will do.

        Returns:
            The running mean of every loss, by name.

        Raises:
            ValueError: there is a contrastive term and no views.
        """
        images, views = data if isinstance(data, (tuple, list)) else (data, None)
        if self.contrastive_term and views is None:
            raise ValueError(f"contrastive_term is {self.contrastive_term!r} and the data are images alone; "
                             "expected pairs of images and their transformed views")
        # One generator pass serves both phases; its gradient is taken through the generated images.
        with tf.GradientTape() as generator_tape:
            latents = self.sample_latents(tf.shape(images)[0], self.step_seed())
            generated = self.generator(latents, training=True)
        real_activations = self.discriminator_phase(images, generated)
        self.generator_phase(generator_tape, latents, generated, images, views, real_activations)
        return {name: tracker.result() for name, tracker in self.trackers.items()}

    def discriminator_phase(self, images, generated):
        """Trains the trunk and D's head on the adversarial loss.

        Returns:
            The trunk's activations of the real images [N, A], from before its update.
        """
        with tf.GradientTape() as tape:
            both = tf.concat([images, tf.stop_gradient(generated)], axis=0)
            activations = self.trunk(both, training=True, groups=2)
            logits = self.discriminator_head(activations)
            loss = self._average("d_loss", losses.discriminator_loss(*tf.split(logits, 2)))
        variables = self.discriminator_variables
        self.discriminator_optimizer.apply_gradients(
            zip(tape.gradient(loss, variables), variables))
        return tf.split(activations, 2)[0]

    def generator_phase(self, generator_tape, latents, generated, images, views, real_activations):
        """Trains G, Q and a learned prior at once; under `shared` routing Q's losses train the trunk."""
        shared = self.gradient_routing == "shared"
        with tf.GradientTape(persistent=shared) as tape:
            tape.watch(generated)
            activations = self.trunk(generated, training=True)
            adversarial = losses.generator_loss(self.discriminator_head(activations))
            _, code_logits, means = self.recognition_head(activations, training=True)
            recognition_loss = self._information_loss(latents, code_logits, means)
            if self.contrastive_term:
                if shared:
                    pair = self.trunk(tf.concat([images, views], axis=0), training=True, groups=2)
                else:
                    # The first phase's activations of the images serve again, as in the official
                    # release; the views pass the trunk after its update, one Adam step later.
                    pair = tf.concat([real_activations, self.trunk(views, training=True)], axis=0)
                recognition_loss += self._contrastive_loss(pair)
            loss = self._average("g_loss", adversarial) + recognition_loss
        image_gradient, *gradients = tape.gradient(
            loss, [generated, *self.recognition_head.trainable_variables])
        if shared:
            gradients += tape.gradient(recognition_loss, self.trunk.trainable_variables)
        generator_gradients, prior_gradients = generator_tape.gradient(
            generated, [self.generator.trainable_variables, self.prior.trainable_variables],
            output_gradients=image_gradient)
        self.generator_optimizer.apply_gradients(
            zip(generator_gradients + gradients, self.generator_variables))
        if self.prior.learned:
            self.prior_optimizer.apply_gradients(
                zip(prior_gradients, self.prior.trainable_variables))

    def _information_loss(self, latents, code_logits, means):
        """The weighted information losses of generated images, a scalar."""
        loss = self.information_weight * self._average("info_loss", losses.information_loss(
            latents.code, code_logits, self.information_target))
        if self.num_continuous:
            loss += self.continuous_weight * self._average(
                "continuous_loss", losses.continuous_information_loss(latents.continuous, means))
        return loss

    def _contrastive_loss(self, pair_activations):
        """The weighted contrastive term of activations [2N, A] of images and views, a scalar."""
        features, logits, _ = self.recognition_head(pair_activations, training=True, groups=2)
        if self.contrastive_term == "nt_xent":
            per_example = losses.nt_xent_loss(
                *tf.split(features, 2), temperature=self.contrastive_temperature)
        else:
            per_example = losses.positive_pair_loss(
                *tf.split(tf.nn.softmax(logits), 2), temperature=self.contrastive_temperature)
        return self.contrastive_weight * self._average("contrastive_loss", per_example)

    def _average(self, name, per_example):
        """Logs per-example losses under `name`; returns their mean over the global batch."""
        self.trackers[name].update_state(per_example)
        return tf.nn.compute_average_loss(per_example)

    def step_seed(self):
        """A stateless seed for this step and replica, so that a resumed run draws what it would have."""
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        seed = tf.constant([self.seed, 0], tf.int32)
        for number in (self.discriminator_optimizer.iterations, replica):
            seed = tf.random.experimental.stateless_fold_in(seed, tf.cast(number, tf.int32))
        return seed


def adam(learning_rate=2e-4, beta_1=0.5):
    """The paper's Adam.

    The legacy class: its update is one fused kernel, which on a CPU halves the memory traffic of the
    optimizer and with it a large part of the step.
    """
    return keras.optimizers.legacy.Adam(learning_rate, beta_1=beta_1, epsilon=1e-8)


def build_optimizer(optimizer, variables):
    """Creates an optimizer's state for its variables; only Keras's newer classes have a public way."""
    if isinstance(optimizer, keras.optimizers.legacy.Optimizer):
        optimizer._create_all_weights(variables)
    else:
        optimizer.build(variables)


def _check_choice(name, value, choices):
    if value not in choices:
        raise ValueError(f"{name} is {value!r}; expected one of {', '.join(map(repr, choices))}")
