"""The table of images by category that the commands write; needs no TensorFlow."""

import csv

_COLUMNS = ["file", "code", "probability"]


def write(path, names, codes, probabilities, classes=None):
    """Writes a row an image: its name, its code and the probability of that, and its class where known.

    Args:
        path: the CSV file, UTF-8 but for the bytes of file names, which are written as they are.
        names: N names of files, or numbers.
        codes: N numbers.
        probabilities: N numbers in [0, 1].
        classes: N names, None when they are not known.
    """
    columns = [names, codes, (f"{probability:.6f}" for probability in probabilities)]
    header = [*_COLUMNS]
    if classes is not None:
        columns.append(classes)
        header.append("class")
    with open(path, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(zip(*columns))
