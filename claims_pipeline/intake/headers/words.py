"""The words of which column names are made, and what each of them speaks of.

The tables hold single words, never whole names of columns. A word that stands in none of them
makes its column one that is not read: what is not understood is never guessed.
"""

import re
from enum import Enum, auto
from functools import lru_cache

from claims_pipeline.payers.registry import words_in_headers


class Word(Enum):
    """What a word of a column's name speaks of."""

    # Who.
    PATIENT = auto()
    MEMBER = auto()
    SUBSCRIBER = auto()
    HOLDER = auto()
    CLINICIAN = auto()
    PROVIDER = auto()
    NPI = auto()
    OTHER_PERSON = auto()
    PAYER = auto()
    PRACTICE = auto()
    GROUP = auto()
    FACILITY = auto()
    COMPANY = auto()
    # What of a person.
    NAME = auto()
    FIRST_NAME = auto()
    LAST_NAME = auto()
    MIDDLE = auto()
    BIRTH = auto()
    GENDER = auto()
    SEX = auto()
    # Numbers and what they number.
    NUMBER = auto()
    CODE = auto()
    CLAIM = auto()
    PAYERS_CLAIM = auto()
    CONTROL = auto()
    REFERENCE = auto()
    ORIGINAL = auto()
    ACCOUNT = auto()
    PATIENT_CONTROL = auto()
    CHART = auto()
    MEDICAL = auto()
    RECORD = auto()
    MEDICAL_RECORD = auto()
    CASE = auto()
    INSURANCE = auto()
    COVERAGE = auto()
    POLICY = auto()
    CARD = auto()
    ALTERNATE = auto()
    ELECTRONIC = auto()
    TAX = auto()
    TAX_NUMBER = auto()
    FEDERAL = auto()
    # Days.
    DATE = auto()
    SERVICE = auto()
    SERVICE_DAY = auto()
    VISIT = auto()
    PROCEDURE = auto()
    STATEMENT = auto()
    FROM = auto()
    TO = auto()
    FIRST = auto()
    LAST = auto()
    # Money.
    CHARGE = auto()
    BILLED = auto()
    SUBMITTED = auto()
    GROSS = auto()
    FEE = auto()
    AMOUNT = auto()
    TOTAL = auto()
    # What changes the meaning of all others, and what changes nothing.
    PRIMARY = auto()
    SECONDARY = auto()
    OTHER_MATTER = auto()
    NOISE = auto()
    UNKNOWN = auto()


_WORDS: dict[Word, str] = {
    Word.PATIENT: "patient patients pt pat ptnt client person",
    Word.MEMBER: "member mbr memb mem enrollee beneficiary bene recipient",
    Word.SUBSCRIBER: "subscriber sub subs subscr sbr insured insd insureds policyholder",
    Word.HOLDER: "holder",
    Word.CLINICIAN: (
        "rendering rend referring attending operating ordering supervising prescribing physician "
        "doctor dr clinician therapist practitioner counselor surgeon pcp"
    ),
    Word.PROVIDER: "provider prov providers",
    Word.NPI: "npi",
    Word.OTHER_PERSON: (
        "guarantor guar gtr gt responsible resp party spouse mother father parent guardian "
        "emergency contact employer emp user biller staff employee author dependent "
        "relationship relation rel attorney adjuster collector preparer"
    ),
    Word.PAYER: "payer payor payers carrier insurer",
    Word.PRACTICE: "practice clinic office",
    Word.GROUP: "group grp billing bill organization org",
    Word.FACILITY: "facility location loc department dept",
    Word.COMPANY: "company",
    Word.NAME: "name names nm",
    Word.FIRST_NAME: "fname firstname fn given givenname forename",
    Word.LAST_NAME: "lname lastname ln surname family",
    Word.MIDDLE: "middle mi mname suffix initial mid",
    Word.BIRTH: "birth dob birthdate birthday bday born birthdt",
    Word.GENDER: "gender",
    Word.SEX: "sex",
    Word.NUMBER: "number numbers no num nbr nr nmbr id ids identifier identification ident",
    Word.CODE: "code codes cd",
    Word.CLAIM: "claim clm",
    Word.PAYERS_CLAIM: "icn dcn tcn fln pccn",
    Word.CONTROL: "control ctrl cntrl ctl",
    Word.REFERENCE: "reference ref",
    Word.ORIGINAL: "original orig",
    Word.ACCOUNT: "account acct acc accnt",
    Word.PATIENT_CONTROL: "pcn",
    Word.CHART: "chart",
    Word.MEDICAL: "medical med",
    Word.RECORD: "record rec",
    Word.MEDICAL_RECORD: "mrn emr",
    Word.CASE: "case",
    Word.INSURANCE: "insurance ins",
    Word.COVERAGE: " ".join(("coverage healthcare", *words_in_headers())),
    Word.POLICY: "policy pol",
    Word.CARD: "card",
    Word.ALTERNATE: "alternate alt",
    Word.ELECTRONIC: "electronic edi",
    Word.TAX: "tax taxpayer",
    Word.TAX_NUMBER: "tin ein fein taxid",
    Word.FEDERAL: "federal fed",
    Word.DATE: "date dt day days dates dte datetime span range",
    Word.SERVICE: "service services svc svcs serv srv srvc",
    Word.SERVICE_DAY: "dos",
    Word.VISIT: "visit encounter enc encntr",
    Word.PROCEDURE: "procedure proc appointment appt session treatment tx",
    Word.STATEMENT: "statement stmt",
    Word.FROM: "from frm start starting begin beginning began min earliest",
    Word.TO: "to thru through thr end ending until max latest",
    Word.FIRST: "first fst 1st",
    Word.LAST: "last lst",
    Word.CHARGE: "charge charges charged chg chgs chrg chrgs",
    Word.BILLED: "billed",
    Word.SUBMITTED: "submitted",
    Word.GROSS: "gross",
    Word.FEE: "fee fees",
    Word.AMOUNT: "amount amt amounts",
    Word.TOTAL: "total tot ttl",
    Word.PRIMARY: "primary prim pri 1",
    Word.SECONDARY: "secondary sec tertiary ter other second third 2nd 3rd 2 3 4 5 6 7 8 9",
    Word.OTHER_MATTER: (
        "status state reason denial denied denials type kind class category filing indicator flag "
        "count counts qty quantity units unit sequence seq frequency freq line lines received "
        "receipt rcvd processed processing remit remittance era eob check chk paid pay payment "
        "payments pmt allowed allowable balance bal due adjustment adjustments adj adjusted copay "
        "coinsurance deductible writeoff expected outstanding owed remaining refund credit credits "
        "net entry entered created creation updated modified posted posting post age aging ageing "
        "bucket phone telephone tel fax email address addr street city zip postal "
        "county country note notes comment comments remark remarks description desc modifier "
        "modifiers mod mods diagnosis diag dx icd icd10 cpt hcpcs drg revenue rev pos place "
        "specialty taxonomy auth authorization referral prior submission clearinghouse batch file "
        "report run printed print page row index rank claims assigned owner followup follow next "
        "worked action queue priority plan product line lob network contract ssn social security "
        "license death deceased hire admission admit discharge disch onset accident injury "
        "hospital eligibility effective termination term expiration expires void voided rejected "
        "rejection rejections appeal deadline timely corrected resubmission resubmitted "
        "transaction trace trn eft bank routing method source language race ethnicity marital "
        "height weight allergies smoker program site legal title prefix salutation nickname "
        "preferred maiden alias responsibility portion share withheld interest tips time duration "
        "hours minutes fiscal year month quarter week period"
    ),
    Word.NOISE: (
        "of the a an and or s on for in by as at is if any your this e g i required req optional "
        "mandatory format formatted text only mm dd yyyy yy mmddyyyy m d y usd dollars us value "
        "values field column digits digit numeric alphanumeric known applicable available full "
        "complete exact current"
    ),
}  # fmt: skip

