"""Employments, teams and contractors over the API."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from postern.clock import utc_day
from postern.ids import ContractorId, EmploymentId, PersonId, SiteId, TeamId
from postern.operations.people import employments, teams
from postern.operations.people.teams import Counted, UnitFile
from postern.people.employment import Contractor, Employments, Team, Terms
from postern.web.login import Hub, SignedIn

router = APIRouter(tags=["personnel"])


class TermsIn(BaseModel):
    """On what terms somebody works here. `until`: the minute of the last day at which access ends."""

    first: date
    last: date | None = None
    until: time | None = None
    contractor: UUID | None = None
    team: UUID | None = None
    manager: UUID | None = None
    site: int | None = None
    occupation: str = Field(default="", max_length=200)
    pay_profile: str = Field(default="", max_length=40)
    version: int = Field(default=0, description="of the person's employments, as they were read")

    def terms(self) -> Terms:
        """As the registry keeps them."""
        return Terms(
            first=self.first,
            last=self.last,
            until=self.until,
            contractor=None if self.contractor is None else ContractorId(self.contractor),
            team=None if self.team is None else TeamId(self.team),
            manager=None if self.manager is None else PersonId(self.manager),
            site=None if self.site is None else SiteId(self.site),
            occupation=self.occupation,
            pay_profile=self.pay_profile,
        )


class EmploymentOut(BaseModel):
    """One employment; access ends at `ends_at`."""

    id: UUID
    first: date
    last: date | None
    ends_at: datetime | None
    contractor: UUID | None
    team: UUID | None
    manager: UUID | None
    site: int | None
    occupation: str
    pay_profile: str


class EmploymentsOut(BaseModel):
    """All of a person's, by their first day."""

    version: int
    employments: list[EmploymentOut]

    @classmethod
    def of(cls, found: Employments) -> EmploymentsOut:
        """From the registry's."""
        every = [
            EmploymentOut(
                id=one.id,
                first=one.terms.first,
                last=one.terms.last,
                ends_at=None if one.ends_at is None else one.ends_at.astimezone(UTC),
                contractor=one.terms.contractor,
                team=one.terms.team,
                manager=one.terms.manager,
                site=one.terms.site,
                occupation=one.terms.occupation,
                pay_profile=one.terms.pay_profile,
            )
            for one in found.every
        ]
        return cls(version=found.version, employments=every)


class LeaveIn(BaseModel):
    """The last day of work, and the minute of it at which access ends (at midnight when it is not said)."""

    last: date
    until: time | None = None


class TeamIn(BaseModel):
    """A team to add or change."""

    name: str = Field(max_length=200)
    manager: UUID | None = None
    site: int | None = None
    version: int = 1


class ContractorIn(BaseModel):
    """A contractor to add or change."""

    name: str = Field(max_length=200)
    address: str = Field(default="", max_length=300)
    contract: str = Field(default="", max_length=300)
    version: int = 1


class UnitOut(BaseModel):
    """A team or contractor; `people`: how many are in it today, where that was asked."""

    id: UUID
    name: str
    version: int
    manager: UUID | None = None
    site: int | None = None
    address: str = ""
    contract: str = ""
    people: int | None = None

    @classmethod
    def of(cls, unit: Team | Contractor, people: int | None = None) -> UnitOut:
        """From the registry's."""
        out = cls(id=unit.id, name=unit.name, version=unit.version, people=people)
        if isinstance(unit, Team):
            return out.model_copy(update={"manager": unit.manager, "site": unit.site})
        return out.model_copy(update={"address": unit.address, "contract": unit.contract})


class MemberOut(BaseModel):
    """Somebody who is in a team or works for a contractor."""

    person: UUID
    name: str
    occupation: str
    last: date | None


class UnitFileOut(BaseModel):
    """A team or contractor, and who is in it today, by name."""

    unit: UnitOut
    members: list[MemberOut]

    @classmethod
    def of(cls, file: UnitFile) -> UnitFileOut:
        """From the operation's."""
        members = [
            MemberOut(person=one.person, name=one.name, occupation=one.occupation, last=one.last)
            for one in file.members
        ]
        return cls(unit=UnitOut.of(file.unit, len(members)), members=members)


@router.get("/people/{id}/employments")
async def of_person(hub: Hub, caller: SignedIn, id: UUID) -> EmploymentsOut:
    """A person's employments."""
    return EmploymentsOut.of((await employments.employment_file(hub, caller.actor, PersonId(id))).employments)


@router.post("/people/{id}/employments", status_code=201)
async def add(hub: Hub, caller: SignedIn, id: UUID, wanted: TermsIn) -> EmploymentsOut:
    """One more employment; 409 when its days overlap another one's."""
    return EmploymentsOut.of(
        await employments.add_employment(
            hub, caller.actor, person=PersonId(id), version=wanted.version, terms=wanted.terms()
        )
    )


