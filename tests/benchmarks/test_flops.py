import tensorflow as tf

from benchmarks.flops import count_flops


def test_products_count_two_operations_for_each_weight_that_meets_an_input():
    left, right = tf.ones([3, 5]), tf.ones([5, 7])

    @tf.function
    def plain():
        return tf.matmul(left, right)

    @tf.function
    def transposed():
        return tf.matmul(tf.transpose(left), tf.transpose(right), transpose_a=True, transpose_b=True)

    assert count_flops(plain) == count_flops(transposed) == 2 * 3 * 5 * 7


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

    assert count_flops(forward) == once
    # The gradients of a convolution do not need its output, which nothing asks for here.
    assert count_flops(forward_and_both_gradients) == 2 * once
    assert count_flops(transposed) == once


def test_unused_results_are_not_counted_but_side_effects_are():
    matrix = tf.ones([4, 4])
    kept = tf.Variable(matrix)

    @tf.function
    def step():
        tf.matmul(matrix, matrix)
        kept.assign(tf.matmul(kept, matrix))

    assert count_flops(step) == 2 * 4**3
