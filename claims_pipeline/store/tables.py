"""All tables, one schema for SQLite and PostgreSQL.

Every table that holds a patient's data carries `organization_id`. What people see of an upload
stands on `uploads`; who works on it stands on `attempts`; how far it is stands on `requests` and
`queries` and is written in the same transaction as the answers.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from claims_pipeline.model import DEFAULT_PAYER
from claims_pipeline.store.types import Money, UtcInstant

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_ID = String(36)
_BIG = BigInteger().with_variant(Integer, "sqlite")


def _organization() -> "Column[str]":
    return Column("organization_id", String(64), ForeignKey("organizations.id"), nullable=False)


def _upload() -> "Column[str]":
    return Column("upload_id", _ID, ForeignKey("uploads.id", ondelete="CASCADE"), nullable=False)


organizations = Table(
    "organizations",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    # The identity provider's id of it; without one its alias there is our id.
    Column("identity_id", String(64)),
    Column("created_at", UtcInstant, nullable=False),
    Index("uq_organizations_identity_id", "identity_id", unique=True),
)

practices = Table(
    "practices",
    metadata,
    Column("organization_id", String(64), ForeignKey("organizations.id"), primary_key=True),
    Column("practice_id", String(64), primary_key=True),
    Column("tin", String(9), nullable=False),
    Column("name", Text, nullable=False),
    Column("payer_id", String(32)),
    Column("is_default", Boolean, nullable=False, default=False),
    Column("npi", String(10)),
    Column("wire_name", Text),  # what payers know it by, where that is another name
)

payers = Table(
    "payers",
    metadata,
    # Which payers an organization's files may name, and through which channel each is asked.
    Column("organization_id", String(64), ForeignKey("organizations.id"), primary_key=True),
    Column("payer", String(32), primary_key=True),
    Column("payer_id", String(32), nullable=False),
    Column("name", Text, nullable=False),
    Column("aliases", JSON, nullable=False),
    Column("channel", String(32), nullable=False),
    Column("channel_payer_id", String(32)),
    Column("timezone", String(64)),
    Column("active", Boolean, nullable=False),
    UniqueConstraint("organization_id", "payer_id"),
)

column_decisions = Table(
    "column_decisions",
    metadata,
    # What people decided about the columns of a header, by the set of its names.
    Column("organization_id", String(64), ForeignKey("organizations.id"), primary_key=True),
    Column("header_digest", String(64), primary_key=True),
    Column("column_map", JSON, nullable=False),
    Column("decided_at", UtcInstant, nullable=False),
)

uploads = Table(
    "uploads",
    metadata,
    Column("id", _ID, primary_key=True),
    _organization(),
    Column("payer", String(32), nullable=False),
    Column("source", String(16), nullable=False),  # inbox, cli, api, follow_up
    Column("status", String(16), nullable=False),
    Column("file_name", Text, nullable=False),  # PHI
    Column("file_key", Text, nullable=False),
    Column("file_size", _BIG, nullable=False),
    Column("file_sha256", String(64), nullable=False),
    Column("duplicate_of", _ID),
    Column("user_id", String(128)),
    Column("user_email", Text),
    Column("use_sweeps", Boolean, nullable=False),
    Column("start_date", Date),
    Column("end_date", Date),
    Column("detail_level", String(16), nullable=False),
    Column("follow_up", Boolean),  # None: as the organization has it
    Column("header", JSON(none_as_null=True)),  # the file's own column names, in order
    Column("attempt", Integer, nullable=False),  # the latest one's number
    # Records as the reader counted them, never as they were stored; None until they are read.
    Column("record_count", Integer),
    Column("left_out_count", Integer, nullable=False, server_default="0"),
    Column("left_out", JSON(none_as_null=True)),  # the first of them: [line number, reason]
    Column("total_rows", Integer, nullable=False, default=0),
    Column("found_count", Integer, nullable=False, default=0),
    Column("not_found_count", Integer, nullable=False, default=0),
    Column("ambiguous_count", Integer, nullable=False, default=0),
    Column("rejected_count", Integer, nullable=False, default=0),
    Column("failed_count", Integer, nullable=False, default=0),
    Column("unprocessed_count", Integer, nullable=False, default=0),
    Column("error_code", String(64)),
    Column("error_message", Text),
    Column("outbox_name", Text),  # PHI: the stem of the outbox copies
    Column("created_at", UtcInstant, nullable=False),
    Column("updated_at", UtcInstant, nullable=False),
    Column("processing_started_at", UtcInstant),
    Column("processing_completed_at", UtcInstant),
    Index("ix_uploads_organization_id_created_at", "organization_id", "created_at"),
    Index("ix_uploads_status", "status"),
    Index("ix_uploads_organization_id_file_sha256", "organization_id", "file_sha256"),
)

attempts = Table(
    "attempts",
    metadata,
    Column("id", _ID, primary_key=True),
    _organization(),
    _upload(),
    Column("number", Integer, nullable=False),
    Column("scope", String(16), nullable=False),  # all, failed, not_found, open
    # pending (no run has acquired it), running, waiting (payer down), finished
    Column("state", String(16), nullable=False),
    Column("status", String(16)),  # the terminal UploadStatus once finished
    Column("holder_run_id", _ID),
    Column("heartbeat_at", UtcInstant),
    Column("step_is_held", Boolean, nullable=False, default=False),
    Column("rows_stored", Boolean, nullable=False, default=False),  # intake is complete
    Column("files_written_at", UtcInstant),
    Column("followed_at", UtcInstant),  # its answers are with the tracked claims
    Column("launch_ticket", _ID),
    Column("launched_at", UtcInstant),
    Column("cancel_requested_at", UtcInstant),
    Column("correlation_id", String(64)),  # of the HTTP request that asked for the attempt
    Column("waiting_reason", String(64)),
    Column("next_try_at", UtcInstant),
    Column("payer_down_since", UtcInstant),
    Column("answered_before", Integer, nullable=False, server_default="0"),  # rows, as it began
    # Rows with an outcome at two moments half a minute apart: what the time left is told from.
    Column("mark_at", UtcInstant),
    Column("mark_rows", Integer),
    Column("earlier_mark_at", UtcInstant),
    Column("earlier_mark_rows", Integer),
    Column("search_calls", Integer, nullable=False, default=0),
    Column("detail_calls", Integer, nullable=False, default=0),
    Column("payment_calls", Integer, nullable=False, default=0),
    Column("look_calls", Integer, nullable=False, server_default="0"),
    Column("one_per_row_calls", Integer, nullable=False, default=0),
    Column("unrelated_claims", Integer, nullable=False, default=0),
    Column("error_code", String(64)),
    Column("error_message", Text),
    Column("created_at", UtcInstant, nullable=False),
    Column("started_at", UtcInstant),
    Column("finished_at", UtcInstant),
    UniqueConstraint("upload_id", "number"),
    Index("ix_attempts_state", "state"),
)

attempt_runs = Table(
    "attempt_runs",
    metadata,
    Column("id", _ID, primary_key=True),
    _organization(),
    _upload(),
    Column("attempt_id", _ID, ForeignKey("attempts.id", ondelete="CASCADE"), nullable=False),
    # A launch hands its run a ticket, good for one run; the run's id is filled in as it acquires.
    Column("ticket", _ID),
    Column("run_id", _ID),
    Column("launched_at", UtcInstant),
    Column("acquired_at", UtcInstant),
    Column("let_go_at", UtcInstant),
    UniqueConstraint("ticket"),
    UniqueConstraint("run_id"),
    Index("ix_attempt_runs_attempt_id", "attempt_id"),
)

requests = Table(
    "requests",
    metadata,
    Column("upload_id", _ID, ForeignKey("uploads.id", ondelete="CASCADE"), primary_key=True),
    Column("row_number", Integer, primary_key=True),
    _organization(),
    Column("line_number", Integer, nullable=False),
    Column("practice_id", String(64), nullable=False),
    Column("tin", String(9), nullable=False),
    Column("payer", String(32), nullable=False, server_default=DEFAULT_PAYER),
    Column("payer_id", String(32), nullable=False),
    Column("first_name", Text, nullable=False),
    Column("last_name", Text, nullable=False),
    Column("date_of_birth", Date, nullable=False),
    Column("gender", String(1)),
    Column("patient_key", BigInteger, nullable=False),
    Column("claim_number", Text),
    Column("patient_account_number", Text),
    Column("subscriber_id", Text),
    Column("subscriber_first_name", Text),
    Column("subscriber_last_name", Text),
    Column("npi", String(10)),
    Column("service_from", Date),
    Column("service_to", Date),
    Column("total_charged", Money),
    Column("cells", JSON, nullable=False),
    Column("duplicate_of", Integer),
    # Progress of the latest attempt. `is_open`: no answer yet. `covered`: the windows that
    # complete answers have covered, as [[first, last], …] in ISO dates; `swept`: by sweeps.
    Column("is_open", Boolean, nullable=False),
    Column("covered", JSON(none_as_null=True)),
    Column("swept", JSON(none_as_null=True)),
    Column("single_only", Boolean, nullable=False, default=False),
    Index("ix_requests_open", "upload_id", "is_open", "tin", "payer_id"),
    # Few rows are duplicates, so the index holds only these.
    Index(
        "ix_requests_duplicate_of",
        "upload_id",
        "duplicate_of",
        sqlite_where=text("duplicate_of IS NOT NULL"),
        postgresql_where=text("duplicate_of IS NOT NULL"),
    ),
)

rejected_rows = Table(
    "rejected_rows",
    metadata,
    Column("upload_id", _ID, ForeignKey("uploads.id", ondelete="CASCADE"), primary_key=True),
    Column("row_number", Integer, primary_key=True),
    _organization(),
    Column("line_number", Integer, nullable=False),
    Column("column", String(64)),
    Column("code", String(64), nullable=False),
    Column("message", Text, nullable=False),
    Column("cells", JSON, nullable=False),
)

queries = Table(
    "queries",
    metadata,
    Column("id", _ID, primary_key=True),
    _organization(),
    _upload(),
    Column("attempt_id", _ID, ForeignKey("attempts.id", ondelete="CASCADE"), nullable=False),
    Column("position", Integer, nullable=False),  # order in which they are asked
    Column("kind", String(16), nullable=False),
    Column("tin", String(9), nullable=False),
    Column("payer_id", String(32), nullable=False),
    Column("window_first", Date, nullable=False),
    Column("window_last", Date, nullable=False),
    Column("row_numbers", JSON, nullable=False),  # a single's patient is its first row's
    Column("page_limit", Integer),
    Column("reason", Text, nullable=False, default=""),
    Column("state", String(16), nullable=False),  # planned, leased, submitted, settled, failed
    Column("reference", Text),  # of what was submitted: by it the answer is looked for
    Column("submitted_at", UtcInstant),
    Column("next_look_at", UtcInstant),
    Column("lease_token", _ID),
    Column("lease_run_id", _ID),  # leases of a run that lost the attempt are void at once
    Column("lease_expires_at", UtcInstant),
    Column("claims_seen", Integer),
    Column("pages", Integer),
    Column("complete", Boolean),
    Column("incomplete_reason", String(32)),
    Column("error_class", String(32)),
    Column("error_code", String(64)),
    Column("settled_at", UtcInstant),
    Index("ix_queries_attempt_id_state_position", "attempt_id", "state", "position"),
    Index("ix_queries_attempt_id_tin_payer_id_state", "attempt_id", "tin", "payer_id", "state"),
    Index(
        "ix_queries_reference",
        "reference",
        postgresql_where=text("reference IS NOT NULL"),
        sqlite_where=text("reference IS NOT NULL"),
    ),
)

results = Table(
    "results",
    metadata,
    Column("upload_id", _ID, ForeignKey("uploads.id", ondelete="CASCADE"), primary_key=True),
    Column("row_number", Integer, primary_key=True),
    Column("attempt", Integer, primary_key=True),
    _organization(),
    Column("is_current", Boolean, nullable=False),  # false: kept as history
    Column("outcome", String(16), nullable=False),
    Column("claim_status", String(32)),  # of the primary claim, for filters
    Column("next_action", Text),
    Column("matched_by", String(32)),
    Column("match_note", Text),
    Column("searched_from", Date),
    Column("searched_to", Date),
    Column("search", String(16)),
    Column("error_code", String(64)),
    Column("error_message", Text),
    Column("payer_environment", String(16)),
    Column("checked_at", UtcInstant, nullable=False),
    Index("ix_results_upload_id_is_current_outcome", "upload_id", "is_current", "outcome"),
    # Without it SQLite would look for a row's result among all results of its upload.
    Index("ix_results_upload_id_is_current_row_number", "upload_id", "is_current", "row_number"),
)

claims = Table(
    "claims",
    metadata,
    Column("upload_id", _ID, ForeignKey("uploads.id", ondelete="CASCADE"), primary_key=True),
    Column("row_number", Integer, primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("identity", String(64), primary_key=True),  # digest of Claim.identity and version
    _organization(),
    # 0 while the row waits for further queries; from 1, best first, once it has its result.
    Column("match_number", Integer, nullable=False),
    Column("is_primary", Boolean, nullable=False, default=False),
    Column("claim_status", String(32)),
    Column("next_action", Text),
    Column("total_charged", Money),
    Column("total_allowed", Money),
    Column("total_paid", Money),
    Column("service_from", Date),
    Column("processed", Date),
    # Of rows that have their result: the claim whatever its version, how much can still be won, and
    # why it was denied. `codes` are those of denials and remarks, with a blank around each.
    Column("claim_key", BigInteger),
    Column("open_amount", Money),
    Column("denial_category", String(32)),
    Column("denials", JSON(none_as_null=True)),
    Column("codes", Text),
    Column("match_note", Text),
    Column("body", JSON, nullable=False),  # the whole Claim, with its service lines
    # Finds the rows that show one claim without looking into the table.
    Index("ix_claims_claim_key", "upload_id", "claim_key", "row_number", "attempt"),
)

payer_calls = Table(
    "payer_calls",
    metadata,
    Column("id", _BIG, primary_key=True, autoincrement=True),
    _organization(),
    Column("payer", String(32), nullable=False),
    _upload(),
    Column("attempt_id", _ID, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("started_at", UtcInstant, nullable=False),
    Column("duration_s", Float, nullable=False),
    Column("http_status", Integer),
    Column("error_code", String(64)),
    Column("try_number", Integer, nullable=False),
    Index("ix_payer_calls_attempt_id", "attempt_id"),
)

payer_limits = Table(
    "payer_limits",
    metadata,
    Column("organization_id", String(64), primary_key=True),
    Column("payer", String(32), primary_key=True),
    Column("pause_until", UtcInstant),
    Column("breaker_open_until", UtcInstant),
)

payer_slots = Table(
    "payer_slots",
    metadata,
    # One row for each process that asks a payer: how many of the payer's slots it may use.
    Column("organization_id", String(64), primary_key=True),
    Column("payer", String(32), primary_key=True),
    Column("holder", _ID, primary_key=True),
    Column("slots", Integer, nullable=False),
    Column("expires_at", UtcInstant, nullable=False),
)

claim_densities = Table(
    "claim_densities",
    metadata,
    Column("id", _BIG, primary_key=True, autoincrement=True),
    _organization(),
    Column("tin", String(9), nullable=False),
    Column("payer_id", String(32), nullable=False),
    Column("window_first", Date, nullable=False),
    Column("window_last", Date, nullable=False),
    Column("claims", Integer, nullable=False),
    Column("at_least", Boolean, nullable=False),
    Column("observed_at", UtcInstant, nullable=False),
    Index("ix_claim_densities_group", "organization_id", "tin", "payer_id"),
)

alerts = Table(
    "alerts",
    metadata,
    # What operators are to be told of. Sent: `next_try_at` is empty.
    Column("id", _ID, primary_key=True),
    _organization(),
    _upload(),
    Column("attempt", Integer, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("error_code", String(64)),
    Column("created_at", UtcInstant, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("next_try_at", UtcInstant),
    Column("sent_at", UtcInstant),
    Index("ix_alerts_next_try_at", "next_try_at"),
    Index("ix_alerts_upload_id", "upload_id"),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("organization_id", String(64), ForeignKey("organizations.id"), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("body_sha256", String(64), nullable=False),
    Column("upload_id", _ID),
    Column("state", String(16), nullable=False),  # in_flight, done, gone
    Column("created_at", UtcInstant, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", String(64), primary_key=True),  # digest of the cookie
    Column("organization_id", String(64)),
    Column("user_id", String(128), nullable=False),
    Column("sealed", Text, nullable=False),  # tokens, encrypted
    Column("expires_at", UtcInstant, nullable=False),
    Column("created_at", UtcInstant, nullable=False),
)

audit_log = Table(
    "audit_log",
    metadata,
    Column("id", _BIG, primary_key=True, autoincrement=True),
    Column("organization_id", String(64), nullable=False),
    Column("at", UtcInstant, nullable=False),
    Column("actor", String(128), nullable=False),
    Column("action", String(32), nullable=False),
    Column("upload_id", _ID),
    Column("outcome", String(16), nullable=False),
    Column("code", String(64)),
    # Which key sealed it; NULL for what was written without one.
    Column("key_id", String(16)),
    Column("previous_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
    Index("ix_audit_log_organization_id_at", "organization_id", "at"),
    Index("ix_audit_log_organization_id_id", "organization_id", "id"),  # the end of its chain
)

# What counts for an organization's share of 24 hours and does not stand among its uploads.
quota_uses = Table(
    "quota_uses",
    metadata,
    Column("id", _BIG, primary_key=True, autoincrement=True),
    Column("organization_id", String(64), nullable=False),
    Column("at", UtcInstant, nullable=False),
    Column("uploads", Integer, nullable=False),
    Column("rows", Integer, nullable=False),
    Index("ix_quota_uses_organization_id_at", "organization_id", "at"),
)

# The end of each chain of the audit log, sealed by the same key.
audit_heads = Table(
    "audit_heads",
    metadata,
    Column("organization_id", String(64), primary_key=True),
    Column("entries", _BIG, nullable=False),
    Column("purged", _BIG, nullable=False),
    Column("anchor", String(64), nullable=False),
    Column("last_id", _BIG, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("key_id", String(16)),
    Column("seal", String(64), nullable=False),
)

x12_partners = Table(
    "x12_partners",
    metadata,
    # Mailboxes at clearinghouses; `terms` is the partner without its name. The last control
    # numbers that were given out are never given again.
    Column("organization_id", String(64), ForeignKey("organizations.id"), primary_key=True),
    Column("name", String(32), primary_key=True),
    Column("terms", JSON, nullable=False),
    Column("last_interchange", Integer, nullable=False, server_default="0"),
    Column("last_group", Integer, nullable=False, server_default="0"),
    Column("last_set", Integer, nullable=False, server_default="0"),
)

x12_files = Table(
    "x12_files",
    metadata,
    # 276 files, by their control numbers: writing, sent, taken, refused.
    Column("id", _ID, primary_key=True),
    _organization(),
    Column("partner", String(32), nullable=False),
    Column("interchange", String(9), nullable=False),
    Column("group_control", String(9), nullable=False),
    Column("state", String(16), nullable=False),
    Column("inquiries", Integer, nullable=False),
    Column("lease_until", UtcInstant),  # who writes it has so long until another may
    Column("written_at", UtcInstant, nullable=False),  # stands in the file
    Column("sent_at", UtcInstant),
    UniqueConstraint("organization_id", "partner", "interchange"),
    Index("ix_x12_files_partner_state", "organization_id", "partner", "state"),
)

x12_inquiries = Table(
    "x12_inquiries",
    metadata,
    # Submitted queries of the channel x12: queued, sent, answered. Every try has a trace of its
    # own: the reference and the try's number.
    Column("reference", String(48), primary_key=True),
    _organization(),
    _upload(),
    Column("attempt_id", _ID, ForeignKey("attempts.id", ondelete="CASCADE"), nullable=False),
    Column("partner", String(32), nullable=False),
    Column("state", String(16), nullable=False),
    Column("tries", Integer, nullable=False),
    Column("body", JSON, nullable=False),  # PHI: the inquiry
    Column("provider_id", String(80), nullable=False),
    Column("file_id", _ID),
    Column("set_control", String(9)),
    Column("set_reference", String(50)),
    Column("error_class", String(32)),
    Column("error_code", String(64)),
    Column("queued_at", UtcInstant, nullable=False),
    Column("due_at", UtcInstant),  # without an answer by then there is none
    Column("answered_at", UtcInstant),
    Index("ix_x12_inquiries_partner_state", "organization_id", "partner", "state", "queued_at"),
    Index("ix_x12_inquiries_file", "file_id", "set_control"),
    Index("ix_x12_inquiries_set_reference", "set_reference"),
    Index("ix_x12_inquiries_upload_id", "upload_id"),
    Index("ix_x12_inquiries_answered_at", "answered_at"),
)

x12_answers = Table(
    "x12_answers",
    metadata,
    # What a 277 says of an inquiry; the same file twice makes no second one.
    Column("reference", String(48), primary_key=True),
    Column("interchange", String(32), primary_key=True),
    Column("group_control", String(32), primary_key=True),
    Column("set_control", String(32), primary_key=True),
    Column("claim_key", String(32), primary_key=True),  # digest of number, days and statuses
    _organization(),
    _upload(),
    Column("fate", String(16), nullable=False),
    Column("error_class", String(32)),
    Column("error_code", String(64)),
    Column("claim", JSON(none_as_null=True)),  # PHI
    Column("received_at", UtcInstant, nullable=False),
    Index("ix_x12_answers_upload_id", "upload_id"),
)

x12_received = Table(
    "x12_received",
    metadata,
    # Incoming files, as counts: nothing of their content.
    Column("id", _ID, primary_key=True),
    _organization(),
    Column("partner", String(32), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("counts", JSON, nullable=False),
    Column("received_at", UtcInstant, nullable=False),
    Index("ix_x12_received_partner", "organization_id", "partner", "received_at"),
)

follow_up_settings = Table(
    "follow_up_settings",
    metadata,
    # Whether an organization's claims are followed; who writes tracked claims locks its row.
    Column("organization_id", String(64), ForeignKey("organizations.id"), primary_key=True),
    Column("is_on", Boolean, nullable=False),
    Column("changed_at", UtcInstant, nullable=False),
)

cadence_rules = Table(
    "cadence_rules",
    metadata,
    Column("organization_id", String(64), ForeignKey("organizations.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("status", String(32)),
    Column("next_action", String(64)),
    Column("is_worked", Boolean),
    Column("until_age", Integer),
    Column("after_days", Integer),  # without: `otherwise` says what
    Column("otherwise", String(16)),
)

deadline_rules = Table(
    "deadline_rules",
    metadata,
    Column("organization_id", String(64), ForeignKey("organizations.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("payer", String(32)),
    Column("kind", String(16), nullable=False),
    Column("days", Integer, nullable=False),
    Column("counted_from", String(16), nullable=False),
    Column("source", Text, nullable=False),
)

tracked_claims = Table(
    "tracked_claims",
    metadata,
    Column("id", _ID, primary_key=True),
    _organization(),
    # What the payer's claim is known by, or what the row asks until the payer has shown one.
    Column("identity", String(40), nullable=False),
    Column("claim_key", String(32)),
    Column("row_key", String(32), nullable=False),
    Column("number_key", String(32)),  # as a row would ask for it by the payer's number
    # What the next check asks.
    Column("payer", String(32), nullable=False),
    Column("payer_id", String(32), nullable=False),
    Column("practice_id", String(64), nullable=False),
    Column("tin", String(9), nullable=False),
    Column("first_name", Text, nullable=False),
    Column("last_name", Text, nullable=False),
    Column("date_of_birth", Date, nullable=False),
    Column("gender", String(1)),
    Column("subscriber_id", Text),
    Column("subscriber_first_name", Text),
    Column("subscriber_last_name", Text),
    Column("npi", String(10)),
    Column("claim_number", Text),  # as the row names it, until the payer has shown it
    Column("patient_account_number", Text),
    Column("service_from", Date),
    Column("service_to", Date),
    Column("row_charged", Money),
    # Names and numbers in capitals, for who searches; bounded, since an index holds it.
    Column("search_text", String(160), nullable=False),
    # The last answer.
    Column("status", String(32), nullable=False),
    Column("next_action", String(64)),
    Column("charged", Money),
    Column("open_amount", Money),
    Column("paid", Money),
    Column("patient_owes", Money),
    Column("denial_category", String(32)),
    Column("denial_codes", Text),  # with a blank around each
    Column("remark_codes", Text),
    Column("received", Date),
    Column("processed", Date),
    # What is known of its checks.
    Column("first_seen", UtcInstant, nullable=False),
    Column("last_checked", UtcInstant),  # of answers only
    Column("checks", Integer, nullable=False),
    Column("status_since", UtcInstant, nullable=False),
    Column("previous_status", String(32)),
    Column("changed_at", UtcInstant),
    Column("next_check_on", Date),
    Column("final_at", UtcInstant),
    Column("last_upload_id", _ID, ForeignKey("uploads.id", ondelete="SET NULL")),
    Column("last_row_number", Integer),
    # The follow-up upload that asks it now.
    Column("check_upload_id", _ID, ForeignKey("uploads.id", ondelete="SET NULL")),
    # Work.
    Column("needs_person", Boolean, nullable=False),
    Column("dollars", Money, nullable=False),
    Column("owner", String(128)),
    Column("follow_up_on", Date),
    Column("done_at", UtcInstant),
    Column("done_by", String(128)),
    Column("act_by", Date),
    Column("deadline_rule", Text),
    UniqueConstraint("organization_id", "identity"),
    Index("ix_tracked_claims_organization_id_row_key", "organization_id", "row_key"),
    Index("ix_tracked_claims_organization_id_number_key", "organization_id", "number_key"),
    Index(
        "ix_tracked_claims_organization_id_payer_next_check_on",
        "organization_id",
        "payer",
        "next_check_on",
    ),
    Index("ix_tracked_claims_check_upload_id", "check_upload_id"),
    Index("ix_tracked_claims_last_upload_id", "last_upload_id"),
    Index("ix_tracked_claims_final_at", "final_at"),
)
# The page "Work" in its usual order, with what it is narrowed by: no claim that nobody has to work
# is in it, and claims are counted without a look at the table.
Index(
    "ix_tracked_claims_work",
    tracked_claims.c.organization_id,
    tracked_claims.c.dollars.desc(),
    tracked_claims.c.act_by,
    tracked_claims.c.id,
    tracked_claims.c.owner,
    tracked_claims.c.next_action,
    tracked_claims.c.payer,
    tracked_claims.c.practice_id,
    tracked_claims.c.status,
    tracked_claims.c.follow_up_on,
    tracked_claims.c.service_to,
    tracked_claims.c.denial_codes,
    tracked_claims.c.remark_codes,
    tracked_claims.c.needs_person,
    tracked_claims.c.done_at,
    tracked_claims.c.search_text,
    sqlite_where=text("needs_person = 1 AND done_at IS NULL"),
    postgresql_where=text("needs_person AND done_at IS NULL"),
)
Index(
    "ix_tracked_claims_deadline",
    tracked_claims.c.organization_id,
    tracked_claims.c.act_by,
    tracked_claims.c.dollars.desc(),
    tracked_claims.c.id,
    sqlite_where=text("needs_person = 1 AND done_at IS NULL"),
    postgresql_where=text("needs_person AND done_at IS NULL"),
)

claim_checks = Table(
    "claim_checks",
    metadata,
    # What an answer told of a tracked claim, once for each row and attempt. A row that is to be
    # asked for a tracked claim has one with attempt 0, which says for which.
    Column("upload_id", _ID, ForeignKey("uploads.id", ondelete="CASCADE"), primary_key=True),
    Column("row_number", Integer, primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column(
        "tracked_id",
        _ID,
        ForeignKey("tracked_claims.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    _organization(),
    Column("claim_key", String(32)),
    Column("changed", String(16)),
    Column("previous_status", String(32)),
    Column("status_since", UtcInstant),
    Column("checks", Integer),
    Column("act_by", Date),
    Column("deadline_rule", Text),
    Index("ix_claim_checks_tracked_id", "tracked_id"),
)

claim_changes = Table(
    "claim_changes",
    metadata,
    # What is told, in the order in which it became true. Its number is a reader's cursor.
    Column("id", _BIG, primary_key=True, autoincrement=True),
    _organization(),
    Column("tracked_id", _ID, ForeignKey("tracked_claims.id", ondelete="CASCADE"), nullable=False),
    Column("upload_id", _ID, ForeignKey("uploads.id", ondelete="SET NULL")),
    Column("at", UtcInstant, nullable=False),
    Column("day", Date, nullable=False),  # the payer's
    Column("kind", String(16), nullable=False),
    Column("previous_status", String(32)),
    Column("status", String(32), nullable=False),
    Column("next_action", String(64)),
    Column("open_amount", Money),
    Column("paid", Money),
    Column("patient_owes", Money),
    Index("ix_claim_changes_organization_id_id", "organization_id", "id"),
    Index("ix_claim_changes_organization_id_day", "organization_id", "day"),
    Index("ix_claim_changes_tracked_id", "tracked_id"),
    Index("ix_claim_changes_upload_id", "upload_id"),
)

claim_notes = Table(
    "claim_notes",
    metadata,
    Column("id", _BIG, primary_key=True, autoincrement=True),
    _organization(),
    Column("tracked_id", _ID, ForeignKey("tracked_claims.id", ondelete="CASCADE"), nullable=False),
    Column("at", UtcInstant, nullable=False),
    Column("author", String(128), nullable=False),
    Column("text", Text, nullable=False),  # PHI
    Index("ix_claim_notes_tracked_id", "tracked_id"),
)

claim_decisions = Table(
    "claim_decisions",
    metadata,
    # Which of the claims of an ambiguous row a person chose; none of them where `claim_key` is
    # empty. One decision stands, those before it are kept.
    Column("id", _BIG, primary_key=True, autoincrement=True),
    _organization(),
    Column("tracked_id", _ID, ForeignKey("tracked_claims.id", ondelete="CASCADE"), nullable=False),
    Column("at", UtcInstant, nullable=False),
    Column("author", String(128), nullable=False),
    Column("claim_key", String(32)),
    Column("turned_down", JSON, nullable=False),
    Column("undone_at", UtcInstant),
    Index("ix_claim_decisions_tracked_id", "tracked_id"),
)

follow_up_uploads = Table(
    "follow_up_uploads",
    metadata,
    # The uploads of source follow_up: one of each number for an organization, payer and day.
    Column("organization_id", String(64), ForeignKey("organizations.id"), primary_key=True),
    Column("payer", String(32), primary_key=True),
    Column("day", Date, primary_key=True),
    Column("number", Integer, primary_key=True),  # 0 is the schedule's
    # None where nothing was due: the schedule has been, and need not come again.
    Column("upload_id", _ID, ForeignKey("uploads.id", ondelete="SET NULL")),
    Column("made_at", UtcInstant, nullable=False),
    Column("claims", Integer, nullable=False),
    Column("left_for_later", Integer, nullable=False),
    Index("ix_follow_up_uploads_upload_id", "upload_id"),
)
