"""Typed identifiers. Integers where storage routes by them, random UUIDs everywhere else.

Random ids tell nothing: not a time (as a version 7 UUID would), not a count (as a sequence would).
"""

from __future__ import annotations

from typing import NewType
from uuid import UUID, uuid4

TenantId = NewType("TenantId", int)
SiteId = NewType("SiteId", int)
AgentId = NewType("AgentId", int)

AreaId = NewType("AreaId", UUID)
DoorId = NewType("DoorId", UUID)
AccessPointId = NewType("AccessPointId", UUID)
ReaderId = NewType("ReaderId", UUID)
PersonId = NewType("PersonId", UUID)
VehicleId = NewType("VehicleId", UUID)
ReferenceId = NewType("ReferenceId", UUID)
CredentialId = NewType("CredentialId", UUID)
AccessLevelId = NewType("AccessLevelId", UUID)
ScheduleId = NewType("ScheduleId", UUID)
ConsentId = NewType("ConsentId", UUID)
OperatorId = NewType("OperatorId", UUID)
LoginId = NewType("LoginId", UUID)
KioskId = NewType("KioskId", UUID)
EmploymentId = NewType("EmploymentId", UUID)
TeamId = NewType("TeamId", UUID)
ContractorId = NewType("ContractorId", UUID)
VisitId = NewType("VisitId", UUID)


def new_id() -> UUID:
    """A fresh random (version 4) UUID."""
    return uuid4()
