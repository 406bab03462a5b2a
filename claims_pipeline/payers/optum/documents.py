"""The GraphQL documents that are asked. Names are spelled as the payer spells them.

`totaldeductibleAmount` is no slip of ours: a corrected name is refused as an unknown field.
"""

_CODES = "{ claimCodeType code description }"
_SUMMARY = f"""
      claimNumber
      claimStatus
      hasClaimDetails
      member {{ subscriberId memberId firstName lastName dateOfBirth }}
      provider {{
        submitted {{ billingTin renderingProviderName }}
        adjudicated {{ billingTinPrefix billingTin renderingProviderName }}
      }}
      claimEvents {{ receivedDate processedDate processedTime serviceStartDate serviceEndDate }}
      claimLevelInfo {{ patientAccountNumber claimType providerNetworkStatus }}
      claimLevelTotalAmount {{
        totalBilledChargeAmount totalProviderWriteOffAmount totalPatientNotCoveredAmount
        totalProviderNotCoveredAmount totalAllowedAmount totaldeductibleAmount totalCopayAmount
        totalCoinsAmount totalPaidAmount totalPatientResponsibilityAmount
      }}
      payments {{
        paymentNumber adjudicatedClaimPaymentNumber adjudicatedClaimPaymentAmount paymentModeCode
        paymentAmount paymentIssueDate
      }}
      claimStatusCrosswalkData {{
        claim507Code claim507CodeDesc claim508Code claim508CodeDesc adjudicatedClaimSuffixCode
        adjudicatedClaimPaymentNumber
      }}
      claimAdjudicationCodes {_CODES}
"""
_LINES = """
      claimDetailedInformation {
        lines {
          lineNumber unitCount revenueCode procedureCode modifiers
          lineEvents { processedDate serviceStartDate serviceEndDate }
          lineLevelTotalAmounts { billedChargeAmount notCoveredAmount allowedAmount paidAmount }
          lineIndicators { inventoryControlNumberSuffix }
          lineAdjudicationCodes { type code description }
        }
      }
"""


def _document(fields: str) -> str:
    return f"""query SearchClaim($searchClaimInput: SearchClaimInput!) {{
  searchClaim(searchClaimInput: $searchClaimInput) {{
    claims {{{fields}    }}
    pagination {{ hasMoreRecords nextPageToken }}
  }}
}}"""


SEARCH = _document(_SUMMARY)
WITH_LINES = _document(f"{_SUMMARY}{_LINES}")
