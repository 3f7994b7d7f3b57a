"""Every table, in the order of the house: what migrations compare themselves with. Nothing but imports."""

from biobank.access import models as access
from biobank.audit import models as audit
from biobank.bench import models as bench
from biobank.consent import models as consent
from biobank.core import codes, outbox, scans
from biobank.core.db import Base
from biobank.distribution import models as distribution
from biobank.exchange import models as exchange
from biobank.moves import models as moves
from biobank.patients import models as patients
from biobank.printing import models as printing
from biobank.procedures import models as procedures
from biobank.quality import models as quality
from biobank.racks import models as racks
from biobank.requests import models as requests
from biobank.samples import models as samples
from biobank.storage import models as storage
from biobank.studies import models as studies
from biobank.web import models as web
from biobank.withdrawal import models as withdrawal

__all__ = [
    "Base",
    "access",
    "audit",
    "bench",
    "codes",
    "consent",
    "distribution",
    "exchange",
    "moves",
    "outbox",
    "patients",
    "printing",
    "procedures",
    "quality",
    "racks",
    "requests",
    "samples",
    "scans",
    "storage",
    "studies",
    "web",
    "withdrawal",
]
