"""What we do for each row of the reference system's behaviours, in our words.

The table behind docs/reference/behaviours.md. The tests of a row are those of this folder whose names begin with its
id (``test_m2_...``; sections have prefixes of their own), and those that are named here.
"""

from dataclasses import dataclass

SECTIONS = {
    "D": "Directions and who may send",
    "M": "Which mappings a Windows change reaches",
    "E": "What an external change does",
    "T": "Time, duplicates, order",
    "Q": "Queue and delivery",
    "R": "While the store is away",
    "A": "Administration",
    "": "Attributes, filters, interfaces, provisioning",
}
PREFIXES = {"8": "test_attributes_", "9": "test_filters_", "10": "test_interface_", "11": "test_provisioning_"}
"""How names of tests begin for rows that are whole sections."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row.

    Attributes:
        id: As in the reference system's list; a number is a whole section of it.
        ours: What we do; empty when it is nothing yet.
        events: Names of the events that tell of it.
        tests: Tests elsewhere that show it too, as ``file::name``.
        missing: What is not done, when something is not; begins with "not yet: ".
        critique: Where docs/critiques.md says so: words that stand there.
    """

    id: str
    ours: str
    events: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    missing: str = ""
    critique: str = ""

    @property
    def section(self) -> str:
        """The letter of its id; empty for a whole section."""
        return self.id[0] if self.id[0].isalpha() else ""

    @property
    def prefix(self) -> str:
        """How the names of its tests in this folder begin."""
        return PREFIXES.get(self.id, f"test_{self.id.lower()}_")


