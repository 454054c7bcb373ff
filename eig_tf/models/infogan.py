"""Elastic-InfoGAN and its GAN baselines: one Keras model, trained in the paper's two phases."""

import tensorflow as tf
from tensorflow import keras

from eig_tf.models import averaging, losses
from eig_tf.models.inference import InferenceModel
from eig_tf.models.optimizers import adam, build_optimizer


class InfoGAN(InferenceModel):
    """A GAN whose code is recovered by Q (equation 1), with a contrastive term on real images (4).

    The three switches that tell the methods apart are the prior (learned or fixed), the contrastive
    term and the weights; `eig_tf.methods` holds the paper's combinations.

    Args:
        networks: `eig_tf.networks.Networks`, built; every loss is applied to the images of every stage.
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
        average_decay: of the running average of G's weights, below 1, which generates outside training;
            needs `networks.average_generator`. 0 for none.
        discriminator_view: (images, stateless seed) -> images, a differentiable transformation of all
            that the trunks see in training; None for none.
        seed: root of all randomness of training; with the step number it determines every draw.

    Raises:
        ValueError: an option has a value that it does not know, or there is no generator to average into.
    """

    def __init__(self, networks, prior, noise_dim=62, num_continuous=0, contrastive_term="nt_xent",
                 gradient_routing="head", information_weight=1.0, continuous_weight=1.0,
                 contrastive_weight=10.0, contrastive_temperature=1.0, information_target="hard",
                 average_decay=0.0, discriminator_view=None, seed=0, name="infogan"):
        super().__init__(networks, prior, noise_dim, num_continuous, averaged=bool(average_decay), name=name)
        _check_choice("contrastive_term", contrastive_term, (None, "nt_xent", "positive_pairs"))
        _check_choice("gradient_routing", gradient_routing, ("head", "shared"))
        _check_choice("information_target", information_target, ("hard", "soft"))
        _check_average(average_decay, networks)
        self.contrastive_term = contrastive_term
        self.gradient_routing = gradient_routing
        self.information_weight = information_weight
        self.continuous_weight = continuous_weight
        self.contrastive_weight = contrastive_weight
        self.contrastive_temperature = contrastive_temperature
        self.information_target = information_target
        self.average_decay = average_decay
        self.discriminator_view = discriminator_view
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
        """What the first phase trains: every stage's trunk and D head."""
        return [variable for discriminator in self.discriminators
                for network in (discriminator.trunk, discriminator.discriminator_head)
                for variable in network.trainable_variables]

    @property
    def generator_variables(self):
        """What the second phase trains, the prior aside: G, the Q heads and, when routed to, the trunks."""
        routed = self.trunk_variables if self.gradient_routing == "shared" else []
        return self.generator.trainable_variables + self.recognition_variables + routed

    @property
    def trunk_variables(self):
        """Those of every stage's trunk."""
        return [variable for discriminator in self.discriminators
                for variable in discriminator.trunk.trainable_variables]

    @property
    def recognition_variables(self):
        """Those of every stage's Q head."""
        return [variable for discriminator in self.discriminators
                for variable in discriminator.recognition_head.trainable_variables]

    @property
    def metrics(self):
        """The running means of the losses, reset by `fit` at every epoch."""
        return list(self.trackers.values())

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
        self.update_average()
        return {name: tracker.result() for name, tracker in self.trackers.items()}

    def discriminator_phase(self, images, generated):
        """Trains every trunk and D's head on the adversarial loss, summed over the stages.

        Returns:
            Each trunk's activations of the real images, from before its update.
        """
        with tf.GradientTape() as tape:
            adversarial, real_activations = [], []
            for stage, (discriminator, fakes) in enumerate(zip(self.discriminators, generated)):
                both = tf.concat([self._seen(images, stage, "real"),
                                  self._seen(tf.stop_gradient(fakes), stage, "generated")], axis=0)
                activations = discriminator.trunk(both, training=True, groups=2)
                logits = discriminator.discriminator_head(activations)
                adversarial.append(losses.discriminator_loss(*tf.split(logits, 2)))
                real_activations.append(tf.split(activations, 2)[0])
            loss = self._average("d_loss", tf.add_n(adversarial))
        variables = self.discriminator_variables
        self.discriminator_optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
        return real_activations

    def generator_phase(self, generator_tape, latents, generated, images, views, real_activations):
        """Trains G, Q and a learned prior at once; under `shared` routing Q's losses train the trunk."""
        shared = self.gradient_routing == "shared"
        with tf.GradientTape(persistent=shared) as tape:
            tape.watch(generated)
            adversarial, recognized, pairs = [], [], []
            for stage, (discriminator, fakes) in enumerate(zip(self.discriminators, generated)):
                activations = discriminator.trunk(self._seen(fakes, stage, "generated"), training=True)
                adversarial.append(losses.generator_loss(discriminator.discriminator_head(activations)))
                recognized.append(discriminator.recognition_head(activations, training=True)[1:])
                if self.contrastive_term:
                    pairs.append(self._pair_activations(
                        discriminator.trunk, images, views, real_activations[stage], stage))
            recognition_loss = self._information_loss(latents, recognized)
            if self.contrastive_term:
                recognition_loss += self._contrastive_loss(pairs)
            loss = self._average("g_loss", tf.add_n(adversarial)) + recognition_loss
        image_gradients, gradients = tape.gradient(loss, [generated, self.recognition_variables])
        if shared:
            gradients += tape.gradient(recognition_loss, self.trunk_variables)
        generator_gradients, prior_gradients = generator_tape.gradient(
            generated, [self.generator.trainable_variables, self.prior.trainable_variables],
            output_gradients=image_gradients)
        self.generator_optimizer.apply_gradients(
            zip(generator_gradients + gradients, self.generator_variables))
        if self.prior.learned:
            self.prior_optimizer.apply_gradients(zip(prior_gradients, self.prior.trainable_variables))

    def update_average(self):
        """Lets the averaged weights, where there are any, follow G's; training never goes on from them."""
        if self.average_generator is not None:
            averaging.update(self.average_generator, self.generator, self.average_decay)

    def _pair_activations(self, trunk, images, views, real_activations, stage):
        """A trunk's activations [2N, ...] of the images and of their views."""
        views = self._seen(views, stage, "views")
        if self.gradient_routing == "shared":
            images = self._seen(images, stage, "real")
            return trunk(tf.concat([images, views], axis=0), training=True, groups=2)
        # The first phase's activations of the images serve again, as in the official release; the
        # views pass the trunk after its update, one Adam step later.
        return tf.concat([real_activations, trunk(views, training=True)], axis=0)

    def _information_loss(self, latents, recognized):
        """The weighted information losses of what each Q says of generated images, a scalar."""
        loss = self.information_weight * self._average("info_loss", tf.add_n([
            losses.information_loss(latents.code, code_logits, self.information_target)
            for code_logits, _ in recognized]))
        if self.num_continuous:
            loss += self.continuous_weight * self._average("continuous_loss", tf.add_n([
                losses.continuous_information_loss(latents.continuous, means) for _, means in recognized]))
        return loss

    def _contrastive_loss(self, pairs):
        """The weighted contrastive term of each stage's activations of images and views, a scalar."""
        per_example = []
        for discriminator, activations in zip(self.discriminators, pairs):
            features, logits, _ = discriminator.recognition_head(activations, training=True, groups=2)
            if self.contrastive_term == "nt_xent":
                per_example.append(losses.nt_xent_loss(
                    *tf.split(features, 2), temperature=self.contrastive_temperature))
            else:
                per_example.append(losses.positive_pair_loss(
                    *tf.split(tf.nn.softmax(logits), 2), temperature=self.contrastive_temperature))
        return self.contrastive_weight * self._average("contrastive_loss", tf.add_n(per_example))

    def _seen(self, images, stage, what):
        """Images as trunk and heads see them: through `discriminator_view`, when there is one.

        D's update counts as a step of the seed: what is seen in both phases is drawn anew in the second, with
        the draw of the next step's first.
        """
        if self.discriminator_view is None:
            return images
        seed = tf.random.experimental.stateless_fold_in(
            self.step_seed(), 1 + 3 * stage + ("real", "generated", "views").index(what))
        return self.discriminator_view(images, seed)

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


def _check_choice(name, value, choices):
    if value not in choices:
        raise ValueError(f"{name} is {value!r}; expected one of {', '.join(map(repr, choices))}")


def _check_average(decay, networks):
    if not 0.0 <= decay < 1.0:  # Written so that NaN fails too.
        raise ValueError(f"average_decay is {decay}; expected 0 or more, and less than 1")
    if decay and networks.average_generator is None:
        raise ValueError(f"average_decay is {decay} and the networks have no average_generator; expected "
                         "networks that were built with averaged=True")
