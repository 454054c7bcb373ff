from eig_tf.evaluation import judge_report

JUDGE = {"architecture": "resnet50", "accuracy": 0.951, "num_train": 80, "num_test": 20,
         "accuracy_of_classes": {"a": 1.0, "b": 0.5, "c": 0.75}}


def test_lines_name_the_worst_classes_first():
    assert judge_report.lines(JUDGE, "folder") == [
        "classifier   resnet50, 20 images, trained on 80",
        "accuracy     0.9510 on the held-out fifth of every class",
        "worst        b 0.500, c 0.750"]


def test_only_a_few_classes_are_named():
    judge = {**JUDGE, "accuracy_of_classes": {str(index): index / 100 for index in range(40)}}
    worst = judge_report.lines(judge, "folder")[2]
    assert worst == "worst        0 0.000, 1 0.010, 2 0.020, 3 0.030, 4 0.040"


def test_judges_without_figures_by_class():
    judge = {key: value for key, value in JUDGE.items() if key != "accuracy_of_classes"}
    assert len(judge_report.lines(judge, "folder")) == 2


def test_warning_below_the_papers_accuracy_only():
    assert judge_report.warnings(JUDGE, "shapenet") == []  # 0.95 in the paper
    (warning,) = judge_report.warnings(JUDGE, "ytf")  # 0.96
    assert "right on 0.9510 of its held-out images, below the paper's 0.96" in warning
    assert judge_report.warnings({**JUDGE, "accuracy": 0.1}, "digits") == []
    assert judge_report.lines(JUDGE, "ytf")[-1] == warning


def test_weights_are_named():
    assert judge_report.describe({**JUDGE, "pretrained_weights": "w.h5"}) == "resnet50 from w.h5, 20 images"
