from eig_tf.evaluation.judge import classifier_report

REPORT = {"architecture": "resnet50", "accuracy": 0.951, "num_train": 80, "num_test": 20,
         "accuracy_of_classes": {"a": 1.0, "b": 0.5, "c": 0.75}}


def test_lines_name_the_worst_classes_first():
    assert classifier_report.lines(REPORT, "folder") == [
        "classifier   resnet50, 20 images, trained on 80",
        "accuracy     0.9510 on the held-out fifth of every class",
        "worst        b 0.500, c 0.750"]


def test_only_a_few_classes_are_named():
    report = {**REPORT, "accuracy_of_classes": {str(index): index / 100 for index in range(40)}}
    worst = classifier_report.lines(report, "folder")[2]
    assert worst == "worst        0 0.000, 1 0.010, 2 0.020, 3 0.030, 4 0.040"


def test_reports_without_figures_by_class():
    report = {key: value for key, value in REPORT.items() if key != "accuracy_of_classes"}
    assert len(classifier_report.lines(report, "folder")) == 2


def test_warning_below_the_papers_accuracy_only():
    assert classifier_report.warnings(REPORT, "shapenet") == []  # 0.95 in the paper
    (warning,) = classifier_report.warnings(REPORT, "ytf")  # 0.96
    assert "right on 0.9510 of its held-out images, below the paper's 0.96" in warning
    assert classifier_report.warnings({**REPORT, "accuracy": 0.1}, "digits") == []
    assert classifier_report.lines(REPORT, "ytf")[-1] == warning


def test_weights_are_named():
    report = {**REPORT, "pretrained_weights": "w.h5"}
    assert classifier_report.describe(report) == "resnet50 from w.h5, 20 images"