_WORD_OF = {text: word for word, texts in _WORDS.items() for text in texts.split()}
_LONGEST_WORD = max(map(len, _WORD_OF))
# Shorter ones turn up within words that mean something else.
_SHORT_PARTS = frozenset({"id", "no", "dt", "fn", "ln", "nm", "pt", "to", "cd"})
_PARTS = frozenset(
    text
    for text, word in _WORD_OF.items()
    if word is not Word.NOISE and (len(text) > 2 or text in _SHORT_PARTS)
) | {"of"}
_LONGEST_RUN = 40
_LONGEST_NAME = 200

_ABBREVIATION = re.compile(r"\b(?:[A-Za-z]\.){2,}(?:[A-Za-z]\b)?")
_NUMBER_SIGN = re.compile(r"[#№]|\bN[º°]")
_RUN = re.compile(r"[^\W_]+")
_HUMPS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W_]")
_INITIALS_OF_NAMES = {("f", "name"): "fname", ("l", "name"): "lname", ("m", "name"): "mname"}


@lru_cache(maxsize=20_000)
def words_of(name: str) -> tuple[Word, ...]:
    """What the words of a column's name speak of, in order, without those that say nothing.

    `Patient's D.O.B. (MM/DD/YYYY)` speaks of a patient and of birth.
    """
    if len(name) > _LONGEST_NAME:
        return (Word.UNKNOWN,)
    words = (_WORD_OF.get(text, Word.UNKNOWN) for text in _texts(name))
    return tuple(word for word in words if word is not Word.NOISE)


def _texts(name: str) -> list[str]:
    # Salesforce ends the names of its users' own fields so.
    plain = _ABBREVIATION.sub(lambda found: found[0].replace(".", ""), name.removesuffix("__c"))
    plain = _NUMBER_SIGN.sub(" number ", plain).replace("’", "'")
    texts: list[str] = []
    for run in _RUN.findall(plain):
        whole = _split(run.casefold())
        if whole is None:
            humps = _HUMPS.findall(run)
            for hump in humps:
                texts += _split(hump.casefold()) or [hump.casefold()]
        else:
            texts += whole
    at = 0
    while at + 1 < len(texts):
        joined = _INITIALS_OF_NAMES.get((texts[at], texts[at + 1]))
        if joined:
            texts[at : at + 2] = [joined]
        at += 1
    return texts


def _split(run: str) -> list[str] | None:
    """A run of letters as the fewest words that make it up; None when it is not made of words."""
    if run in _WORD_OF:
        return [run]
    if len(run) > _LONGEST_RUN:
        return None
    best: list[list[str] | None] = [[], *[None] * len(run)]
    for end in range(1, len(run) + 1):
        for start in range(max(0, end - _LONGEST_WORD), end):
            before, part = best[start], run[start:end]
            if before is None or part not in _PARTS:
                continue
            found = best[end]
            if found is None or len(before) + 1 < len(found):
                best[end] = [*before, part]
    return best[-1]
