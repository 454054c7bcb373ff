"""The losses of the paper as pure functions of tensors; all return per-example losses."""

from __future__ import annotations

import math

import tensorflow as tf

from eig_tf.random_streams import WHOLE_BATCH, BatchPart


def _cross_entropy_with_constant(logits, label):
    """Return the binary cross-entropy [N] of logits [N] against one label."""
    return tf.nn.sigmoid_cross_entropy_with_logits(
        labels=tf.fill(tf.shape(logits), tf.cast(label, logits.dtype)), logits=logits)


def discriminator_loss(real_logits: tf.Tensor, generated_logits: tf.Tensor) -> tf.Tensor:
    """Return D's loss, BCE(D(x), 1) + BCE(D(G(z, c)), 0) (V_GAN in equation 1).

    Args:
        real_logits: D's logits on real images [N].
        generated_logits: D's logits on generated images [N].

    Returns:
        [N], in nats.
    """
    return (_cross_entropy_with_constant(real_logits, 1.0)
            + _cross_entropy_with_constant(generated_logits, 0.0))


def generator_loss(generated_logits: tf.Tensor) -> tf.Tensor:
    """Return G's non-saturating loss, BCE(D(G(z, c)), 1): [N] in nats from logits [N]."""
    return _cross_entropy_with_constant(generated_logits, 1.0)


def information_loss(codes: tf.Tensor, code_logits: tf.Tensor, target: str = "hard") -> tf.Tensor:
    """Return the cross-entropy of Q's prediction and the code of the image (-L_1 in equation 1).

    Args:
        codes: the codes given to G, on the simplex [N, K].
        code_logits: Q's logits on the generated images [N, K].
        target: `hard`, the arg max of the code, or `soft`, the code itself. Neither carries a
            gradient: the prior learns through the image alone.

    Returns:
        [N], in nats.

    Raises:
        ValueError: `target` is neither.
    """
    if target == "hard":
        labels = tf.argmax(codes, axis=-1)
        return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=code_logits)
    if target == "soft":
        return tf.nn.softmax_cross_entropy_with_logits(
            labels=tf.stop_gradient(codes), logits=code_logits)
    raise ValueError(f"target is {target!r}; expected 'hard' or 'soft'")


def continuous_information_loss(continuous: tf.Tensor, means: tf.Tensor) -> tf.Tensor:
    """Return the negative log-likelihood of continuous codes under N(means, I), summed over the codes.

    Args:
        continuous: the continuous codes given to G, in [-1, 1] [N, C].
        means: Q's predictions [N, C].

    Returns:
        [N], in nats; zeros when C is 0.
    """
    per_code = 0.5 * tf.square(continuous - means) + 0.5 * math.log(2.0 * math.pi)
    return tf.reduce_sum(per_code, axis=-1)


def nt_xent_loss(features: tf.Tensor, positive_features: tf.Tensor,
                 temperature: float | tf.Tensor = 1.0, gathered: tf.Tensor | None = None,
                 part: BatchPart = WHOLE_BATCH) -> tf.Tensor:
    """Return NT-Xent, the contrastive loss of equation 3.

    Each of the 2N features is an anchor: its pair is the positive, and the denominator runs over the
    other 2N - 1. The paper sums over N anchors; the caller takes the mean over all 2N, as the official
    release does.

    Args:
        features: features of the images [N, F], of any length other than zero.
        positive_features: features of their views [N, F].
        temperature: tau' of equation 3, above 0.
        gathered: the features of a global batch [2N * part.parts, F], part after part, in each the images
            before the views; None when `features` are all there are.
        part: which of the parts `features` and `positive_features` are.

    Returns:
        [2N], in nats: the anchors of `features` first, then those of `positive_features`.
    """
    anchors = tf.math.l2_normalize(tf.concat([features, positive_features], axis=0), axis=-1)
    candidates = anchors if gathered is None else tf.math.l2_normalize(gathered, axis=-1)
    similarities = tf.matmul(anchors, candidates, transpose_b=True) / temperature
    n, total = tf.shape(features)[0], tf.shape(candidates)[0]
    own = part.rows(tf.range(total))
    # An anchor is not its own negative. A large constant, not infinity: 0 * inf in the gradient is NaN.
    similarities -= 1e9 * tf.one_hot(own, total, dtype=similarities.dtype)
    positives = tf.concat([own[n:], own[:n]], axis=0)
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=positives, logits=similarities)


def positive_pair_loss(predictions: tf.Tensor, positive_predictions: tf.Tensor,
                       temperature: float | tf.Tensor = 1.0) -> tf.Tensor:
    """Return the part of equation 3 that the baseline "Gumbel-Softmax + pos" keeps, -sim / tau'.

    Positive pairs get similar latent predictions Q(c|x); there are no negatives (section 4, baseline v).

    Args:
        predictions: Q(c|x) of the images, probabilities [N, K].
        positive_predictions: Q(c|x) of their views [N, K].
        temperature: tau' of equation 3, above 0.

    Returns:
        [N], in [-1 / tau', 0]: minus the cosine similarity over the temperature.
    """
    similarity = tf.reduce_sum(
        tf.math.l2_normalize(predictions, axis=-1)
        * tf.math.l2_normalize(positive_predictions, axis=-1), axis=-1)
    return -similarity / temperature


def reconstruction_loss(images: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Return the binary cross-entropy of pixels, summed over places and averaged over channels.

    The mean over channels is the scale of the original JointVAE, for which its weights are chosen.

    Args:
        images: targets in [0, 1], [N, H, W, C].
        logits: of the pixels [N, H, W, C].

    Returns:
        [N], in nats.
    """
    per_value = tf.nn.sigmoid_cross_entropy_with_logits(labels=images, logits=logits)
    return tf.reduce_sum(tf.reduce_mean(per_value, axis=-1), axis=[1, 2])


def gaussian_kl(means: tf.Tensor, log_variances: tf.Tensor) -> tf.Tensor:
    """Return KL(N(means, variances) || N(0, I)), summed over the variables: [N] in nats from [N, D]."""
    return 0.5 * tf.reduce_sum(tf.square(means) + tf.exp(log_variances) - 1.0 - log_variances, axis=-1)


def uniform_categorical_kl(code_logits: tf.Tensor) -> tf.Tensor:
    """Return KL(q(c|x) || uniform) = ln K - H(q): [N] in nats, from 0 to ln K, from logits [N, K]."""
    log_probabilities = tf.nn.log_softmax(code_logits)
    entropy = -tf.reduce_sum(tf.exp(log_probabilities) * log_probabilities, axis=-1)
    return math.log(code_logits.shape[-1]) - entropy
