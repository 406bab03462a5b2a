"""What a match says about itself, in plain words that repeat no value."""

NUMBER_ALONE = "Only the claim number matches; check that the claim is this patient's."
NUMBER_UNKNOWN = "The payer has no claim with this number; the patient's claims are shown."
SEVERAL_CLAIMS = "The row names one claim and several fit."
TOLD_APART = "Several claims fit; the dates of service or the charged amount decided."
ACCOUNT_NUMBER = "Found by the patient account number; the payer's claim number differs."
SAME_FAMILY = "Several patients share the last name and date of birth; the first name fits each."
OTHERS_LEFT_OUT = (
    "Claims of another patient with the same last name and date of birth were left out."
)
ACCOUNT_ALONE = (
    "Only the patient account number and the date of birth match; check that the claim is this "
    "patient's."
)
NUMBER_WRITTEN = "The claim number is written in another way: zeros or a suffix differ."
NAMES_EXCHANGED = "The date of birth matches; first and last name are exchanged."
NEAR_FIRST_NAME = "The last name and date of birth match; the first name differs slightly."
NEAR_LAST_NAME = "The first name and date of birth match; the last name differs slightly."
CROSSWISE_LAST_NAME = (
    "The first name and date of birth match; of the double last names only one part is the same."
)
OTHER_LAST_NAME = (
    "The first name, date of birth and subscriber id match; the last name is another one."
)
UNSURE_FIRST_NAME = "The last name and date of birth match, the first name only in part."
NEAR_BIRTH_DATE = "The name matches; the date of birth differs slightly."
NO_BIRTH_DATE = "The name matches; the payer gives no date of birth."

# How a row was searched that no claim fits.
EVERY_CLAIM_SEEN = "Every claim of the practice in the searched days was looked at; none fits."
BY_NAME_ONLY = (
    "The payer was asked by name and date of birth only; a claim under another spelling would not "
    "have been seen."
)
ON_OTHER_DAYS = "The payer has claims of this patient on other days."
ACCOUNT_OF_ANOTHER = (
    "The payer has a claim with this patient account number, of another name and date of birth."
)
NUMBER_OF_ANOTHER = (
    "The payer has a claim whose number is written nearly so, of another name and date of birth."
)

OTHER_FORM = "The first name is written in another form."
FIRST_NAME_DIFFERS = "The first name differs."
LAST_NAME_IN_PART = "The last name is the same in part."
LAST_NAME_DIFFERS = "The last name differs."
BIRTH_DATE_DIFFERS = "The date of birth differs."
SUBSCRIBER_DIFFERS = "The subscriber id differs."
DATES_DIFFER = "The service dates differ."

# Of one claim, beside what is said of the row.
OTHER_DAYS = "This visit is on other days than the row's service dates."
