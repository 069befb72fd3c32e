from dogo_tf.reporting.table import percent, text_table


def test_columns_line_up_first_left_others_right():
    assert text_table(["encoder", "kNN %"], [["wrn_10_2", "7.5"], ["a", percent(0.4567)]]) == (
        "| encoder  | kNN % |\n|----------|------:|\n| wrn_10_2 |   7.5 |\n| a        |  45.7 |"
    )
