"""The columns that every results file adds to the analyst's own, with what each one means.

Exports write them in this order; intake recognises and drops them, so that a results file can be
fed back as input. A column of the input that is named like one of them is written as
`input_<name>`. Dates are MM/DD/YYYY, money is US dollars, several values in one cell are joined
by ` | `.
"""

from collections.abc import Collection

_INPUT_PREFIX = "input_"

# What an analyst works with.
WORK_COLUMNS: dict[str, str] = {
    "row_number": "Number of the input row, counted from 1 without the header.",
    "outcome": "found, not_found, ambiguous, rejected, failed or unprocessed.",
    "claim_status": "The claim's status, in our words. REJECTED is the payer's, rejected a row's.",
    "next_action": "What to do next, in plain words.",
    "denial_category": "What kind of denial it is, in our words; denied in whole or in part.",
    "denial_codes": "Codes (CARC) of the payer's reasons for not paying, largest amount first.",
    "denial_reasons": "The payer's reasons for not paying.",
    "remark_codes": "Codes of the payer's remarks.",
    "total_charged": "What the practice charged.",
    "open_amount": "What can still be won: charged on open claims, not covered of denied lines.",
    "total_paid": "What the payer paid.",
    "patient_responsibility": "What the patient owes.",
    "service_from": "First day of service.",
    "service_to": "Last day of service.",
    "payer_claim_number": "The payer's number for the claim.",
    "payment_number": "Number of the check or electronic transfer.",
    "payment_date": "Day on which the payment was issued.",
    "days_since_processed": "Days from the payer's decision to the day of the check.",
    "match_note": "What differs between the row and the claim, or why the match is in doubt.",
    "error_message": "What went wrong with the row, and what to do.",
}
# Where it comes from, and what else the payer said.
_FURTHER_COLUMNS: dict[str, str] = {
    "primary": "Y on exactly one line of each input row, so that a filter gives the input back.",
    "same_claim_as_row": "The first row that shows the same claim; empty once for each claim.",
    "match_number": "Which of the row's claims this line shows, counted from 1.",
    "match_count": "How many claims answer the row.",
    "matched_by": "What the claim was matched by: its number, the account number or the patient.",
    "payer_patient_account_number": "The patient account number, as the payer has it.",
    "payer_patient_first_name": "The patient's first name, as the payer has it.",
    "payer_patient_last_name": "The patient's last name, as the payer has it.",
    "payer_date_of_birth": "The patient's date of birth, as the payer has it.",
    "payer_subscriber_id": "The subscriber's id, as the payer has it.",
    "practice_id": "The practice's id in your list of practices.",
    "tin": "The practice's tax id (TIN).",
    "payer": "Short name of the payer that was asked.",
    "payer_id": "Id of the payer that was asked.",
    "channel": "The way by which the payer was asked.",
    "claim_type": "The payer's type of claim.",
    "network_status": "Whether the provider was in the payer's network.",
    "rendering_provider": "Who rendered the service.",
    "received_date": "Day on which the payer received the claim.",
    "processed_date": "Day on which the payer last processed the claim.",
    "days_since_received": "Days from receipt to the day of the check.",
    "status_category_code": "The payer's claim status category code.",
    "status_code": "The payer's claim status code.",
    "status_description": "The payer's description of the status.",
    "status_details": "Further statuses, where the claim has several.",
    "remarks": "The payer's remarks.",
    "partial_denial": "Whether some lines of the claim were denied and others were not.",
    "total_allowed": "What the payer allowed.",
    "provider_write_off": "What the practice writes off.",
    "not_covered": "What the plan does not cover.",
    "deductible": "The patient's deductible.",
    "copay": "The patient's copay.",
    "coinsurance": "The patient's coinsurance.",
    "payment_kind": "Check or electronic transfer.",
    "payment_amount": "This claim's part of the payment.",
    "payment_total": "The whole payment, which may cover other claims.",
    "reconciled": "Whether lines, payments and the paid total agree; empty when not comparable.",
    "previous_status": "What the claim's status was before this check, if it is followed.",
    "changed": "What this check told: new, status, amount or same. Empty if it is not followed.",
    "status_since": "Day since which the claim has stood so, as far as it was followed.",
    "checks": "How many times the payer has answered about the claim since it is followed.",
    "act_by": "Last day to act, by your organization's rules. Empty without a rule.",
    "days_left": "Days from the check to that day; negative when it has passed.",
    "deadline_rule": "The rule that the day comes from.",
    "chosen_claim": "Y on the claim that a person chose, N on those turned down; fill it in.",
    "tracked_claim": "The id of the followed claim.",
    "searched_from": "First service day that was searched.",
    "searched_to": "Last service day that was searched.",
    "search": "How the answer was found: sweep or single.",
    "detail_error": "Why the claim's detail could not be fetched, if it could not.",
    "payer_environment": "Which payer environment answered; a sandbox says so.",
    "success": "Whether the row was found or is ambiguous.",
    "error_code": "Stable code of what went wrong with the row.",
    "error_column": "The column with the error, of a rejected row.",
    "checked_at_utc": "When the answer was given (UTC).",
}
RESULT_COLUMNS: dict[str, str] = WORK_COLUMNS | _FURTHER_COLUMNS

