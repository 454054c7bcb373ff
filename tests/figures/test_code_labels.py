"""The order and the labels of codes."""

import numpy as np

from eig_tf.evaluation.record import EvaluationRecord
from eig_tf.figures import code_labels


def match(code_to_class=(1, None, 0), class_names=("cat", "dog")):
    return EvaluationRecord({}, 3, class_names, [[250, 750], [500, 500], [0, 0]], code_to_class,
                            true_fractions=[0.25, 0.75], prior=[0.5, 0.3, 0.2], prior_learned=True)


def test_codes_are_ordered_and_labelled_by_their_classes():
    found = match()
    order, words = code_labels.order([0.5, 0.3, 0.2], found)
    assert order == [2, 0, 1] and "class" in words
    assert [code_labels.label(code, 0.25, found) for code in order] == [
        "code 2\np = 0.250\ncat: 0 %", "code 0\np = 0.250\ndog: 75 %", "code 1\np = 0.250\nno class"]


def test_codes_without_a_class_come_last():
    found = match(code_to_class=[None, None, 0])
    assert code_labels.order([0.3, 0.5, 0.2], found)[0] == [2, 0, 1]


def test_without_an_evaluation_the_most_probable_is_first():
    order, words = code_labels.order(np.array([0.2, 0.4, 0.4]))
    assert order == [1, 2, 0] and "probable" in words
    assert code_labels.label(7, 0.1234) == "code 7\np = 0.123"


def test_long_and_strange_names_stay_on_their_line():
    found = match(class_names=("cat\n", "x" * 50))
    assert code_labels.label(2, 0, found).split("\n")[2:] == ["cat\\n: 0 %"]
    assert len(code_labels.label(0, 0, found).split("\n")[2]) <= 24
