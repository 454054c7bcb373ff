"""What is said of the classifier that judges generated images: how good it is, and where it is weak."""

from eig_tf.evaluation.paper import CLASSIFIER_ACCURACY

_WORST = 5


def describe(report):
    """A classifier's report in a few words: `resnet50 from vggface2.h5, 384 images`."""
    origin = f" from {report['pretrained_weights']}" if "pretrained_weights" in report else ""
    return f"{report['architecture']}{origin}, {report['num_test']} images"


def warnings(report, dataset):
    """What stands beside the metrics of a classifier that is less accurate than the paper's.

    Args:
        report: that of a `classifier.TrainedClassifier`.
        dataset: the name of its data set.

    Returns:
        Lines; none where it is as accurate, or where the paper has no such data set.
    """
    paper = CLASSIFIER_ACCURACY.get(dataset)
    if paper is None or report["accuracy"] >= paper:
        return []
    return [f"warning: the classifier is right on {report['accuracy']:.4f} of its held-out images, below the "
            f"paper's {paper:.2f}; what is marked [classifier] is no better than that"]


def lines(report, dataset):
    """The report of a classifier for people: accuracy, the worst classes, and a warning if one is due.

    Args:
        report: that of a `classifier.TrainedClassifier`.
        dataset: the name of its data set.
    """
    said = [f"classifier   {describe(report)}, trained on {report['num_train']}",
            f"accuracy     {report['accuracy']:.4f} on the held-out fifth of every class"]
    # Classifiers of digits that an earlier version stored have no figures by class.
    by_class = report.get("accuracy_of_classes", {})
    worst = [f"{name} {accuracy:.3f}" for name, accuracy in sorted(by_class.items(), key=lambda item: item[1])
             if accuracy < 1.0]
    if worst:
        said.append(f"worst        {', '.join(worst[:_WORST])}")
    return said + warnings(report, dataset)
