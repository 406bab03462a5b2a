"""Why an upload failed and what to do about it, for who reads it. Pure."""

from dataclasses import dataclass

from claims_pipeline.store.uploads import Upload

_ADVICE = {
    "auth": "Ask the people who run this service to check the payer credentials, then retry the "
    "failed rows.",
    "http_404": "Ask the people who run this service to check the payer's address, then retry the "
    "failed rows.",
    "payer_unavailable": "Retry the failed rows later; answers received so far are kept.",
    "poison": "Answers received so far are kept. Ask the people who run this service to find out "
    "why it stopped.",
}
# These name variables of the environment, which only those who run the service can set.
_SETTINGS = frozenset({"setting_missing", "setting_invalid", "sandbox_in_production"})
_NOT_SET_UP = "The payer is not set up in this service yet."
_ASK_OPERATORS = (
    "Nothing is wrong with your file. Ask the people who run this service to set the payer up, "
    "then retry."
)
_SET_IT = (
    "Set it where Dagster's code server runs, restart that, then retry. docs/settings.md has every "
    "setting."
)
_CORRECT_THE_FILE = "Nothing was asked. Correct the file and upload it again."
_RETRY = "Retry the failed rows; answers received so far are kept."


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why an upload failed, and what to do about it."""

    code: str
    message: str
    advice: str


def failure_of(upload: Upload, *, is_operator: bool) -> Failure | None:
    """Why the upload failed, if it did; operators are told what to set."""
    if upload.error_code is None:
        return None
    if upload.error_code in _SETTINGS:
        return Failure(
            code=upload.error_code,
            message=(upload.error_message if is_operator else None) or _NOT_SET_UP,
            advice=_SET_IT if is_operator else _ASK_OPERATORS,
        )
    # Without a header the rows were never read.
    usual = _RETRY if upload.header is not None else _CORRECT_THE_FILE
    return Failure(
        code=upload.error_code,
        message=upload.error_message or "The upload failed.",
        advice=_ADVICE.get(upload.error_code, usual),
    )
