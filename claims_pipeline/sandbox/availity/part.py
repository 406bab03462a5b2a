"""Availity's part of the sandbox: who may ask, what waits, and what is answered when."""

import hashlib
import itertools
import json
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from claims_pipeline.sandbox.availity import wire
from claims_pipeline.sandbox.availity.inquiry import Inquiry, InvalidError, read_inquiry
from claims_pipeline.sandbox.part import (
    Call,
    CallFacts,
    ChannelPart,
    PayerOptions,
    WorldOfToday,
)
from claims_pipeline.sandbox.reply import Reply, json_reply
from claims_pipeline.sandbox.world.as_277 import search_277
from claims_pipeline.sandbox.world.practices import WorldPractice, demo_payer_id

CLIENT_ID = "sandbox"
CLIENT_SECRET = "sandbox"  # noqa: S105 - guards nothing: the sandbox holds no real data
SCOPE = "healthcare-hipaa-transactions"
TOKEN_LIFETIME_S = 300.0

_TOKEN = "/availity/v1/token"  # noqa: S105 - an address
_SUBMIT = "/availity/v1/claim-statuses"
_MOST_JOBS = 100_000
# One in so many answers is there at once.
_AT_ONCE_EVERY = 10
_STATUS_OF_CODE = {"401": 401, "403": 403, "404": 404, "500": 500, "503": 503, "504": 504}


@dataclass(frozen=True, slots=True)
class _Job:
    inquiry: Inquiry
    ready_at: float


