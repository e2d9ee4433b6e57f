"""The scenario table as a whole: every complaint, finder and guard has its test, and it is here where.

The rows that need intake alone are `test_scenarios_complaints`, `_forgery`, `_policies`, `_unlucky` and `_attackers`;
the others are named below, by file.
"""

from journeys.tables import TESTS, Proofs, functions_of, gone

from gateway.intake.follow_up import FINDERS

ELSEWHERE: Proofs = {
    "outbound/test_replies.py": {
        "complaint 03: who was removed comes back": "test_whom_the_customer_left_out_is_left_out_too_and_said",
    },
    "outbound/test_matrix.py": {
        "complaint 17: 25 copies after a time-out": "test_connection_lost_after_the_dot_is_uncertain_and_not_repeated",
        "complaint 18: refused with 550, and nobody knew": "test_permanent_refusal_of_a_recipient_bounces_at_once",
    },
    "gateway/intake/test_worker.py": {
        "complaint 19: one odd mail blocks the rest": "test_a_mail_that_cannot_be_filed_does_not_hold_up_the_others",
    },
    "gateway/reading/test_packages.py": {
        "complaint 23: winmail.dat": "test_package_of_outlook_is_opened",
    },
    "gateway/intake/test_authenticate.py": {
        "complaint 25: an agent forwards a mail": "test_an_agents_proven_forward_belongs_to_the_customer",
    },
    "gateway/intake/test_follow_up.py": {
        "finder by_envelope": "test_a_reply_address_in_the_envelope_joins_the_ticket",
        "finder by_recipients": "test_a_reply_address_in_the_headers_joins_the_ticket",
        "finder by_signed_id": "test_our_signed_message_id_joins_the_ticket",
        "finder by_stored_id": "test_an_answer_by_stored_id_joins_the_ticket",
        "finder by_common_ancestor": "test_two_answers_to_a_mail_that_we_never_saw_are_one_ticket",
        "finder by_subject_tag": "test_a_subject_tag_from_the_customer_joins_the_ticket",
        "finder by_open_ticket": "test_fresh_mail_joins_the_open_ticket_where_the_queue_says_so",
        "guard a: a stranger is unverified": "test_a_stranger_with_a_token_is_filed_unverified",
        "guard b: forwarded to another queue": "test_mail_to_another_queue_is_a_linked_ticket_there",
        "guard d: many strangers": "test_the_third_stranger_gets_a_linked_ticket",
        "guard f: closed": "test_a_late_follow_up_opens_a_linked_ticket",
    },
    "gateway/intake/test_evidence.py": {
        "finder by_body_mark": "test_a_mark_in_the_text_joins_the_ticket",
        "finder by_thread_index": "test_thread_index_and_topic_of_a_participant_join",
        "finder by_case_number": "test_another_desks_number_in_its_ids_joins",
    },
    "gateway/intake/test_guards.py": {
        "guard c: a new subject on an old ticket": "test_an_open_ticket_of_long_ago_takes_no_new_matter",
        "threat 23: the copy of another": "test_the_mark_of_somebodys_own_copy_vouches_for_him_alone",
        "guard e: merged": "test_what_a_merged_ticket_brought_along_counts_in_the_living_one",
        "guard g: a machine": "test_a_machine_never_reopens",
        "guard: moved": "test_a_moved_ticket_stays_whole",
    },
    "gateway/intake/test_moved_mail.py": {
        "guard: split off": "test_an_answer_to_a_mail_that_was_split_off_goes_where_the_mail_is",
    },
    "gateway/intake/test_denied.py": {
        "guard: denied by the domain in From": "test_denied_mail_is_unverified_where_it_belongs",
    },
    "gateway/intake/test_agents_letters.py": {
        "guard: an agent's own mail program": "test_a_proven_letter_joins_the_ticket",
    },
    "gateway/intake/test_late_answers.py": {
        "guard f: refused": "test_a_late_answer_is_held_and_its_author_is_told",
    },
    "gateway/intake/test_ticket_trick.py": {
        "threat 20: the ticket trick": "test_code_to_the_reply_address_of_a_ticket_does_not_join_it",
    },
    "journeys/test_scenarios_forgery.py": {
        "threat 21: a forged thread": "test_t21_forged_threading",
    },
    "outbound/test_keys.py": {
        "threat 22: guessed tokens": "test_made_up_tokens_are_never_accepted",
    },
    "gateway/intake/test_by_agent.py": {
        "threat 24: the From of an agent": "test_unproven_answer_is_held_until_somebody_confirms_it",
    },
    "gateway/intake/test_checks.py": {
        "threat 25: Reply-To shows another": "test_a_contact_form_that_answers_elsewhere_is_flagged",
    },
    "gateway/reading/test_authenticity.py": {
        "threat 26: forged results": "test_foreign_result_fields_are_never_read",
        "threat 27: half a signature": "test_a_signature_for_a_part_of_the_body_does_not_count",
        "threat 28: forwarding breaks proof": "test_a_footer_added_on_the_way_leaves_the_author_unknown",
    },
    "journeys/test_mirror.py": {
        "threat 29: loops": "test_gateways_that_acknowledge_each_other_fall_silent",
    },
    "outbound/test_acknowledge.py": {
        "threat 30: spam by acknowledgement": "test_forged_senders_in_great_number_meet_the_budget",
    },
    "journeys/test_scenarios_attackers.py": {
        "threat 31: duplicates as an attack": "test_who_uses_a_message_id_first_does_not_keep_the_real_mail_out",
    },
    "gateway/intake/test_forwarding.py": {
        "forwarders": "test_the_inbox_is_found_under",
    },
    "gateway/intake/test_sender.py": {
        "lists": "test_the_author_behind_a_list_is_the_customer",
    },
}


def test_every_named_test_exists() -> None:
    """A row whose test was renamed or deleted is found here."""
    assert gone(ELSEWHERE) == []


def test_every_complaint_has_a_test() -> None:
    """All 25, here or there."""
    here = functions_of(TESTS / "journeys/test_scenarios_complaints.py")
    numbers = {int(name[15:17]) for name in here if name.startswith("test_complaint_")}
    numbers |= {int(row[10:12]) for rows in ELSEWHERE.values() for row in rows if row.startswith("complaint")}
    assert numbers == set(range(1, 26))


def test_every_threat_to_identity_and_threads_has_a_test() -> None:
    """From the ticket trick to duplicates as an attack: 20 to 31."""
    rows = [row for rows in ELSEWHERE.values() for row in rows if row.startswith("threat")]
    assert sorted(int(row.split()[1].rstrip(":")) for row in rows) == list(range(20, 32))


def test_every_finder_has_a_test() -> None:
    """A new finder needs a row."""
    rows = {row for rows in ELSEWHERE.values() for row in rows}
    assert {f"finder {finder.__name__}" for finder in FINDERS} <= rows