ROWS = (
    Row(
        "D1",
        "A report of a Windows account is accepted from a principal that the Domain names in `sources`, for "
        "accounts of that domain only, while `fromWindowsToAdapters` is on. The System's `sources` switches "
        "domain controllers and identity managers separately; both are on by default. Anything else is "
        "refused and recorded.",
        events=(
            "windowsChangeAccepted",
            "changeRefused",
            "sourceTypeRefused",
        ),
        tests=(
            "tests/unit/pipeline/test_intake.py::test_only_a_source_of_the_domain_may_report_for_it",
            "tests/unit/pipeline/test_intake.py::test_the_global_switches_refuse",
            "tests/behaviour/test_api_reports.py::test_a_stranger_may_not_report_for_a_domain_and_is_recorded",
            "tests/behaviour/test_api_reports.py::test_a_direction_that_is_switched_off_is_refused",
        ),
    ),
    Row(
        "D2",
        "A report of an external account needs `fromAdaptersToDatabase`, the adapter's `syncFromAdapter`, and a"
        " caller among the adapter's `access.users`. The credential database follows.",
        events=(
            "externalChangeAccepted",
            "changeRefused",
            "credentialUpdated",
        ),
        tests=(
            "tests/unit/pipeline/test_intake.py::test_only_a_user_of_the_adapter_may_report_for_it",
            "tests/unit/pipeline/test_intake.py::test_an_adapter_that_takes_no_changes_refuses_them",
            "tests/unit/pipeline/test_intake.py::test_the_global_switches_refuse",
            "tests/unit/pipeline/test_external_changes.py::test_partial_sync_updates_the_database_and_leaves_windows_alone",
        ),
    ),
    Row(
        "D3",
        "With `fromAdaptersToWindows` and the adapter's `changeWindowsPassword` as well, the Windows password "
        "follows, and after it the account's other external accounts.",
        events=(
            "deliveryCreated",
            "deliveryConfirmed",
        ),
        tests=(
            "tests/unit/pipeline/test_external_changes.py::test_full_sync_changes_windows_with_the_stored_old_password_and_the_others_follow",
            "tests/unit/pipeline/test_external_changes.py::test_the_global_switch_keeps_full_sync_off",
        ),
    ),
    Row(
        "D4",
        "The stored password becomes the Windows password at once, and when full sync has changed Windows."
        " `directPasswordSync` beside an adapter, or without one clear password field, is an error of the manifest.",
        events=("credentialUpdated",),
        tests=("tests/behaviour/test_administration.py::test_a1_direct_sync_and_an_adapter_exclude_each_other",),
    ),
    Row(
        "D5",
        "A disabled adapter refuses every report, sends nothing and is not connected to. A remote one is refused every "
        "call.",
        events=(
            "adapterCallRefused",
            "changeRefused",
            "mappingSkipped",
        ),
        tests=(
            "tests/behaviour/test_api_reports.py::test_a_disabled_adapter_refuses_every_report",
            "tests/unit/pipeline/test_operations.py::test_a_disabled_adapter_takes_no_part_until_it_is_enabled",
        ),
    ),
    Row(
        "D6",
        "An empty password is refused with a reason, and recorded; nothing about it is stored.",
        events=("changeRefused",),
        tests=(
            "tests/unit/pipeline/test_intake.py::test_a_password_that_cannot_be_one_is_refused_and_nothing_is_stored",
        ),
    ),
    Row(
        "D7",
        "`DOMAIN\\user` is the one form of a Windows account; anything else is refused. User principal names are"
        " not resolved.",
        tests=(
            "tests/behaviour/test_api_reports.py::test_an_account_that_is_none_of_the_domain_is_refused_without_repeating_it",
        ),
    ),
    Row(
        "M1",
        "Skipped with the reason `notAnApplicationUser`: neither the Windows account nor a group of it, nested "
        "and primary ones included, is in the application's `access.users`. Without `access.users` everybody that "
        "is mapped is followed. Routing asks no directory: it reads what was last told. A "
        "change waits while nobody has asked yet; when nothing was told, the reason is `applicationUsersUnknown`.",
        events=("mappingSkipped",),
        tests=(
            "tests/unit/pipeline/test_users.py::test_who_is_no_user_is_skipped_and_the_other_mappings_are_followed",
            "tests/unit/pipeline/test_users.py::test_while_a_name_was_never_read_the_reason_says_so",
            "tests/unit/pipeline/test_users.py::test_a_change_waits_no_longer_than_until_the_directory_did_not_answer",
        ),
    ),
    Row(
        "M2",
        "Skipped with the reason `mappingDisabled`; the account's other mappings are followed.",
        events=("mappingSkipped",),
    ),
    Row(
        "M3",
        "Skipped with the reason `applicationDisabled`.",
        events=("mappingSkipped",),
    ),
    Row(
        "M4",
        "Applications of type individual and group are followed; host groups, and applications without one "
        "clear password field, are skipped with `wrongApplicationType`. A change of a host group's account updates "
        "its stored credential, and Windows never. There is no config store.",
        events=(
            "mappingSkipped",
            "credentialUpdated",
        ),
        tests=(
            "tests/unit/pipeline/test_host_groups.py::test_a_change_of_one_account_updates_its_credential_alone",
            "tests/unit/pipeline/test_host_groups.py::test_a_credential_of_a_host_group_is_not_the_windows_password",
        ),
    ),
    Row(
        "M5",
        "Skipped with the reason `noAdapter`.",
        events=("mappingSkipped",),
    ),
    Row(
        "M6",
        "Skipped with `adapterDoesNotSend`, or `adapterDisabled`.",
        events=("mappingSkipped",),
    ),
    Row(
        "M7",
        "A plan that would let one Windows change reach two accounts of one adapter is held and shows the way. "
        "Should it come to that all the same, neither account is changed and the change fails. With "
        "`allowMappingConflicts` both are changed, and an event names them.",
        events=(
            "mappingConflict",
            "mappingConflictAllowed",
            "changeFailed",
        ),
        tests=(
            "tests/unit/pipeline/test_windows_changes.py::test_two_accounts_of_one_system_are_a_conflict_and_neither_is_changed",
            "tests/unit/pipeline/test_windows_changes.py::test_a_conflict_that_the_adapter_allows_changes_both",
            "tests/unit/planning/test_propagation.py::test_two_accounts_of_one_adapter_are_held",
        ),
    ),
    Row(
        "M8",
        "A plan with a way from one Windows account over a mapping to another one is held and shows the way, "
        "unless the adapters on it allow mapping conflicts. Then an event names the Windows accounts that share an "
        "external one. Our own write there is an echo and goes no further; a change that is made there is E12.",
        events=("mappingConflictAllowed",),
        tests=(
            "tests/unit/planning/test_propagation.py::test_a_chain_to_another_windows_account_is_held_and_its_way_is_shown",
            "tests/unit/planning/test_propagation.py::test_a_way_through_an_adapter_that_allows_conflicts_is_followed",
        ),
    ),
    Row(
        "E1",
        "Refused on arrival with `oldPasswordMissing`, unless the adapter says `verifyOldPassword: false`.",
        events=(
            "changeRefused",
            "externalChangeRefused",
        ),
        tests=(
            "tests/unit/pipeline/test_external_changes.py::test_a_report_without_the_old_password_is_refused_where_it_is_verified",
        ),
    ),
    Row(
        "E2",
        "Not taken over: `noStoredCredential`; the change fails.",
        events=(
            "externalChangeRefused",
            "changeFailed",
        ),
        tests=(
            "tests/unit/pipeline/test_external_changes.py::test_the_old_password_is_compared_with_the_stored_credential",
        ),
    ),
    Row(
        "E3",
        "Not taken over: `oldPasswordWrong`; the change fails. After five within the `dampingWindow` none is compared "
        "until it ends: `tooManyWrongPasswords`.",
        events=(
            "externalChangeRefused",
            "changeFailed",
            "oldPasswordsWrong",
        ),
        tests=(
            "tests/unit/pipeline/test_external_changes.py::test_the_old_password_is_compared_with_the_stored_credential",
            "tests/unit/pipeline/test_guessing.py::test_after_five_wrong_ones_even_the_right_one_is_refused",
        ),
    ),
    Row(
        "E4",
        "Skipped with `mappingDisabled`, `applicationDisabled`, or, as in M1, `notAnApplicationUser` or "
        "`applicationUsersUnknown`.",
        events=("mappingSkipped",),
        tests=(
            "tests/unit/pipeline/test_external_changes.py::test_disabled_mappings_are_skipped",
            "tests/unit/pipeline/test_users.py::test_an_external_change_updates_nothing_for_who_is_no_user",
        ),
    ),
    Row(
        "E5",
        "The change is discarded with `noMapping`, which its sender can read from the change.",
        events=("changeDiscarded",),
        tests=(
            "tests/unit/pipeline/test_external_changes.py::test_a_change_of_an_unmapped_external_account_has_no_effect",
        ),
    ),
    Row(
        "E6",
        "The external password in the credential database is the reported one, sealed.",
        events=("credentialUpdated",),
        tests=(
            "tests/unit/pipeline/test_external_changes.py::test_partial_sync_updates_the_database_and_leaves_windows_alone",
        ),
    ),
    Row(
        "E7",
        "Only the field that is the password is written. The others keep what they have, or stay absent; none "
        "is filled with a made-up value.",
        events=("credentialUpdated",),
        tests=("tests/behaviour/test_routing.py::test_m4_of_several_fields_the_one_marked_sync_is_the_password",),
    ),
    Row(
        "E8",
        "The Windows password is changed with the stored one as the old one; once Windows has confirmed it, the"
        " new one is stored. `passwordChange: reset` does without the old one.",
        events=(
            "deliveryConfirmed",
            "windowsPasswordStored",
        ),
        tests=(
            "tests/unit/pipeline/test_external_changes.py::test_full_sync_changes_windows_with_the_stored_old_password_and_the_others_follow",
            "tests/unit/pipeline/test_external_changes.py::test_full_sync_resets_where_the_domain_says_so",
        ),
    ),
    Row(
        "E9",
        "Windows is left alone with `noStoredWindowsPassword`; the change fails and says so.",
        events=(
            "windowsNotChanged",
            "changeFailed",
        ),
        tests=(
            "tests/unit/pipeline/test_external_changes.py::test_without_a_stored_windows_password_windows_is_not_changed_and_that_is_said",
        ),
    ),
    Row(
        "E10",
        "One try, then the stored Windows password is deleted and the delivery parked. One that was set "
        "meanwhile is kept.",
        events=(
            "windowsPasswordDeleted",
            "deliveryParked",
        ),
        tests=(
            "tests/unit/pipeline/test_external_changes.py::test_a_wrong_stored_windows_password_is_deleted_after_one_try",
            "tests/unit/pipeline/test_external_changes.py::test_a_stored_windows_password_that_was_set_meanwhile_is_kept",
        ),
    ),
    Row(
        "E11",
        "Windows is left alone with `externalUpdateFailed`.",
        events=(
            "windowsNotChanged",
            "changeFailed",
        ),
        tests=(
            "tests/unit/pipeline/test_external_changes.py::test_when_one_of_several_updates_fails_windows_is_not_changed",
        ),
    ),
    Row(
        "E12",
        "Such a plan is held and shows the way. Should it come to that all the same, no Windows account is "
        "changed and the change fails. With `allowMappingConflicts` all of them are, and an event names them.",
        events=(
            "mappingConflict",
            "mappingConflictAllowed",
            "windowsNotChanged",
        ),
        tests=(
            "tests/unit/pipeline/test_external_changes.py::test_an_account_mapped_to_two_windows_accounts_changes_neither_unless_allowed",
            "tests/unit/pipeline/test_external_changes.py::test_a_chain_back_to_another_account_of_the_same_system_is_prevented",
            "tests/unit/planning/test_propagation.py::test_an_external_change_that_would_reach_two_windows_accounts_is_held",
        ),
    ),
    Row(
        "E13",
        "`credentials set` on a mapping with full sync stores the Windows password too.",
        events=(
            "credentialSet",
            "windowsPasswordStored",
        ),
        tests=(
            "tests/unit/pipeline/test_external_changes.py::test_administrators_give_full_sync_its_first_old_password",
        ),
    ),
    Row(
        "T1",
        "A report of the password that is in force is discarded, whenever it comes. One that differs never is, "
        "however soon: A, B, A are three changes.",
        events=("changeDamped",),
        tests=("tests/unit/pipeline/test_damping.py::test_a_b_a_within_seconds_are_three_changes",),
    ),
    Row(
        "T2",
        "A change is not sent to the account that reported it, and not to one that has the password already. "
        "What we write is remembered before it is written, so its report is recognised.",
        events=(
            "changeDamped",
            "mappingSkipped",
        ),
        tests=(
            "tests/system/test_echo.py::test_t2_our_write_to_windows_is_captured_again_and_damped_and_a_change_two_seconds_later_goes_through",
        ),
    ),
    Row(
        "T3",
        "Refused on arrival; discarded before routing and from the queue, wherever it waits there: also what is "
        "parked, and what is for a target that is away or an adapter that is disabled.",
        events=(
            "changeRefused",
            "changeDiscarded",
            "deliveryExpired",
        ),
        tests=(
            "tests/unit/pipeline/test_windows_changes.py::test_a_change_older_than_the_maximum_sync_age_is_discarded_from_the_queue",
            "tests/unit/pipeline/test_housekeeping.py::test_a_parked_delivery_is_given_up_at_the_sync_age_and_forgets_its_password",
            "tests/unit/pipeline/test_housekeeping.py::test_the_queue_of_an_adapter_that_takes_no_part_expires",
            "tests/behaviour/test_outage.py::test_after_72_hours_what_is_older_than_the_sync_age_has_expired_and_said_so",
        ),
    ),
    Row(
        "T4",
        "Discarded as stale: by the order in which the store accepted them, and by the source's own times where"
        " it tells them.",
        events=("changeStale",),
        tests=(
            "tests/unit/pipeline/test_damping.py::test_a_report_older_than_the_last_by_the_source_s_own_time_is_stale",
        ),
    ),
    Row(
        "T5",
        "The store's clock decides; with PostgreSQL that is the server's. A source's time is evidence, and "
        "never later than now.",
    ),
    Row(
        "T6",
        "The tracking ID that the sender gets is on every event, delivery and stored credential of the change.",
        events=(
            "windowsChangeAccepted",
            "externalChangeAccepted",
            "changeCompleted",
        ),
    ),
    Row(
        "Q1",
        "The sender gets its tracking ID after the commit, which is synced to disk.",
        events=(
            "windowsChangeAccepted",
            "externalChangeAccepted",
        ),
        tests=(
            "tests/system/test_kill.py::test_a_controller_killed_at_random_moments_loses_nothing",
            "tests/behaviour/test_api_server.py::test_what_was_answered_with_202_survives_a_kill",
        ),
    ),
    Row(
        "Q2",
        "The credential database is updated in the transaction that settles the confirmed delivery, never before.",
        events=(
            "deliveryConfirmed",
            "credentialUpdated",
        ),
        tests=(
            "tests/unit/pipeline/test_windows_changes.py::test_the_stored_credential_stays_until_the_target_has_confirmed",
        ),
    ),
    Row(
        "Q3",
        "5 tries from 1 minute on, twice as long each time, at most 30 minutes, with jitter, per adapter. Then "
        "the delivery is parked with the target's words, sealed until the sync age, and can be retried or "
        "discarded; then it expires. A target that is away costs no tries.",
        events=(
            "deliveryRetrying",
            "deliveryParked",
            "deliveryRetried",
            "deliveryDiscarded",
        ),
        tests=(
            "tests/unit/pipeline/test_delivering.py::test_a_busy_target_is_tried_again_later_each_time_twice_as_late",
            "tests/unit/pipeline/test_delivering.py::test_after_the_last_try_it_is_parked_with_the_target_s_words",
            "tests/unit/pipeline/test_delivering.py::test_a_target_that_is_away_burns_no_retries_and_all_goes_out_when_it_is_back",
            "tests/behaviour/test_outage.py::test_the_attempts_of_an_outage_are_bounded_however_often_the_lane_is_looked_at",
            "tests/unit/pipeline/test_operations.py::test_a_retried_delivery_has_all_its_tries_again_and_its_change_is_open",
        ),
    ),
    Row(
        "Q4",
        "`maxPending`, 8 unless declared, bounds what is under way at once per adapter.",
        tests=("tests/unit/pipeline/test_delivering.py::test_no_more_than_the_adapter_allows_are_outstanding",),
    ),
    Row(
        "Q5",
        "Deliveries wait for a target that is away, up to the sync age. With `storeWhenOffline: false` they are given "
        "up with the code `adapterOffline`: new ones at once, queued ones within a minute, all but one that finds out "
        "when the target is back.",
        events=("deliveryExpired",),
        tests=(
            "tests/unit/pipeline/test_delivering.py::test_a_target_that_is_away_burns_no_retries_and_all_goes_out_when_it_is_back",
            "tests/unit/pipeline/test_offline.py::test_while_it_is_offline_only_the_first_change_is_queued_as_the_trial",
            "tests/unit/pipeline/test_offline.py::test_a_newer_change_of_the_same_account_takes_the_trial_s_place",
            "tests/behaviour/test_outage.py::test_72_hours_without_a_target_end_with_the_newest_passwords_everywhere",
        ),
    ),
    Row(
        "Q6",
        "A remote adapter that completes what it was never handed gets 404 `trackingIdUnknown`, which is recorded. "
        "Completing twice is answered alike. Unknown names of deliveries are an error of `deliveries retry` and "
        "`discard`.",
        events=("adapterCallRefused",),
        tests=("tests/unit/pipeline/test_operations.py::test_a_change_is_named_by_its_tracking_id_too",),
    ),
    Row(
        "Q7",
        "Without a session every call of a remote adapter is answered with 409 `wrongState`; in one that a newer "
        "process has replaced, with 409 `wrongSession`. Both are recorded.",
        events=(
            "adapterConnected",
            "adapterDisconnected",
            "adapterCallRefused",
        ),
        tests=(
            "tests/unit/pipeline/test_sessions.py::test_a_replaced_session_is_the_wrong_one_for_every_call",
            "tests/behaviour/test_sdk.py::test_interface_with_the_kit_a_replaced_process_ends",
        ),
    ),
    Row(
        "Q8",
        "Whether a target is away is known from the connections to it: its lane waits, and `status` says since when "
        "and why. A remote adapter reports it, with code and message, is asked for it, and is offline when it makes no "
        "call for 3 minutes. While it is offline it is handed nothing.",
        events=(
            "adapterOffline",
            "adapterOnline",
        ),
        tests=(
            "tests/unit/pipeline/test_delivering.py::test_while_a_target_is_away_its_lane_waits_as_one",
            "tests/unit/pipeline/test_lanes.py::test_after_a_restart_a_lane_stays_offline_until_an_attempt_proves_otherwise",
            "tests/unit/cli/test_objects.py::test_status_shows_which_targets_are_away",
        ),
    ),
    Row(
        "Q9",
        "`adapter reset` empties the queue of one adapter, parked deliveries too; `reset damping` forgets which"
        " passwords are in force. There is no reset of all adapters at once.",
        events=(
            "adapterReset",
            "dampingReset",
            "deliveryDiscarded",
        ),
        tests=(
            "tests/unit/pipeline/test_operations.py::test_a_reset_empties_the_queue_of_one_adapter",
            "tests/unit/pipeline/test_operations.py::test_after_a_reset_of_the_damping_an_echo_is_a_change_and_does_no_harm",
        ),
    ),
    Row(
        "Q10",
        "A newer change takes older deliveries of its accounts out of the queue, waiting or parked. Per account"
        " one is under way at a time.",
        events=("deliverySuperseded",),
        tests=(
            "tests/unit/pipeline/test_windows_changes.py::test_a_newer_change_supersedes_a_pending_older_one",
            "tests/unit/pipeline/test_windows_changes.py::test_a_newer_change_supersedes_a_parked_older_one",
        ),
    ),
    Row(
        "Q11",
        "An adapter reports that an account's password has expired: what is stored of it is marked until the next "
        "password. `credentials show` and `describe mapping` tell.",
        events=("passwordExpired",),
        tests=("tests/unit/pipeline/test_expiring.py::test_the_next_password_takes_the_mark_away",),
    ),
    Row(
        "R1",
        "While the store is away, `pwsync run` keeps changes in sealed, synced files and takes them over "
        "afterwards, in their order. What was taken over is noted, so a second outage resumes there.",
        events=(
            "changeReplayed",
            "replayFinished",
        ),
        tests=(
            "tests/unit/pipeline/test_replay.py::test_a_change_accepted_without_the_store_is_delivered_under_the_tracking_id_given",
            "tests/unit/pipeline/test_replay.py::test_a_second_outage_during_replay_loses_nothing",
            "tests/unit/replay/test_log.py::test_a_second_reading_resumes_where_the_first_one_stopped",
        ),
    ),
    Row(
        "R2",
        "The folder is `replay/` of the state directory. Files are for their owner alone; one whose owner or "
        "mode has changed is set aside unread.",
        events=("replayFileUntrusted",),
        tests=(
            "tests/unit/replay/test_log.py::test_a_file_that_others_may_have_touched_is_not_trusted",
            "tests/unit/replay/test_log.py::test_a_folder_that_others_may_enter_is_refused_at_once_and_later",
        ),
    ),
    Row(
        "R3",
        "The changes before the damage are taken over, the file is set aside under another name, and the next "
        "one goes on. A file that was cut is damaged, wherever the cut is; what a crash leaves of a change that nobody "
        "was promised is not.",
        events=("replayFileDamaged",),
        tests=(
            "tests/unit/replay/test_log.py::test_cut_off_anywhere_the_records_before_are_read_and_the_next_file_goes_on",
            "tests/unit/replay/test_log.py::test_with_any_byte_altered_the_records_before_are_read_and_the_next_file_goes_on",
            "tests/unit/replay/test_log.py::test_what_a_crash_leaves_of_a_record_that_was_never_promised_is_no_damage",
        ),
    ),
    Row(
        "R4",
        "The changes of such a file are discarded, each with its event, and the file is deleted.",
        events=(
            "replayFileExpired",
            "changeDiscarded",
        ),
        tests=(
            "tests/unit/pipeline/test_replay.py::test_a_file_older_than_the_sync_age_is_deleted_and_each_of_its_changes_accounted_for",
            "tests/behaviour/test_outage.py::test_after_72_hours_without_the_store_what_is_younger_than_the_sync_age_is_taken_over",
        ),
    ),
    Row(
        "R5",
        "The caller's right is checked when the change is kept and once more when it is taken over.",
        events=(
            "replayRefused",
            "changeFailed",
        ),
        tests=("tests/unit/pipeline/test_replay.py::test_a_right_that_was_withdrawn_during_the_outage_counts",),
    ),
    Row(
        "R6",
        "Windows changes are kept too. When nothing can take a change durably, its sender is told to come again.",
        events=("replayNotKept",),
        tests=(
            "tests/unit/pipeline/test_replay.py::test_a_sender_is_told_when_nothing_can_take_the_change_and_it_is_recorded_later",
            "tests/unit/replay/test_log.py::test_with_a_full_disk_at_any_write_what_was_promised_is_there_and_nothing_else",
        ),
    ),
    Row(
        "A1",
        "An Application names one adapter and an Adapter one group; more is an error of the manifest. A group is an "
        "object of its own; an Adapter of the same name is its group adapter, which is a remote one and has neither "
        "applications nor a part in sync.",
        events=("groupTold",),
        tests=(
            "tests/unit/pipeline/test_membership.py::test_whatever_the_store_says_it_is_handed_no_password",
            "tests/unit/pipeline/test_membership.py::test_whatever_the_store_says_it_reports_nothing",
        ),
    ),
    Row(
        "A2",
        "Only the group has a computer, so its members cannot have another. It is said to people and binds nobody: "
        "an adapter is who holds its token, on whatever computer (see the critiques).",
    ),
    Row(
        "A3",
        "A plan takes both away in the right order. What manifests still name cannot be taken away.",
    ),
    Row(
        "A4",
        "The first field is the user id. An application with an adapter has two fields, or exactly one marked "
        "`sync`; anything else is an error of the manifest.",
    ),
    Row(
        "A5",
        "The plan shows another type or other fields as a replacement. It is held while there are mappings, and"
        " needs `--force`, since the stored credentials go.",
        events=(
            "planHeld",
            "planApplied",
        ),
    ),
    Row(
        "A6",
        "A second mapping of either account in an individual application is an error that names both places. "
        "Another external account is one change in the plan, from the old one to the new one. In a group "
        "application each Windows account is mapped once, and all of them to one external account.",
        tests=(
            "tests/unit/manifests/test_cross_checks.py::test_an_individual_application_maps_one_to_one",
            "tests/unit/manifests/test_cross_checks.py::test_a_group_application_has_one_external_account",
            "tests/sessions/test_application_types.py::test_changes_of_each_type_are_planned_as_what_they_are",
        ),
    ),
    Row(
        "A7",
        "Built-in accounts and Everyone are refused, and so is what is not `DOMAIN\\user` of a declared Domain.",
    ),
    Row(
        "A8",
        "A host group has one Windows account and many external accounts, each mapped once and with its own stored "
        "credential. A second Windows account, or an external account mapped twice, is an error that names both "
        "places.",
        tests=(
            "tests/unit/manifests/test_cross_checks.py::test_a_host_group_application_maps_many_external_accounts_each_once",
            "tests/sessions/test_application_types.py::test_applications_of_all_types_from_their_manifests_to_their_credentials",
        ),
    ),
    Row(
        "A9",
        "Passwords of more than 256 characters are refused. Backup passwords have at least 12.",
        events=("keyringBackedUp",),
        tests=("tests/unit/sealing/test_backup.py::test_a_short_password_is_refused",),
    ),
    Row(
        "A10",
        "`enabled: true` is the default of manifests, because a manifest states the wanted end.",
    ),
    Row(
        "A11",
        "Whoever holds the key of the installation applies, and is written down in the audit. No token changes "
        "objects: who may change which is decided where the manifests are reviewed (see the critiques). An "
        "adapter's administrators see and retry its deliveries on the status page, and nobody else's. Over the API "
        "they read what is theirs, and so do an application's.",
        events=("planApplied", "pageRefused", "callRefused"),
        tests=(
            "tests/behaviour/test_roles.py::test_each_role_may_do_what_the_table_says_and_nothing_else",
            "tests/behaviour/test_roles.py::test_changes_are_narrowed_to_what_is_one_s_own",
            "tests/unit/web/pages/test_parked.py::test_an_adapter_s_administrator_sees_and_retries_its_deliveries_alone",
            "tests/unit/web/pages/test_parked.py::test_an_adapter_s_administrator_discards_nothing",
        ),
    ),
    Row(
        "A12",
        "Such a flag is a warning of `validate` and of the plan, with the place of the flag. `run` tells of it at its "
        "start, and when an apply brings a new one.",
        events=("flagsWithoutEffect",),
        tests=(
            "tests/unit/reconcile/test_flags.py::test_a_round_that_applies_tells_at_once",
            "tests/unit/reconcile/test_flags.py::test_what_is_in_force_is_told_of_although_the_manifests_cannot_be_read",
        ),
    ),
    Row(
        "A13",
        "`access.users` of an Application names Windows accounts and groups. After each round of the reconcile loop, "
        "and before each apply, the domain's directory is asked who they are. A mapping of anybody else may be "
        "declared, but is skipped. While the directory is away, or a group has lost more members than "
        "`maxPrunePercent`, the last answer stays in force; plan and status say so.",
        events=(
            "mappingSkipped",
            "windowsGroupChanged",
            "windowsGroupUnread",
            "windowsGroupHeld",
        ),
        tests=(
            "tests/contracts/connectors/test_group_members.py::test_users_of_nested_groups_are_members",
            "tests/contracts/connectors/test_group_members.py::test_the_primary_group_counts_also_inside_another",
            "tests/unit/reconcile/test_users.py::test_a_domain_without_a_directory_is_not_asked_and_fails_closed",
        ),
    ),
    Row(
        "8",
        "Attributes of an adapter have the reference system's names and defaults, but `enabled` is on. The "
        "three directions of the System are off. Deleted applications, deleted mappings and look-ups of "
        "credentials are kept in trails of the audit, 1000 rows each; levels 0 to 3 say what else is audited, of "
        "successes and of failures.",
    ),
    Row(
        "9",
        "The notation is read as it is, and written again by exports; a structured form says the same. A broken"
        " filter is an error of the manifest. One that leaves no usable password fails the change: nothing is "
        "sent unfiltered. A plan that brings or changes one shows what it does to made-up passwords.",
        events=(
            "filterUnusable",
            "changeFailed",
        ),
        tests=(
            "tests/unit/planning/test_filter_trials.py::test_a_plan_that_changes_the_filter_or_the_adapter_shows_it_too",
            "tests/unit/model/test_filters.py::test_rules_do_what_their_notation_says",
            "tests/unit/model/test_filters.py::test_a_mistake_in_the_notation_is_told_with_its_position",
            "tests/unit/pipeline/test_windows_changes.py::test_an_unusable_filter_fails_the_change_and_nothing_is_sent",
        ),
    ),
    Row(
        "10",
        "A remote adapter initializes (told whether it reconnects), receives with or without waiting, completes, "
        "reports changes, status and expired passwords, and shuts down. In each controller one receiver of an adapter "
        "waits: a second one ends the first, which is answered that there is nothing. The controller never calls it. A "
        "group adapter is told all adapters in its group, then which one comes or goes, and never handed a password. "
        "There is a kit in Python, and an example without it in JavaScript. What became of a report is read by its "
        "tracking ID. There are no flags (see the critiques).",
        events=(
            "adapterConnected",
            "adapterDisconnected",
            "adapterCallRefused",
            "deliveryHandedOut",
            "lateWrite",
            "groupTold",
        ),
        tests=(
            "tests/behaviour/test_api_reports.py::test_a_windows_report_is_answered_with_a_tracking_id",
            "tests/sessions/test_remote_adapter.py::test_a_change_reaches_the_adapter_and_the_stored_credential_follows",
            "tests/sessions/test_remote_adapter.py::test_a_waiting_group_adapter_is_told_of_what_is_applied_elsewhere",
        ),
    ),
    Row(
        "11",
        "Mappings come one by one, in sets, from CSV files, and by rule from the domain's directory (`MappingRule`): a "
        "search, the attribute of the external account, its case, and `create`, `delete` and `deleteAll`. What is "
        "declared wins. What is not clear changes nothing, and an answer that is missing or empty deletes nothing.",
        events=("mappingRuleUnread", "mappingRuleUnclear"),
        tests=(
            "tests/unit/manifests/test_mapping_sets.py::test_a_csv_file_is_read_in_the_order_of_accounts",
            "tests/unit/reconcile/test_rules.py::test_while_the_directory_is_away_everything_stays",
            "tests/unit/reconcile/test_rules.py::test_an_answer_without_anybody_holds_the_plan",
            (
                "tests/contracts/connectors/test_account_directory.py"
                "::test_active_directory_tells_who_matches_and_later_what_changed"
            ),
            "tests/system/test_mapping_rules.py::test_a_rule_maps_whom_openldap_tells_and_a_person_sees_why",
        ),
    ),
)
