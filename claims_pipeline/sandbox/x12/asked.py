"""What a 276 file asks, read as strictly as a clearinghouse reads it."""

from dataclasses import dataclass, field, replace
from datetime import date

from claims_pipeline.model import DateWindow, Patient
from claims_pipeline.payers.x12.segments import ReadTally, Segment, read_segments
from claims_pipeline.payers.x12.values import day, days


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedClaim:
    """One TRN loop. `patient` is the dependent where there is one."""

    trace: str
    provider_id: str
    provider_name: str
    member_id: str
    subscriber: tuple[str, str]
    dependent: tuple[str, str] | None
    born: date | None
    window: DateWindow | None = None

    @property
    def patient(self) -> Patient | None:
        """Who is asked for; None when the loop does not say enough."""
        last, first = self.dependent or self.subscriber
        if self.born is None or not last or not first:
            return None
        return Patient(first_name=first, last_name=last, date_of_birth=self.born)


@dataclass(slots=True, kw_only=True)
class AskedSet:
    """One transaction set."""

    control: str
    reference: str = ""
    payer_name: str = ""
    payer_id: str = ""
    receiver_name: str = ""
    receiver_id: str = ""
    claims: list[AskedClaim] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class AskedFile:
    """One interchange. `header` are the elements of its ISA."""

    header: tuple[str, ...]
    group: str = ""
    application_sender: str = ""
    application_receiver: str = ""
    sets: list[AskedSet] = field(default_factory=list)

    @property
    def control(self) -> str:
        """ISA13."""
        return self.header[12]

    @property
    def wants_ta1(self) -> bool:
        """ISA14."""
        return self.header[13] == "1"


class NotUnderstoodError(Exception):
    """The file is no interchange with inquiries."""


def read_asked(content: bytes) -> AskedFile:
    """Read an interchange.

    Raises:
        NotUnderstoodError: there is no envelope in it.

    """
    reader: _Reader | None = None
    for segment in read_segments([content], ReadTally()):
        if segment.id == "ISA":
            reader = _Reader(AskedFile(header=segment.elements))
        elif reader is not None:
            reader.take(segment)
    if reader is None:
        raise NotUnderstoodError
    return reader.file


class _Reader:
    def __init__(self, file: AskedFile) -> None:
        self.file = file
        self._level = ""
        self._provider = ("", "")
        self._member_id = ""
        self._subscriber = ("", "")
        self._dependent: tuple[str, str] | None = None
        self._born: date | None = None

    def take(self, segment: Segment) -> None:
        match segment.id:
            case "GS":
                self.file.application_sender = segment.at(2)
                self.file.application_receiver = segment.at(3)
                self.file.group = segment.at(6)
            case "ST":
                self.file.sets.append(AskedSet(control=segment.at(2)))
            case "BHT":
                self._set.reference = segment.at(3)
            case "HL":
                self._begin(segment.at(3))
            case "NM1":
                self._name(segment)
            case "DMG":
                self._born = day(segment.at(2))
            case "TRN":
                self._set.claims.append(
                    AskedClaim(
                        trace=segment.at(2),
                        provider_id=self._provider[0],
                        provider_name=self._provider[1],
                        member_id=self._member_id,
                        subscriber=self._subscriber,
                        dependent=self._dependent,
                        born=self._born,
                    )
                )
            case "DTP" if self._set.claims:
                found = days(segment.at(2), segment.at(3))
                window = DateWindow(*found) if found else None
                self._set.claims[-1] = replace(self._set.claims[-1], window=window)

    @property
    def _set(self) -> AskedSet:
        return self.file.sets[-1]

    def _begin(self, level: str) -> None:
        self._level = level
        if level in {"22", "23"}:
            self._born = None
            self._dependent = None

    def _name(self, segment: Segment) -> None:
        names = (segment.at(3), segment.at(4))
        match segment.at(1):
            case "PR":
                self._set.payer_name, self._set.payer_id = segment.at(3), segment.at(9)
            case "41":
                self._set.receiver_name, self._set.receiver_id = segment.at(3), segment.at(9)
            case "1P":
                self._provider = (segment.at(9), segment.at(3))
            case "IL":
                self._subscriber, self._member_id = names, segment.at(9)
            case "QC":
                self._dependent = names
