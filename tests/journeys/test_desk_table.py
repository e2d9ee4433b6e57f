"""What managers, operators and agents do at the desk, statement by statement, with the test that proves each.

Those of OneDesk's e-mail settings and of EmailHub's management tab are here with all others. What needs no process of
its own is proved in its room; a conversation over real sockets is in the journeys.
"""

from journeys.tables import Proofs, gone

from gateway.intake.rules.action import Verb

PROOFS: Proofs = {
    "storage/test_queues.py": {
        "queue: all policies, with their defaults": "test_queue_has_the_documented_policies",
        "queue: archived without loss": "test_archived_queue_is_found_and_not_listed",
    },
    "storage/test_addresses.py": {
        "address: readable slug and chance": "test_generated_address_is_slug_dot_and_ten_characters",
        "address: nobody guesses it": "test_generated_addresses_have_fifty_random_bits",
        "address: several of a queue": "test_addresses_of_one_queue_are_listed_apart",
        "address: a retired one still routes": "test_retired_address_still_routes",
    },
    "storage/test_search.py": {
        "search: subject, text, people, files": "test_people_subject_and_files_are_found_the_newest_first",
        "search: phrase, prefix, ranked": "test_fields_phrases_and_beginnings_find_what_was_meant_the_best_first",
        "search: accents folded": "test_any_text_finds_what_a_reader_would",
        "search: filters": "test_filters_narrow_what_is_found",
        "search: snippets": "test_hit_shows_the_words_around_the_first_place",
    },
    "gateway/cli/test_set_up.py": {
        "queue: a creation address at once": "test_new_queue_has_a_creation_address_at_once",
        "queue: changed, the rest stays": "test_policies_are_changed_and_what_is_not_named_stays",
        "queue: archived, its address stays": "test_archived_queue_leaves_the_list_and_keeps_its_address",
        "address: labelled, changed, retired": "test_address_is_made_changed_listed_and_retired",
        "people: agents and their profile": "test_agent_is_added_changed_and_removed",
        "people: notification choices": "test_agent_says_what_he_wants_to_be_told",
        "people: contacts, notes, blocked": "test_contact_is_added_found_changed_and_blocked",
        "block list: ours are on it by themselves": "test_block_list_has_patterns_and_our_own_addresses",
        "init: asks what is needed": "test_init_makes_everything_and_overwrites_nothing",
    },
    "gateway/cli/test_people.py": {
        "address: rotated in one command": "test_rotated_address_has_a_successor_and_still_makes_tickets",
        "people: contacts are merged": "test_merged_contacts_are_one_person_with_all_addresses_and_tickets",
        "people: organisation by domain": "test_people_of_a_domain_belong_to_its_organisation",
        "people: CSV out and in": "test_exported_contacts_can_be_imported_again",
        "people: CSV of other programs": "test_contacts_of_another_program_are_imported_and_bad_rows_named",
        "people: erased": "test_person_is_erased_only_with_a_yes",
    },
    "gateway/cli/test_rules.py": {
        "rules: list, move, edit, remove": "test_rules_are_moved_edited_and_removed",
        "rules: a wrong one is refused": "test_wrong_rule_is_refused_and_not_stored",
        "rules: what-if": "test_new_rule_is_tried_on_the_last_mails_and_only_differences_are_shown",
        "rules: test of a file or a mail": "test_one_mail_is_tried_by_its_id_or_as_a_file",
    },
    "gateway/intake/rules/test_language.py": {
        "rules: each condition": "test_condition_holds_for_the_mail_that_it_describes",
        "rules: not": "test_condition_that_is_turned_round_does_not_hold",
        "rules: any and all": "test_every_condition_must_hold_unless_one_is_enough",
        "rules: linear-time patterns": "test_pattern_that_would_hang_another_engine_is_matched_in_linear_time",
        "rules: ordered": "test_first_rule_that_holds_wins",
        "rules: per queue": "test_rule_of_another_queue_is_not_asked",
        "action stop": "test_rule_that_continues_lets_later_ones_be_asked_until_one_stops",
    },
    "gateway/intake/rules/test_filing.py": {
        "action ignore": "test_ignored_mail_makes_no_ticket_and_its_fate_names_the_rule",
        "action hold": "test_held_mail_is_filed_when_a_person_releases_it",
        "action route": "test_routed_mail_opens_its_ticket_in_the_other_queue_and_answers_find_it",
        "action assign": "test_ticket_is_assigned_tagged_and_ranked",
        "action tag": "test_ticket_is_assigned_tagged_and_ranked",
        "action priority": "test_ticket_is_assigned_tagged_and_ranked",
        "action new": "test_new_beats_join_open",
        "action notify": "test_rule_tells_an_agent_and_assignment_tells_the_one_who_wants_to_hear_it",
        "action answer": "test_rule_answers_with_its_template_and_says_that_a_machine_wrote",
        "action no-acknowledgement": "test_rule_can_silence_the_acknowledgement",
        "rules: answer no machine": "test_rule_answers_no_stranger_no_machine_and_nobody_on_the_block_list",
        "queue: round robin": "test_new_tickets_are_shared_among_the_team",
        "queue: least loaded": "test_least_loaded_agent_gets_the_next_ticket",
    },
    "journeys/test_scenarios_policies.py": {
        "queue: acknowledgement on and off": "test_policy_acknowledge",
        "queue: fresh mail joins or not": "test_policy_join_open_and_join_days",
        "queue: reopen days": "test_policy_reopen_days",
        "queue: known contacts only": "test_policy_known_contacts_only",
    },
    "outbound/test_acknowledge.py": {
        "queue: language": "test_each_language_has_a_whole_template",
        "queue: display name in automatic replies": "test_display_name_is_left_out_where_the_queue_says_so",
    },
    "outbound/test_replies.py": {
        "queue: From of its own": "test_from_is_the_queues_own_address_when_it_has_one",
        "queue: signature": "test_signature_is_the_assignees_or_the_queues",
    },
    "outbound/test_appearance.py": {
        "queue: display and company name": "test_name_in_from_is_what_the_queue_wants",
        "queue: appearance": "test_answer_has_text_and_html_that_say_the_same",
    },
    "gateway/cli/test_ticket_change.py": {
        "ticket: bulk actions": "test_several_tickets_are_changed_at_once",
        "ticket: pending until": "test_ticket_that_is_put_off_opens_by_itself",
        "ticket: spam": "test_spam_is_closed_and_its_writer_ignored",
        "ticket: merge": "test_merged_tickets_are_one_and_answers_to_either_find_it",
        "ticket: split": "test_split_ticket_takes_a_message_and_all_later_ones",
        "ticket: link": "test_tickets_are_linked_and_unlinked",
        "ticket: watch": "test_watch_prints_what_happens_and_ends_when_told",
        "ticket: next": "test_next_takes_what_presses_first",
        "ticket: presence": "test_next_agent_sees_who_looks_and_who_writes",
    },
    "gateway/cli/test_tickets.py": {
        "ticket: list by status, queue, assignee": "test_list_is_narrowed_by_status_queue_and_assignee",
        "ticket: saved filters": "test_filter_is_saved_used_and_forgotten_by_its_agent_alone",
        "ticket: customer, queue, status, people": "test_ticket_changes_status_queue_customer_and_people",
        "monitoring: what waits": "test_status_counts_what_waits",
    },
    "gateway/cli/test_terminal.py": {
        "queue: tickets in its colour": "test_tickets_stand_in_the_colour_of_their_queue",
    },
    "gateway/cli/test_queue_setup.py": {
        "set-up: makes queue and address, says the steps": "test_setup_makes_what_is_missing_and_says_how_to_forward",
        "set-up: a guide for each provider": "test_docs_show_every_guide",
        "set-up: the wizard shows the confirmation": "test_waiting_setup_shows_the_confirmation",
    },
    "gateway/intake/test_set_up.py": {
        "set-up: confirmations are no tickets": "test_providers_question_is_kept_for_the_queue",
        "set-up: forged ones are not trusted": "test_question_that_the_provider_did_not_sign_is_not_trusted",
        "forwarding doctor: comes home": "test_test_mail_that_comes_home_proves_the_forward",
        "forwarding doctor: the refusal in plain words": "test_refusal_of_the_forward_is_kept_in_its_words",
        "forwarding doctor: canary": "test_canary_goes_round_by_itself_and_tells_when_the_forward_dies",
    },
    "journeys/test_forwarding.py": {
        "forwarding doctor: delay, headers, DKIM": "test_check_of_a_forward_that_works_tells_its_way",
        "forwarding doctor: an inbox that refuses": "test_check_of_an_inbox_that_refuses_tells_its_words",
    },
    "gateway/cli/test_status.py": {
        "monitoring: oldest waiting": "test_status_tells_since_when_the_oldest_waits_and_when_mail_came_last",
        "monitoring: charts as a page": "test_report_is_one_page_with_charts_and_without_script",
        "monitoring: again and again": "test_watched_status_is_shown_until_it_is_stopped",
    },
    "gateway/intake/test_digest.py": {
        "monitoring: digest to managers": "test_manager_is_told_each_mail_with_the_command_that_releases_it",
    },
    "gateway/cli/test_mail_import.py": {
        "import: threaded, deduplicated": "test_archive_becomes_threaded_tickets_without_a_word_to_anybody",
    },
    "gateway/cli/test_export.py": {
        "export: everything as JSON lines": "test_everything_is_exported_as_json_lines",
        "export: mbox": "test_mailbox_has_the_mails_as_they_came_and_left",
        "export: HTML": "test_page_shows_everything_and_runs_nothing",
    },
    "gateway/cli/test_completion.py": {"shell completion": "test_bash_completes_nouns_verbs_and_options"},
    "gateway/cli/test_every_command.py": {
        "man page": "test_manual_page_is_good_troff_and_has_every_command",
        "references are true": "test_docs_show_every_command_and_setting_as_it_is",
    },
    "gateway/cli/test_guides.py": {"guides are true": "test_commands_in_a_guide_can_be_typed"},
    "journeys/test_first_steps.py": {"first answered mail by the screen alone": "test_printed_steps_lead_to_an_answer"},
}


def test_every_statement_about_the_desk_has_its_test() -> None:
    """A row whose test was renamed or deleted is found here."""
    assert gone(PROOFS) == []


def test_every_action_of_rules_has_its_test() -> None:
    """A new action needs a row."""
    rows = {statement for rows in PROOFS.values() for statement in rows}
    assert {f"action {verb}" for verb in Verb} <= rows
