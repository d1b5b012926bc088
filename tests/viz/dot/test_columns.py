"""Every node has the column and the place in it that reading the computation suggests."""

from viz.dot.columns import chains, column_of, in_order, passed_leaves, users_of

# x*x + sin(x): x, x*x, sin(x), sum
POLYNOMIAL = [[], [0, 0], [0], [1, 2]]

# Two units with a weight each that see inputs 1 and 2, and their sum
LAYER = [[], [], [], [0, 1, 2], [], [4, 1, 2], [3, 5]]


def no_box(operands):
    return [None] * len(operands)


def test_several_results_that_nothing_uses_stand_in_the_column_of_the_last():
    assert column_of([[], [], [0, 1], [0, 1], [0, 1]]) == [0, 0, 1, 1, 1]
    assert column_of([[], [0], [1], [0]]) == [0, 1, 2, 1]  # as near to what they share as they can


def test_users_are_listed_once():
    assert users_of(POLYNOMIAL) == [[1, 2], [3], [3], []]


def test_operands_stand_left_of_results():
    assert column_of(POLYNOMIAL) == [0, 1, 1, 2]
    assert column_of([[]]) == [0]


def test_a_leaf_stands_just_before_what_uses_it():
    assert column_of([[], [0], [1], [], [2, 3]]) == [0, 1, 2, 2, 3]


def test_units_that_see_the_same_input_share_their_columns():
    # u = f(x), v = f(x), u' = g(u), v' = g(v), then (u' + 1) + v': the shorter way is not pushed right
    operands = [[], [0], [1], [0], [3], [], [2, 5], [6, 4]]
    assert column_of(operands) == [0, 1, 2, 1, 2, 2, 3, 4]


def test_what_depends_on_no_shared_leaf_stands_just_before_what_uses_it():
    # (f(f(f(a))) + f(b)): f(b) is the neighbour of the sum
    operands = [[], [0], [1], [2], [], [4], [3, 5]]
    assert column_of(operands) == [0, 1, 2, 3, 2, 3, 4]


def test_a_square_of_a_weight_does_not_pull_it_away_from_its_unit():
    # z = h(f(x), g(x)), y = w * z, y + w * w
    operands = [[], [0], [0], [1, 2], [], [4, 3], [4, 4], [5, 6]]
    column = column_of(operands)
    assert column[4] == column[5] - 1 == 2


def test_a_column_keeps_the_order_in_which_operations_name_their_operands():
    assert in_order(LAYER, column_of(LAYER), no_box(LAYER)) == [[0, 1, 2, 4], [3, 5], [6]]
    assert in_order([[], [], [], [2, 0, 1]], [0, 0, 0, 1], [None] * 4) == [[2, 0, 1], [3]]


def test_the_nodes_of_a_box_stay_together():
    operands = [[], [], [], [], [0, 1, 2, 3]]
    box = [None, "a", None, "a", None]
    assert in_order(operands, column_of(operands), box) == [[0, 1, 3, 2], [4]]
    assert in_order([[], [], [], [2, 0, 1]], [0, 0, 0, 1], ["a", "a", "a", None]) == [[2, 0, 1], [3]]


def test_leaves_that_an_edge_passes_have_a_neighbour_to_the_left():
    # 0 leads to 1 and to the target 3; 2 is a leaf beside 1
    operands = [[], [0], [], [1, 2, 0]]
    columns = in_order(operands, column_of(operands), no_box(operands))
    assert columns == [[0], [1, 2], [3]]
    assert passed_leaves(operands, columns) == [(0, 2)]
    assert passed_leaves(LAYER, in_order(LAYER, column_of(LAYER), no_box(LAYER))) == []


def test_a_line_goes_from_a_result_to_its_only_user():
    # z = f(w, x), a = g(z), y = h(a, b), and a sum with another result
    operands = [[], [], [0, 1], [2], [], [3, 4], [], [6], [5, 7]]
    assert chains(operands) == [None, None, 2, 2, None, 2, None, None, None]
    assert chains(POLYNOMIAL) == [None] * 4
