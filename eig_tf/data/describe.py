"""What people should know of a set of images before they train on it."""

from eig_tf.data import imbalance, names


def lines(image_set):
    """Number, source, class counts, expected false negatives and notes of an `ImageSet`, as sentences."""
    shape = " x ".join(map(str, image_set.image_shape))
    text = [f"{len(image_set.images)} images of {shape} from {image_set.source}"]
    fractions = image_set.class_fractions()
    if fractions is None:
        text.append("no labels: classes and their distribution are unknown")
    else:
        text.append("images a class: " + ", ".join(
            f"{name}: {count}" for name, count in zip(image_set.class_names, image_set.class_counts())))
        text.append("expected share of false negatives in a batch (sum p^2): "
                    f"{imbalance.expected_false_negatives(fractions):.3f}")
    # File names among them may hold bytes that cannot be printed.
    return [names.printable(line) for line in (*text, *(f"note: {note}" for note in image_set.notes))]
