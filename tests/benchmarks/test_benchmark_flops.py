import pytest
import tensorflow as tf

from benchmarks import flops, variants
from eig_tf.config import load_preset


def test_products_count_two_operations_for_each_weight_that_meets_an_input():
    left, right = tf.ones([3, 5]), tf.ones([5, 7])

    @tf.function
    def plain():
        return tf.matmul(left, right)

    @tf.function
    def transposed():
        return tf.matmul(tf.transpose(left), tf.transpose(right), transpose_a=True, transpose_b=True)

    assert flops.count(plain) == flops.count(transposed) == 2 * 3 * 5 * 7


def test_convolution_and_its_gradients_count_alike():
    images, kernel = tf.ones([2, 8, 8, 3]), tf.ones([4, 4, 3, 5])
    once = 2 * (2 * 4 * 4 * 5) * (4 * 4 * 3)  # 2 x outputs (stride 2) x inputs of each

    @tf.function
    def forward():
        return tf.nn.conv2d(images, kernel, 2, "SAME")

    @tf.function
    def forward_and_both_gradients():
        with tf.GradientTape() as tape:
            tape.watch([images, kernel])
            outputs = tf.nn.conv2d(images, kernel, 2, "SAME")
        return tape.gradient(outputs, [images, kernel])

    @tf.function
    def transposed():
        return tf.nn.conv2d_transpose(tf.ones([2, 4, 4, 5]), kernel, [2, 8, 8, 3], 2, "SAME")

    assert flops.count(forward) == once
    # The gradients of a convolution do not need its output, which nothing asks for here.
    assert flops.count(forward_and_both_gradients) == 2 * once
    assert flops.count(transposed) == once


def test_what_nothing_uses_is_not_counted_and_side_effects_are():
    matrix = tf.ones([4, 4])
    kept = tf.Variable(matrix)

    @tf.function
    def step():
        tf.matmul(matrix, matrix)
        kept.assign(tf.matmul(kept, matrix))

    assert flops.count(step) == 2 * 4**3


@pytest.mark.slow
def test_step_of_the_package_against_a_count_by_hand():
    n = 4
    generator = 72 * 1024 + 1024 * 6272 + 7 * 7 * 16 * 128 * 64 + 14 * 14 * 16 * 64 * 1
    conv1, conv2_and_dense = 14 * 14 * 16 * 1 * 64, 7 * 7 * 16 * 64 * 128 + 6272 * 1024
    trunk = conv1 + conv2_and_dense
    d_head, q_hidden, q_logits = 1024, 1024 * 128, 128 * 10
    discriminator_phase = 2 * n * (2 * conv1 + 3 * conv2_and_dense + 3 * d_head)
    # Through the trunk and D's head only towards the image; through all of Q for its weights as well.
    generated = n * (3 * generator + 2 * trunk + 2 * d_head + 3 * q_hidden + 3 * q_logits)
    contrastive = n * trunk + 2 * n * 2 * q_hidden + 3 * (2 * n)**2 * 128
    config = load_preset("mnist")
    variant = variants.package_variant(config, "float32")
    model = variants.build(variant)
    images = tf.zeros([n, 28, 28, 1])

    @tf.function
    def step():
        return variant.step(model, (images, images))

    assert flops.count(step) == 2 * (discriminator_phase + generated + contrastive)
