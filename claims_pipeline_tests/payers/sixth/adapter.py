"""A sixth channel, as small as one can be: JSON by POST, a key, one page, no sweeps."""

import json

from claims_pipeline.errors import ErrorClass, PayerError
from claims_pipeline.model import Claim, DetailLevel, Patient, Query, StatusCode
from claims_pipeline.names import wire_name
from claims_pipeline.payers.api_key import ApiKey
from claims_pipeline.payers.base import Answer, CallKind, Capabilities
from claims_pipeline.payers.channel import Channel, Connection, Wiring
from claims_pipeline.payers.environment import PayerEnvironment
from claims_pipeline.payers.json_fields import day, entries, fields, money, parsed, text
from claims_pipeline.payers.replies import HttpReply, error_for_status, unreadable_answer
from claims_pipeline.payers.sending import HttpRequest
from claims_pipeline.payers.transport import Transport
from claims_pipeline.settings.channels import KeyChannelSettings

CAPABILITIES = Capabilities(
    single_by_claim_number=False,
    single_by_patient=True,
    sweep=False,
    max_window_days=90,
    look_back_months=24,
    page_size=500,
    max_results=500,
    details=False,
    needs=frozenset({"subscriber_id"}),
)


def can_ask(patient: Patient) -> bool:
    return bool(wire_name(patient.first_name) and wire_name(patient.last_name))


class SixthPayer:
    def __init__(
        self, *, api_url: str, transport: Transport, key: ApiKey, environment: PayerEnvironment
    ) -> None:
        self._api_url = api_url
        self._transport = transport
        self._key = key
        self._environment = environment

    @property
    def name(self) -> str:
        return "sixth"

    @property
    def environment(self) -> str:
        return self._environment.name

    @property
    def capabilities(self) -> Capabilities:
        return CAPABILITIES

    def can_ask(self, patient: Patient) -> bool:
        return can_ask(patient)

    def search(self, query: Query) -> Answer:
        if query.patient is None:
            raise PayerError(ErrorClass.CONFIG, "sweep_not_possible", "Patients only.")
        content = {
            "payer": query.payer_id,
            "tin": query.tin,
            "firstName": wire_name(query.patient.first_name),
            "lastName": wire_name(query.patient.last_name),
            "born": query.patient.date_of_birth.isoformat(),
            "member": query.member.subscriber_id if query.member else None,
            "from": query.window.first.isoformat(),
            "to": query.window.last.isoformat(),
        }
        request = HttpRequest(
            kind=CallKind.SEARCH,
            method="POST",
            url=f"{self._api_url}/claims",
            headers={"Content-Type": "application/json"},
            content=json.dumps(content).encode(),
        )
        claims = self._transport.call(
            request, lambda reply: _read(reply, query), authorization=self._key
        )
        return Answer(claims=claims, claims_seen=len(claims), pages=1, complete=True)

    def is_alive(self, like: Query) -> bool:
        try:
            self.search(like)
        except PayerError as error:
            if error.error_class is ErrorClass.AUTH:
                raise
            return error.error_class is not ErrorClass.TRANSIENT
        return True

    def wants_detail(self, claim: Claim, level: DetailLevel) -> bool:
        del claim, level
        return False

    def enrich(self, claim: Claim, *, transaction: str | None, level: DetailLevel) -> Claim:
        del transaction, level
        return claim

    def close(self) -> None:
        self._transport.close()


def _read(reply: HttpReply, query: Query) -> tuple[Claim, ...]:
    if reply.status != 200:
        raise error_for_status(reply.status)
    try:
        answer = fields(parsed(reply.body))
    except ValueError:
        raise unreadable_answer() from None
    return tuple(
        Claim(
            payer_id=query.payer_id,
            tin=query.tin,
            claim_number=text(entry.get("number")) or "",
            patient_first_name=text(entry.get("firstName")),
            patient_last_name=text(entry.get("lastName")),
            patient_date_of_birth=day(entry.get("born")),
            subscriber_id=text(entry.get("member")),
            service_from=day(entry.get("from")),
            service_to=day(entry.get("to")),
            status_codes=tuple(
                StatusCode(
                    category_code=text(row.get("category")), status_code=text(row.get("status"))
                )
                for row in entries(entry.get("statuses"))
            ),
            total_charged=money(entry.get("charged")),
            total_paid=money(entry.get("paid")),
        )
        for entry in entries(answer.get("claims"))
    )


def channel_at(url: str) -> Channel:
    """The channel with its sandbox at `url`; real ones take theirs from the settings."""
    settings = KeyChannelSettings.model_validate(
        {"api_url": f"{url}/sixth", "api_key": "sandbox", "calls_per_second": 5000}
    )

    def connect(wiring: Wiring) -> Connection:
        assert wiring.settings is settings
        api_url, key = wiring.settings.texts("sixth", "api_url", "api_key")
        environment = PayerEnvironment(api_url, is_production=wiring.is_production)
        payer = SixthPayer(
            api_url=api_url,
            transport=wiring.transport(environment),
            key=ApiKey(key, wiring.stop),
            environment=environment,
        )
        return Connection(payer=payer, try_credentials=None)

    return Channel(
        name="sixth",
        label="Sixth",
        capabilities=CAPABILITIES,
        settings=lambda _settings: settings,
        can_ask=can_ask,
        connect=connect,
    )
