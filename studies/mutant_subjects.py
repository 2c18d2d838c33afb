"""Which tests must notice a change of a file of the core, for `studies.mutants`."""

from __future__ import annotations

from collections.abc import Mapping

# By file, the tests that must notice, the fastest first; left out are those that train for long.
SUBJECTS: Mapping[str, tuple[str, ...]] = {
    "bench/statistics/accuracy.py": (
        "stats",
        "remedy",
        "design",
        "settling::test_one_look_is_a_run_of_a_fixed_number_of_seeds",
        "settling::test_p_and_interval_account_for_the_looks_taken",
        "settling::test_the_interval_of_a_look_has_the_level_of_that_look",
    ),
    "bench/statistics/basics.py": ("basics", "stats", "ratios"),
    "bench/statistics/controls.py": (
        "controls::test_a_handicap_passes_and_fails_with_a_verdict_that_never_says_worse",
        "controls::test_a_run_that_cannot_detect_a_point_is_handicapped_by_more_or_not_passed",
        "controls::test_no_more_is_taken_than_there_is",
    ),
    "bench/statistics/design.py": ("design",),
    "bench/statistics/disagreement.py": ("disagreement",),
    "bench/statistics/error_rates.py": ("rounding", "fold_errors", "accuracy_errors"),
    "bench/statistics/margin.py": ("stats", "plan"),
    "bench/statistics/neighbours.py": ("remedy",),
    "bench/statistics/regimes.py": ("regimes",),
    "bench/statistics/remedy.py": ("remedy", "stats"),
    "bench/statistics/replication.py": ("replication",),
    "bench/statistics/sequential.py": (
        "settling::test_what_may_still_be_settled_is_what_the_last_look_can_reach",
        "sequential",
    ),
    "bench/statistics/settling.py": ("settling",),
    "bench/statistics/speed.py": ("ratios", "controls::test_two_samples_are_compared_as_by_hand"),
    "bench/statistics/uncertainty.py": ("uncertainty", "stats", "design"),
    "bench/records/code.py": ("code",),
    "bench/records/environment.py": ("records", "diff"),
    "bench/records/errors.py": ("plan",),
    "bench/records/filters.py": ("filters",),
    "bench/records/lines.py": ("records", "lines"),
    "bench/records/lock.py": ("locks", "records"),
    "bench/records/owner.py": (
        "bad_input::test_no_other_command_replaces_a_comparison",
        "bad_input::test_a_comparison_does_not_replace_claims",
        "bad_input::test_the_reports_of_the_repository_belong_to_the_command_that_makes_them",
    ),
    "bench/records/place.py": (
        "intact::test_a_file_is_whole_or_as_it_was_and_readable_as_the_umask_says",
        "intact::test_a_file_may_be_written_by_all_whom_the_umask_lets",
        "intact::test_a_link_in_a_reports_folder_is_replaced_and_never_followed",
        "intact::test_only_what_lies_there_long_is_removed_where_others_write",
    ),
    "bench/records/store.py": ("records", "lines"),
    "bench/records/text.py": (
        "hostile::test_nothing_in_a_line_is_obeyed_by_a_terminal",
        "hostile::test_what_has_no_words_is_named_by_its_type",
        "hostile::test_no_cell_of_a_table_is_a_formula",
    ),
    "bench/records/wrong_answers.py": ("records",),
    "bench/records/kinds/experiments.py": ("records", "lines"),
    "bench/records/kinds/runs.py": ("records", "lines"),
    "bench/cells/plan.py": ("plan", "own_recipe", "bad_input"),
    "bench/cells/train.py": (
        "epochs",
        "train::test_updates_equal_those_written_out_by_hand_in_float64",
        "train::test_the_same_cell_ends_in_the_same_weights_and_another_seed_in_others",
        "train::test_three_epochs_and_five_more_in_a_new_process_equal_eight",
        "train::test_xavier_initialisation_is_that_of_the_document",
        "train::test_the_last_partial_batch_is_dropped_where_the_document_drops_it",
        "train::test_too_few_samples_for_one_full_batch_are_an_error_and_not_an_untrained_network",
        "train::test_curves_begin_with_the_untrained_network_and_end_with_the_result",
        "train::test_a_linear_schedule_falls_to_zero_after_the_last_update",
        "train::test_each_training_picture_is_augmented_on_its_own_and_test_pictures_are_not",
        "train::test_a_run_that_diverges_names_the_step_and_ends_with_its_epoch",
        "train::test_weights_that_the_last_step_left_infinite_are_noticed_though_no_loss_was",
        "train::test_weight_decay_pulls_weights_whose_gradient_is_zero_towards_zero",
    ),
}
# Simulations that take long and see nothing that other tests do not.
LEFT_OUT = (
    "tests/test_replication.py::test_five_percent_of_equal_networks_are_called_different_and_of_just_"
    "different_equivalent",
)
