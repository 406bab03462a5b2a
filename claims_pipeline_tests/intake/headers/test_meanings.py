"""Names of columns as exports write them, and what is read of each."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claims_pipeline.intake.headers.meanings import MAPPABLE_COLUMNS, meaning_of

READ = {
    "claim_number": (
        "Claim Number; Claim No.; ClaimID; Clm #; CLM_NBR; Payer Claim Control Number; Payer "
        "ICN; ICN/DCN; Insurance Claim Number; Ins Claim #; Claim Ref #; TCN; FLN; Original "
        "Claim Number; claim; Carrier Claim ID; payerClaimControlNumber; Claim # (ICN); "
        "Primary Claim Number; Reference Number; Claim Identifier"
    ),
    "patient_account_number": (
        "Patient Account Number; Acct #; Account; PCN; Patient Control #; Chart #; Encounter "
        "#; Medical Record Number; MRN; Patient #; Visit ID; Case #; Client ID; "
        "PatientAcctNo; PT_ACCT"
    ),
    "first_name": (
        "First Name; FName; Pt First Name; Pat First; PatientFName; First Nm; Fst Name; "
        "given_name; Member First Name; patient.firstName; PATIENT'S FIRST NAME; First; First "
        "Name (required); *First Name*; ptntfn"
    ),
    "last_name": (
        "Last Name; LName; Pt Last Name; Pat Last; PatientLName; LastNm; Surname; Family "
        "Name; Client Last Name; patient.lastName; Last; LAST_NAME*"
    ),
    "patient_name": (
        "Patient; Patient Name; Pt Name; Patient Full Name; Patient Name (Last, First); "
        "Member Name; Patient Last, First; Client Name; Name (Last, First MI)"
    ),
    "date_of_birth": (
        "DOB; D.O.B.; Birthdate; Birth Dt; Patient DOB; PAT_DOB; Patient Date of Birth; Mbr "
        "DOB; DOB - MM/DD/YYYY; Date Of Birth:; birth_date; PatientBirthDate; DOB "
        "(mm/dd/yyyy); Birthday"
    ),
    "gender": "Gender; Sex; Patient Sex; PatientSex; Pt Gender; gender_code; Member Gender",
    "subscriber_first_name": (
        "Subscriber First Name; Insured First; Insured's First Name; Policy Holder First Name; "
        "PolicyholderFirst; sub_fname; subscriber.firstName"
    ),
    "subscriber_last_name": (
        "Subscriber Last Name; Insured Last Name; Policyholder Last Name; SBR_LNAME"
    ),
    "subscriber_name": (
        "Subscriber Name; Insured's Name; Policy Holder Name; SBR_NAME; "
        "Subscriber Last Name, First Name"
    ),
    "npi": "NPI; NPI #; Billing NPI; Group NPI; Billing Provider NPI; Practice NPI; Provider_NPI",
    "subscriber_id": (
        "Subscriber ID; Subscriber No; Member ID #; Mbr ID; Insurance ID #; Insured's ID; "
        "Policy #; Subscriber/Member ID; Primary Policy #; UHC Member ID; Card ID; Primary "
        "Ins ID; subscriber.memberId; Patient Insurance ID"
    ),
    "first_service_date": (
        "Date of Service; D.O.S.; Svc Date; SERV DT; Dates of Service; DOS From; Start DOS; "
        "Min DOS; DOS (From); Service Begin Date; Statement From Date; Date of Visit; "
        "Appointment Date; Session Date; CLM_FROM_DT; Beginning Date of Service; From Date; "
        "Start Date; encounter_date; SERVICEDATE; Service Date(s); DOS From - To; First Date "
        "of Service; Procedure Date"
    ),
    "last_service_date": (
        "DOS To; DOS Thru; Thru DOS; Through Date; Svc To; Service Through Date; Last DOS; "
        "DOS (To); End Date of Service; Statement Thru Date; Date of Service Thru; To Date; "
        "CLM_THRU_DT; Max DOS"
    ),
    "practice_id": "Practice; Practice Name; Clinic ID; Office; practice_code; Practice No",
    "tin": (
        "TIN; Tax ID #; EIN; Federal Tax ID; Provider Tax ID; Billing Provider Tax ID; Group "
        "TIN; Tax Identifier; taxId; Practice TIN"
    ),
    "payer": (
        "Payer; Payer Name; Insurance; Insurance Name; Insurance Company; Carrier; Primary Payer; "
        "Primary Insurance; Ins Name; Payor; Insurance Carrier; Claim Payer; Claim Payer Name"
    ),
    "payer_id": (
        "Payer ID; Claim Payer ID; Payor Code; EDI Payer ID; carrier_id; Electronic Payer ID"
    ),
    "total_charged": (
        "Total Charges; Charges; Chg Amt; Billed Amt; Amount Billed; Total Claim Amount; Fee; "
        "Submitted Charges; Gross Charges; Billed; Claim Total; Total Charge Amount ($); CHG"
    ),
}  # fmt: skip

NOT_READ = (
    "Guarantor First Name; First Name (Guarantor); DOB (Guarantor); Subscriber DOB; "
    "Guarantor Last Name; Provider Name; Rendering Provider First Name; Referring "
    "Physician; Rendering Provider NPI; Guarantor Name; Responsible Party; Emergency "
    "Contact Name; Relationship to Subscriber; Spouse DOB; Employer Name; Provider Last "
    "Name; Facility Name; Billing Provider; Claim Status; Claim Type; Number of Claims; "
    "Claims; Claim Filing Indicator; Claim Received Date; Denial Date; Check Number; "
    "Check Date; Paid Amount; Insurance Paid; Patient Balance; Balance; Allowed Amount; "
    "Account Balance; Account Type; Statement Date; Billed Date; First Billed Date; Last "
    "Payment Date; Last Visit; Submission Date; Date Entered; Date of Death; Discharge "
    "Date; Secondary Insurance ID; Secondary Policy #; Claim #2; Group Number; Plan Name; "
    "Facility NPI; Referring NPI; Account Holder Name; Subscriber Gender; Insured Sex; Plan; "
    "Coverage; Company; Secondary Insurance; Coinsurance; Insurance Plan Name; Line Charge; "
    "Procedure Code; CPT; Service Provider; "
    "Place of Service; Service Location; Patient Phone; Patient Address; Middle Name; "
    "Name; Member; Patient Status; Auth Number; Zip Code; Invoice Number; Date; From; "
    "Age; Remarks; Claimant; Photo; Notes; Xyzzy; Geburtsdatum; Claim Zeitraum;"
)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "column"),
    [(name.strip(), column) for column, names in READ.items() for name in names.split(";")],
)
def test_a_name_is_read_by_its_words(name, column):
    assert meaning_of(name).column == column


@pytest.mark.parametrize("name", [name.strip() for name in NOT_READ.split(";") if name.strip()])
def test_what_speaks_of_something_else_is_not_read(name):
    assert meaning_of(name).column is None


@pytest.mark.parametrize("column", [*READ])
def test_a_word_that_is_not_known_leaves_a_name_unread(column):
    for name in READ[column].split(";"):
        assert meaning_of(f"{name} Xyzzy").column is None


@given(st.text(max_size=60))
def test_any_name_is_a_column_of_ours_or_none(name):
    assert meaning_of(name).column in {*MAPPABLE_COLUMNS, None}


@pytest.mark.parametrize("name", ["Claim of QUILL", "QUILL", "05/10/1975", "FH00000001", "Zoë"])
def test_a_name_that_may_be_a_value_is_not_taken_for_understood(name):
    assert not meaning_of(name).is_understood
