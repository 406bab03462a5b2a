"""The contract's search as a GraphQL schema, spelled as the payer spells it."""

from functools import lru_cache

from graphql import GraphQLSchema, build_schema

_SDL = """
type Query { searchClaim(searchClaimInput: SearchClaimInput!): SearchClaim }

input SearchClaimInput {
  payerId: String!
  claimNumber: String
  patientAccountNumber: String
  memberId: String
  memberFirstName: String
  memberLastName: String
  memberDateOfBirth: String
  memberPolicy: String
  serviceStartDate: String
  serviceEndDate: String
}

type SearchClaim { claims: [Claims] pagination: Pagination }
type Pagination { hasMoreRecords: Boolean nextPageToken: String }

type Claims {
  claimNumber: String
  claimReceiptLocatorNumber: String
  claimInventoryControlNumber: String
  claimStatus: String
  isMedicarePendProcess: Boolean
  hasClaimDetails: Boolean
  member: Member
  provider: Provider
  claimEvents: ClaimEvents
  claimLevelInfo: ClaimLevelInformation
  claimLevelTotalAmount: ClaimLevelTotalAmount
  payments: [ClaimPaymentInfo]
  claimStatusCrosswalkData: [ClaimStatusCrosswalkData]
  claimAdjudicationCodes: [ClaimAdjudicationCode]
  claimDetailedInformation: ClaimDetailedInformation
}

type Member {
  subscriberId: String
  policyNumber: String
  firstName: String
  lastName: String
  middleInitial: String
  dateOfBirth: String
  relationshipCode: String
  dependentSequenceNumber: String
  memberId: String
}

type Provider { submitted: SubmittedProvider adjudicated: AdjudicatedProvider }
type SubmittedProvider {
  billingTin: String
  billingProviderName: String
  billingNpi: String
  renderingProviderName: String
}
type AdjudicatedProvider {
  billingTinPrefix: String
  billingTin: String
  billingTinSuffix: String
  billingProviderName: String
  billingNpi: String
  billingProviderMpin: String
  renderingProviderName: String
  renderingProviderMpin: String
}

type ClaimEvents {
  receivedDate: String
  processedDate: String
  processedTime: String
  serviceStartDate: String
  serviceEndDate: String
  statusEffectiveDate: String
}

type ClaimLevelInformation {
  patientAccountNumber: String
  claimType: String
  providerNetworkStatus: String
  claimFlagTag: String
}

type ClaimLevelTotalAmount {
  totalBilledChargeAmount: String
  totalProviderWriteOffAmount: String
  totalPatientNotCoveredAmount: String
  totalProviderNotCoveredAmount: String
  totalAllowedAmount: String
  totaldeductibleAmount: String
  totalCopayAmount: String
  totalCoinsAmount: String
  totalPaidAmount: String
  totalPatientResponsibilityAmount: String
}

type ClaimPaymentInfo {
  paymentNumber: String
  adjudicatedClaimPaymentNumber: String
  adjudicatedClaimPaymentAmount: String
  checkSeriesDesignator: String
  paymentModeCode: String
  paymentAmount: String
  paymentIssueDate: String
  claimPayeeAssignmentCode: String
  payeeName: String
}

type ClaimStatusCrosswalkData {
  claim507Code: String
  claim507CodeDesc: String
  claim508Code: String
  claim508CodeDesc: String
  adjudicatedClaimSuffixCode: String
  adjudicatedClaimPaymentNumber: String
}

type ClaimAdjudicationCode { claimCodeType: String code: String description: String }
type LineAdjudicationCode { type: String code: String description: String }

type ClaimDetailedInformation {
  claimNumber: String
  payerId: String
  allowedActions: String
  lines: [ClaimLine]
}

type ClaimLine {
  lineKey: String
  lineNumber: String
  unitCount: String
  serviceCode: String
  revenueCode: String
  procedureCode: String
  procedureTypeCode: String
  modifiers: [String]
  lineEvents: LineEvents
  lineLevelTotalAmounts: LineAmounts
  lineIndicators: LineIndicators
  lineAdjudicationCodes: [LineAdjudicationCode]
}

type LineEvents {
  processedDate: String
  processedTime: String
  serviceStartDate: String
  serviceEndDate: String
}

type LineAmounts {
  billedChargeAmount: String
  notCoveredAmount: String
  providerWriteOffAmount: String
  allowedAmount: String
  deductibleAmount: String
  copayAmount: String
  coinsuranceAmount: String
  paidAmount: String
  memberResponsiblityAmount: String
}

type LineIndicators { inventoryControlNumberSuffix: String providerNetworkStatus: String }
"""


@lru_cache(maxsize=1)
def schema() -> GraphQLSchema:
    """The schema, built once."""
    return build_schema(_SDL)
