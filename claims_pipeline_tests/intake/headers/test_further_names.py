"""Fifty names of columns that public documentation of further systems gives, and how they are read.

They were gathered after the words were written: from lists of reports and exports (practice
management, dental, chiropractic and hospital systems), import templates, open-source schemas and a
map of the CMS-1500. Where a name is not read, reading it would ask for something else.
"""

import pytest

from claims_pipeline.intake.headers.meanings import meaning_of

FURTHER: dict[str, str | None] = {
    # A billing company's reports of several clinics.
    "InsurancePayerID": "payer_id",
    "REF CLINIC": None,
    "InsurancePlanName": None,
    # Follow-up of insurance, an anesthesia system.
    "Account ID": "patient_account_number",
    "Member Number": "subscriber_id",
    "Claim Date": None,
    "Payer Rank": None,
    "Days Outstanding": None,
    # Tables of an open-source EMR.
    "patient_id": "patient_account_number",
    "encounter_id": "patient_account_number",
    # Outstanding claims, a dental system.
    "Date Sent": None,
    "Treat Prov": None,
    # A claim's fields in a CRM.
    "ClaimNumber__c": "claim_number",
    "ClaimAmount__c": "total_charged",
    "Provider_NPI__c": "npi",
    "Disposition_Date__c": None,
    "Submitted On": None,
    # A payment integrity tool.
    "Clm ID": "claim_number",
    "Submitted Charge Amt": "total_charged",
    "Rend NPI": None,
    "Line Level NPI": None,
    "Bill Prov ID": None,
    # A worklist of a hospital's billing office.
    "Encntr Number": "patient_account_number",
    "Disch Date": None,
    "Current Health Plan": None,
    "Claim Transmission Date": None,
    # Boxes of the CMS-1500.
    "INSURANCE COMPANY": "payer",
    "INSURED'S ID NUMBER": "subscriber_id",
    "PATIENT'S NAME": "patient_name",
    "SEX": "gender",
    "9. OTHER INSURED'S NAME": None,
    # A nutrition and wellness EHR's policies.
    "holder_first": "subscriber_first_name",
    "holder_last": "subscriber_last_name",
    "holder_dob": None,
    # A portal's list of patients to import.
    "insurance_member_id": "subscriber_id",
    "insurance_payer_id": "payer_id",
    "insurance_sex": None,
    "client_identifier": "patient_account_number",
    # A recovery tool's list of claims, and a medical plan's feed.
    "insurer_name": "payer",
    "relationship_cd": None,
    # Lines of a hospital's claims.
    "FROM_SERV_DT": "first_service_date",
    "TO_SERV_DT": "last_service_date",
    # Unpaid appointments of a therapist's system, aging of a dental one.
    "Clearinghouse Reference": None,
    "patient birthday": "date_of_birth",
    # UB-04 columns, and an EHR's sample reports.
    "PatientSex": "gender",
    "PrimaryPayerName": "payer",
    "totalBilled": "total_charged",
    "datetime_of_service": "first_service_date",
    "current_payer": "payer",
    "previous_claim_id": None,
}


@pytest.mark.parametrize(("name", "column"), FURTHER.items())
def test_a_name_from_elsewhere_is_read_right_or_not_at_all(name: str, column: str | None) -> None:
    assert meaning_of(name).column == column


def test_there_are_fifty_of_them() -> None:
    assert len(FURTHER) == 50