@router.put("/people/{id}/employments/{employment}")
async def change(hub: Hub, caller: SignedIn, id: UUID, employment: UUID, wanted: TermsIn) -> EmploymentsOut:
    """Other terms for one of them; 409 when `version` is stale."""
    return EmploymentsOut.of(
        await employments.change_employment(
            hub,
            caller.actor,
            person=PersonId(id),
            version=wanted.version,
            id=EmploymentId(employment),
            terms=wanted.terms(),
        )
    )


@router.delete("/people/{id}/employments/{employment}")
async def remove(hub: Hub, caller: SignedIn, id: UUID, employment: UUID, version: int = 0) -> EmploymentsOut:
    """Take away one that was written down by mistake; 409 when `version` is stale."""
    return EmploymentsOut.of(
        await employments.remove_employment(
            hub, caller.actor, person=PersonId(id), version=version, id=EmploymentId(employment)
        )
    )


@router.post("/people/{id}/leave")
async def leave(hub: Hub, caller: SignedIn, id: UUID, wanted: LeaveIn) -> EmploymentsOut:
    """Somebody leaves: the employment of that day ends, and access with it, at the minute."""
    return EmploymentsOut.of(
        await employments.end_employment(
            hub, caller.actor, person=PersonId(id), last=wanted.last, until=wanted.until
        )
    )


def _counted(found: list[Counted]) -> list[UnitOut]:
    return [UnitOut.of(one.unit, one.people) for one in found]


@router.get("/teams")
async def every_team(hub: Hub, caller: SignedIn) -> list[UnitOut]:
    """Every team, with how many are in it today."""
    return _counted(await teams.teams(hub, caller.actor, utc_day(hub.clock.now())))


@router.post("/teams", status_code=201)
async def add_team(hub: Hub, caller: SignedIn, wanted: TeamIn) -> UnitOut:
    """A new team."""
    made = await teams.add_team(
        hub,
        caller.actor,
        name=wanted.name,
        manager=None if wanted.manager is None else PersonId(wanted.manager),
        site=None if wanted.site is None else SiteId(wanted.site),
    )
    return UnitOut.of(made)


@router.get("/teams/{id}")
async def team(hub: Hub, caller: SignedIn, id: UUID) -> UnitFileOut:
    """A team and who is in it."""
    day = utc_day(hub.clock.now())
    return UnitFileOut.of(await teams.team_file(hub, caller.actor, TeamId(id), day))


@router.put("/teams/{id}")
async def change_team(hub: Hub, caller: SignedIn, id: UUID, wanted: TeamIn) -> UnitOut:
    """Change a team; 409 when `version` is stale."""
    changed = Team(
        id=TeamId(id),
        tenant=caller.actor.tenant,
        name=wanted.name,
        manager=None if wanted.manager is None else PersonId(wanted.manager),
        site=None if wanted.site is None else SiteId(wanted.site),
        version=wanted.version,
    )
    return UnitOut.of(await teams.change_team(hub, caller.actor, changed))


@router.delete("/teams/{id}", status_code=204)
async def remove_team(hub: Hub, caller: SignedIn, id: UUID) -> Response:
    """Remove a team in which nobody was."""
    await teams.remove_team(hub, caller.actor, TeamId(id))
    return Response(status_code=204)


@router.get("/contractors")
async def every_contractor(hub: Hub, caller: SignedIn) -> list[UnitOut]:
    """Every contractor, with how many work for it here today."""
    return _counted(await teams.contractors(hub, caller.actor, utc_day(hub.clock.now())))


@router.post("/contractors", status_code=201)
async def add_contractor(hub: Hub, caller: SignedIn, wanted: ContractorIn) -> UnitOut:
    """A new contractor."""
    return UnitOut.of(
        await teams.add_contractor(
            hub, caller.actor, name=wanted.name, address=wanted.address, contract=wanted.contract
        )
    )


@router.get("/contractors/{id}")
async def contractor(hub: Hub, caller: SignedIn, id: UUID) -> UnitFileOut:
    """A contractor and whom they employ here."""
    day = utc_day(hub.clock.now())
    return UnitFileOut.of(await teams.contractor_file(hub, caller.actor, ContractorId(id), day))


@router.put("/contractors/{id}")
async def change_contractor(hub: Hub, caller: SignedIn, id: UUID, wanted: ContractorIn) -> UnitOut:
    """Change a contractor; 409 when `version` is stale."""
    changed = Contractor(
        id=ContractorId(id),
        tenant=caller.actor.tenant,
        name=wanted.name,
        address=wanted.address,
        contract=wanted.contract,
        version=wanted.version,
    )
    return UnitOut.of(await teams.change_contractor(hub, caller.actor, changed))


@router.delete("/contractors/{id}", status_code=204)
async def remove_contractor(hub: Hub, caller: SignedIn, id: UUID) -> Response:
    """Remove a contractor for whom nobody worked."""
    await teams.remove_contractor(hub, caller.actor, ContractorId(id))
    return Response(status_code=204)