# One line of `lines.csv` for each service line of each claim that a row shows.
LINE_COLUMNS: dict[str, str] = {
    "row_number": "Number of the input row that shows the claim.",
    "payer_claim_number": "The payer's number for the claim.",
    "claim_status": "The claim's status, as in the results.",
    "same_claim_as_row": "The first row that shows the same claim. Empty once for each claim.",
    "line_number": "Number of the service line on the claim.",
    "service_from": "First day of service of the line.",
    "service_to": "Last day of service of the line.",
    "procedure": "Procedure code.",
    "modifiers": "Modifiers of the procedure.",
    "revenue_code": "Revenue code.",
    "units": "Units, as the payer writes them.",
    "charged": "What the practice charged for the line.",
    "allowed": "What the payer allowed.",
    "paid": "What the payer paid.",
    "not_covered": "What the plan does not cover.",
    "denied": "Y where nothing was allowed, for a reason that is no mere adjustment.",
    "group_codes": "CO (practice), PR (patient), OA or PI, for each of the codes beside it.",
    "adjustment_codes": "CARC codes, adjustments of the contract (such as 45) among them.",
    "adjustment_reasons": "The payer's words for them.",
    "remark_codes": "RARC and other remark codes.",
    "remarks": "The payer's words for them.",
}

# One line for each change that was told of a followed claim.
CHANGE_COLUMNS: dict[str, str] = {
    "change_number": "Rises with every change; give the highest to ask for what came later.",
    "changed": "What has changed: status or amount.",
    "previous_status": "What the claim's status was before.",
    "claim_status": "What it is now; in lower case what became of a row without a claim.",
    "next_action": "What to do next, in plain words.",
    "last_name": "The patient's last name, as the row has it.",
    "first_name": "The patient's first name, as the row has it.",
    "date_of_birth": "The patient's date of birth.",
    "payer_claim_number": "The payer's number for the claim, or the one that the row names.",
    "patient_account_number": "Your account number for the patient.",
    "service_from": "First day of service.",
    "service_to": "Last day of service.",
    "practice_id": "The practice's id in your list of practices.",
    "tin": "The practice's tax id (TIN).",
    "payer": "Short name of the payer.",
    "total_charged": "What the practice charged.",
    "open_amount": "What can still be won.",
    "total_paid": "What the payer paid.",
    "patient_responsibility": "What the patient owes.",
    "denial_codes": "Codes (CARC) of the payer's reasons for not paying.",
    "remark_codes": "Codes of the payer's remarks.",
    "act_by": "Last day to act, by your organization's rules.",
    "deadline_rule": "The rule that the day comes from.",
    "owner": "Who works the claim.",
    "changed_at_utc": "When the payer answered so (UTC).",
    "tracked_claim": "The id of the followed claim.",
}

# One line for each followed claim.
TRACKED_COLUMNS: dict[str, str] = {
    "last_name": "The patient's last name, as the row has it.",
    "first_name": "The patient's first name, as the row has it.",
    "date_of_birth": "The patient's date of birth.",
    "claim_number": "The payer's number for the claim, or the one that the row names.",
    "patient_account_number": "Your account number for the patient.",
    "claim_status": "The claim's status; in lower case what became of a row without a claim.",
    "next_action": "What to do next, in plain words.",
    "open_amount": "What can still be won.",
    "act_by": "Last day to act, by your organization's rules.",
    "days_left": "Days from today to that day; negative when it has passed.",
    "owner": "Who works the claim.",
    "follow_up_on": "The day on which somebody wants to be at it again.",
    "done": "Y when somebody has done what there was to do; until the status changes.",
    "service_from": "First day of service.",
    "service_to": "Last day of service.",
    "practice_id": "The practice's id in your list of practices.",
    "tin": "The practice's tax id (TIN).",
    "payer": "Short name of the payer.",
    "total_charged": "What the practice charged.",
    "total_paid": "What the payer paid.",
    "patient_responsibility": "What the patient owes.",
    "denial_category": "What kind of denial it is, in our words.",
    "denial_codes": "Codes (CARC) of the payer's reasons for not paying.",
    "remark_codes": "Codes of the payer's remarks.",
    "processed_date": "Day on which the payer last processed the claim.",
    "previous_status": "What the status was before the latest one.",
    "status_since": "Day since which the claim has stood so, as far as it was followed.",
    "checks": "How many times the payer has answered about it.",
    "last_checked_utc": "When the payer last answered (UTC).",
    "next_check_on": "The day on which it is asked again; empty when it is not.",
    "deadline_rule": "The rule that the last day to act comes from.",
    "notes": "What was noted, newest first.",
    "tracked_claim": "The id of the followed claim.",
}


def written_name(name: str, ours: Collection[str]) -> str:
    """The name under which a column of the input stands beside columns of ours."""
    return f"{_INPUT_PREFIX}{name}" if name.strip().lower() in ours else name


def original_name(name: str, ours: Collection[str]) -> str:
    """The column's name before `written_name`."""
    original = name.removeprefix(_INPUT_PREFIX)
    return original if original.strip().lower() in ours else name
