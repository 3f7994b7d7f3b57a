"""What may be done, and who may do it. The whole policy is this table."""

from enum import Enum


class Permission(Enum):
    """One thing that somebody may do. The value is its name in tokens, logs and the API's description."""

    SCAN = "scan"
    """Scan or search a code and read its card."""
    STUDY_READ = "study:read"
    """Read studies."""
    STUDY_WRITE = "study:write"
    """Open studies."""
    PATIENT_READ = "patient:read"
    """Read patients by pseudonym, with their consents and samples."""
    PATIENT_WRITE = "patient:write"
    """Enrol patients."""
    CONSENT_RECORD = "consent:record"
    """Record a patient's answers and withdrawals."""
    CONSENT_REVIEW = "consent:review"
    """Settle what the consent rules leave to people."""
    CONSENT_REVERSE = "consent:reverse"
    """Take out of force a withdrawal that was recorded by mistake, and let go of what it held."""
    PATIENT_ANONYMISE = "patient:anonymise"
    """Ask for the link to a person to be broken, and agree to it."""
    DECISION_READ = "decision:read"
    """Read consent decisions with their reasons, and the rules behind them."""
    FORM_WRITE = "consent-form:write"
    """Draft consent forms and bring them into force."""
    SAMPLE_READ = "sample:read"
    """Read samples, their lineage, history and decisions."""
    SAMPLE_COLLECT = "sample:collect"
    """Register and receive samples."""
    SAMPLE_PROCESS = "sample:process"
    """Aliquot, derive and pool."""
    SAMPLE_CORRECT = "sample:correct"
    """Put right a wrong patient or a wrong type."""
    SAMPLE_HOLD = "sample:hold"
    """Hold and release samples, and say that they are lost or found."""
    SAMPLE_DISCARD = "sample:discard"
    """Discard samples."""
    PROCEDURE_WRITE = "procedure:write"
    """Write procedures and collection kits, and bring them into force."""
    USE_CHECK = "use:check"
    """Ask whether samples could be used, using nothing."""
    STORAGE_READ = "storage:read"
    """Read containers, their maps and what stands where."""
    STORAGE_BUILD = "storage:build"
    """Set up containers."""
    STORAGE_MOVE = "storage:move"
    """Place, move, take out and put back."""
    LABEL_PRINT = "label:print"
    """Get labels."""
    LABEL_DESIGN = "label:design"
    """Say how the site's labels look."""
    REQUEST_READ = "request:read"
    """Read every request of the site."""
    REQUEST_OWN = "request:own"
    """Draft, send and read one's own requests; the catalogue."""
    REQUEST_DECIDE = "request:decide"
    """Approve and refuse requests."""
    REQUEST_FULFIL = "request:fulfil"
    """Pick and hand out material for an approved request."""
    REPORT_READ = "report:read"
    """Read the figures."""
    AUDIT_READ = "audit:read"
    """Read the audit trail."""
    STATION_SET_UP = "station:set-up"
    """Set up bench stations and their scanners, and give people their badges."""
    USER_ADMIN = "user:admin"
    """Set up sites, users and tokens."""


P = Permission

_BENCH = {
    P.SCAN, P.STUDY_READ, P.PATIENT_READ, P.PATIENT_WRITE, P.CONSENT_RECORD, P.SAMPLE_READ, P.SAMPLE_COLLECT,
    P.SAMPLE_PROCESS, P.SAMPLE_HOLD, P.SAMPLE_DISCARD, P.USE_CHECK, P.STORAGE_READ, P.STORAGE_MOVE, P.LABEL_PRINT,
    P.REQUEST_READ, P.REQUEST_FULFIL, P.REPORT_READ, P.DECISION_READ,
}  # fmt: skip

#: Role -> what it may do. A person with two roles may do what either may.
ROLES: dict[str, frozenset[Permission]] = {
    "technician": frozenset(_BENCH),
    "manager": frozenset(
        _BENCH | {P.STUDY_WRITE, P.FORM_WRITE, P.SAMPLE_CORRECT, P.STORAGE_BUILD, P.REQUEST_OWN, P.REQUEST_DECIDE,
                  P.AUDIT_READ, P.CONSENT_REVIEW, P.CONSENT_REVERSE, P.PATIENT_ANONYMISE, P.PROCEDURE_WRITE,
                  P.STATION_SET_UP, P.LABEL_DESIGN}
    ),
    "committee": frozenset({P.STUDY_READ, P.REQUEST_READ, P.REQUEST_DECIDE, P.REPORT_READ, P.USE_CHECK, P.SCAN,
                            P.CONSENT_REVIEW, P.DECISION_READ}),
    "researcher": frozenset({P.REQUEST_OWN}),
    "dpo": frozenset(
        {P.SCAN, P.STUDY_READ, P.PATIENT_READ, P.CONSENT_RECORD, P.FORM_WRITE, P.SAMPLE_READ, P.STORAGE_READ,
         P.REQUEST_READ, P.REPORT_READ, P.AUDIT_READ, P.USE_CHECK, P.CONSENT_REVERSE, P.PATIENT_ANONYMISE,
         P.DECISION_READ}
    ),
    "administrator": frozenset(Permission),
}  # fmt: skip


def of_roles(roles: frozenset[str]) -> frozenset[str]:
    """Names of the permissions that these roles give together."""
    return frozenset(permission.value for role in roles for permission in ROLES.get(role, ()))