class AvailityPart:
    """See `SandboxPart`. `clock` is monotonic."""

    name = "availity"
    kinds = ("token", "search", "look")

    def __init__(
        self,
        world: WorldOfToday,
        options: PayerOptions,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._world = world
        self._answers_after_s = options.answers_after_s
        self._clock = clock
        self._tokens: dict[str, float] = {}
        self._jobs: OrderedDict[str, _Job] = OrderedDict()
        self._serial = itertools.count(1)

    def kind_of(self, method: str, path: str) -> str | None:
        """The kind of a call to this address."""
        if (method, path) == ("POST", _TOKEN):
            return "token"
        if path == _SUBMIT:
            return "search"
        return "look" if path.startswith(f"{_SUBMIT}/") and method == "GET" else None

    def facts(self, kind: str, call: Call) -> CallFacts:
        """What fault scripts may ask of the call."""
        inquiry = None
        if kind == "look":
            job = self._jobs.get(_job_id(call))
            inquiry = job.inquiry if job else None
        elif kind == "search":
            try:
                inquiry = read_inquiry(call.form())
            except InvalidError:
                inquiry = None
        practice = self._practice(inquiry) if inquiry else None
        return CallFacts(
            kind=kind,
            tin=practice.tin if practice else None,
            patient_last_name=inquiry.patient.last_name if inquiry else None,
            further_page=kind == "look",
        )

    def answer(self, kind: str, call: Call) -> Reply:
        """The answer of a day on which nothing goes wrong."""
        if kind == "token":
            return self._token(call)
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or self._tokens.get(token, 0.0) <= self._clock():
            return _error(401, "The token is not valid")
        return self._submitted(call) if kind == "search" else self._looked(call)

    def error(self, code: str, call: Call) -> Reply:
        """An error by its status, or one that shows in the whole answer to a look."""
        job = self._jobs.get(_job_id(call))
        if job is None or code in _STATUS_OF_CODE:
            return _error(_STATUS_OF_CODE.get(code, 400), "As the script says")
        job_id = _job_id(call)
        if code in {"submitter", "providers"}:
            return json_reply(wire.refused_above_claims(job_id, job.inquiry, level=code))
        if code == "empty":
            return json_reply(wire.envelope(job_id, job.inquiry, ()))
        return json_reply(wire.envelope(job_id, job.inquiry, (), (code, "Something else")))

    def strangers(self, claims: list[bytes]) -> list[bytes]:
        """An answer is about one patient: strangers cannot come along."""
        return claims

    def unreadable(self, claims: list[bytes]) -> list[bytes]:
        """Entries that are no claims."""
        return [b'{"statusDetails":[{"categoryCode":"F1"}]}', *claims]

    def expire_tokens(self) -> None:
        """No token given so far is good any longer."""
        self._tokens.clear()

    def _token(self, call: Call) -> Reply:
        form = call.form()
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            return json_reply({"error": "invalid_client"}, status=401)
        if SCOPE not in form.get("scope", "").split():
            return json_reply({"error": "invalid_scope"}, status=400)
        token = f"availity-token-{next(self._serial)}"
        self._tokens[token] = self._clock() + TOKEN_LIFETIME_S
        content = {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": int(TOKEN_LIFETIME_S),
            "scope": SCOPE,
        }
        return json_reply(content)

    def _submitted(self, call: Call) -> Reply:
        if call.method != "POST" or call.headers.get("x-http-method-override") != "GET":
            return _error(403, "Send the inquiry by POST, with X-HTTP-Method-Override: GET")
        try:
            inquiry = read_inquiry(call.form())
        except InvalidError as error:
            return _error(400, str(error))
        if inquiry.payer_id != demo_payer_id(self.name):
            return _error(400, "payer.id is not a payer")
        job_id = f"{next(self._serial):06d}-{hashlib.blake2b(call.body, digest_size=6).hexdigest()}"
        is_at_once = int(job_id[-2:], 16) % _AT_ONCE_EVERY == 0
        waits_s = 0.0 if is_at_once else self._answers_after_s
        self._jobs[job_id] = _Job(inquiry, self._clock() + waits_s)
        if len(self._jobs) > _MOST_JOBS:
            self._jobs.popitem(last=False)
        url = f"https://{call.headers.get('host', 'localhost')}{_SUBMIT}/{job_id}"
        if is_at_once:
            return json_reply(wire.summary(job_id, url, wire.COMPLETE))
        reply = json_reply(wire.summary(job_id, url, wire.IN_PROGRESS), status=202)
        reply.headers = [*reply.headers, ("Location", url), ("X-Status-Message", "In Progress")]
        return reply

    def _looked(self, call: Call) -> Reply:
        job_id = _job_id(call)
        job = self._jobs.get(job_id)
        if job is None:
            return _error(404, "There is no such claim status")
        if self._clock() < job.ready_at:
            return json_reply(wire.envelope(job_id, job.inquiry, (), wire.IN_PROGRESS), status=202)
        practice = self._practice(job.inquiry)
        if practice is None:
            return json_reply(wire.refused_above_claims(job_id, job.inquiry, level="providers"))
        claims = search_277(
            self._world(),
            practice,
            job.inquiry.window,
            job.inquiry.patient,
            member_id=job.inquiry.member_id,
        )
        whole = wire.claim_status(job_id, job.inquiry, claims)
        listed = whole.pop("claimStatuses")
        opening = json.dumps(whole)[:-1].encode()
        return Reply(
            claims=[json.dumps(entry).encode() for entry in listed]
            if isinstance(listed, list)
            else [],
            before_claims=opening + b', "claimStatuses": [',
        )

    def _practice(self, inquiry: Inquiry) -> WorldPractice | None:
        return next((each for each in self._world().practices if each.npi == inquiry.npi), None)


def _job_id(call: Call) -> str:
    return call.path.rpartition("/")[2]


def _error(status: int, message: str) -> Reply:
    content = {
        "userMessage": "The request could not be processed.",
        "developerMessage": message,
        "statusCode": status,
        "errors": [],
    }
    return json_reply(content, status=status)


def _make(world: WorldOfToday, options: PayerOptions) -> AvailityPart:
    return AvailityPart(world, options)


def _settings(url: str) -> dict[str, str]:
    return {
        "CLAIMS_AVAILITY_API_URL": f"{url}/availity/v1",
        "CLAIMS_AVAILITY_TOKEN_URL": f"{url}{_TOKEN}",
        "CLAIMS_AVAILITY_CLIENT_ID": CLIENT_ID,
        "CLAIMS_AVAILITY_CLIENT_SECRET": CLIENT_SECRET,
    }


PART = ChannelPart(payer="availity-demo", make=_make, settings=_settings)
