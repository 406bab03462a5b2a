"""The payer's way to say no."""

from collections.abc import Mapping

from claims_pipeline.sandbox.reply import Reply, json_reply
from claims_pipeline.sandbox.uhc.inquiry import RefusedError

# What the payer answers with beside each of its codes; 400 for all others.
_STATUS_OF_CODE = {
    "LCLM_PS_105": 403,
    "LCLM_PS_201": 404,
    "LCLM_PS_202": 403,
    "LCLM_PS_203": 404,
    "LCLM_PS_301": 504,
    "LCLM_PS_302": 500,
    "LCLM_PS_303": 500,
    "LCLM_PS_304": 500,
    "LCLM_PS_305": 500,
    "LCLM_PS_500": 500,
    "LCLM_PA_500": 500,
}


def refused(refusal: RefusedError, headers: Mapping[str, str]) -> Reply:
    """Answer with the payer's error body, which it gives only to those who ask for it."""
    content: dict[str, object] = {"message": refusal.message}
    if headers.get("getstandarderror", "").lower() == "true":
        content = {"errors": [{"code": refusal.code, "message": refusal.message}]}
    reply = json_reply(content, status=_STATUS_OF_CODE.get(refusal.code, 400))
    reply.is_error = refusal.code != "LCLM_PS_201"
    return reply
