"""The choice of the classes of cars and chairs."""

import itertools

import pytest

from eig_tf.data import class_sets
from eig_tf.errors import UserError

CARS = [f"{number:03d}" for number in range(1, 200)]
CHAIRS = [f"{number:04d}" for number in range(1, 1394)]


def test_sets_of_the_paper_keep_its_order_and_have_ten_classes_whatever_the_seed():
    # Supplement 5.2 and 5.3.
    assert class_sets.choose_classes("0", CARS, "cars", 0) == [
        "009", "002", "004", "007", "001", "025", "026", "024", "043", "023"]
    assert class_sets.choose_classes("4", CHAIRS, "chairs", 0) == [
        "0561", "0334", "1036", "0724", "1314", "0766", "0572", "0840", "1338", "0991"]
    for number, (ids, dataset) in itertools.product("01234", ((CARS, "cars"), (CHAIRS, "chairs"))):
        chosen = class_sets.choose_classes(number, ids, dataset, 0)
        assert len(set(chosen)) == 10
        assert chosen == class_sets.choose_classes(number, ids[::-1], dataset, 7)


def test_random_set_is_sorted_and_follows_the_seed():
    # Fixed, since a drawn set must stay the same with every version of NumPy.
    expected = ["041", "047", "052", "071", "083", "101", "131", "152", "190", "191"]
    assert class_sets.choose_classes("random", CARS, "cars", 3) == expected
    assert class_sets.choose_classes("random", CARS[::-1], "cars", 3) == expected
    assert class_sets.choose_classes("random", CARS, "cars", 4) != expected
    assert class_sets.choose_classes("random", CARS[:10], "cars", 1) == CARS[:10]


@pytest.mark.parametrize("available", [CARS[:9], ["005"], []])
def test_random_set_needs_ten(available):
    with pytest.raises(UserError, match=rf"draws 10 ids, but {len(available)} were found\b.*10 or more"):
        class_sets.choose_classes("random", available, "cars", 0)


def test_a_list_keeps_its_order_and_names_every_id_once():
    assert class_sets.choose_classes("017,003", CARS, "cars", 0) == ["017", "003"]
    assert class_sets.choose_classes(" 017 , 003 ", CARS, "cars", 0) == ["017", "003"]
    with pytest.raises(UserError, match="names 003, 017 more than once; expected every id once"):
        class_sets.choose_classes("003,017,003,020,017", CARS, "cars", 0)


@pytest.mark.parametrize("text", ["7", "5", "-1", "003", "", ",", "003,", "003,,017", "all", "0.5", "²"])
def test_invalid_class_set_is_refused_with_all_that_is_accepted(text):
    with pytest.raises(UserError) as refusal:
        class_sets.choose_classes(text, CARS[2:], "cars", 0)
    assert str(refusal.value) == (
        f"--class_set is {text!r}; expected the number of one of the paper's sets, 0 to 4, random, or two or "
        "more ids separated by commas, such as 003,004")


@pytest.mark.parametrize(("class_set", "available", "sentence"), [
    ("0", CARS[:24], "025, 026, 043; expected ids among the 24 that were found (001, 002, 003 and 21 more)"),
    ("001,3", ["003", "001"], "3; expected ids among the 2 that were found (001, 003)"),
    ("001,002", [], "001, 002; expected ids among the 0 that were found")])
def test_all_absent_ids_are_named_with_what_can_be_chosen(class_set, available, sentence):
    with pytest.raises(UserError) as refusal:
        class_sets.choose_classes(class_set, available, "cars", 0)
    assert str(refusal.value) == f"--class_set={class_set} has ids that were not found: {sentence}, or random"


def test_check_names_what_each_set_lacks():
    lines = class_sets.check_paper_class_sets([one for one in CARS if one not in ("043", "100")], "cars")
    assert lines == ["the paper's class set 0: 1 of 10 missing: 043", "the paper's class set 1: complete",
                     "the paper's class set 2: complete", "the paper's class set 3: 1 of 10 missing: 043",
                     "the paper's class set 4: 1 of 10 missing: 100"]
