"""What every operation of the hub is given; built once by `wiring`."""

from __future__ import annotations

from dataclasses import dataclass, field

from postern.clock import Clock
from postern.keystore.tombstones import TombstoneFile
from postern.operations.operators.sign_in_port import SignInProvider
from postern.operations.parking.shelf import Shelves
from postern.operations.people.opened import Registry
from postern.operations.ports import PictureStore, Post, RecognitionPort
from postern.operations.presence.shelf import PresenceShelves
from postern.operations.running import RunningJob
from postern.postgres.pool import Database
from postern.row_marks import MarkingKeyring


@dataclass(frozen=True, kw_only=True)
class Services:
    """The hub's database, keys, pictures, clock and recognition (None where no model is at hand)."""

    database: Database
    keyring: MarkingKeyring
    pictures: PictureStore
    clock: Clock
    recognition: RecognitionPort | None = None
    public_url: str = "http://127.0.0.1:8440"
    """The console's address as browsers see it: for one-time links and passkeys."""
    pages_url: str = "http://127.0.0.1:8441"
    """The public pages' address as phones see it: for visitors' links."""
    post: Post | None = None
    """Who delivers letters; None where no mail is set up."""
    tombstones: TombstoneFile | None = None
    """The list of destroyed keys beside the databases; None where nothing outlives this process."""
    provider: SignInProvider | None = None
    """With whom operators may sign in besides their passwords and passkeys."""
    registry: Registry = field(init=False)
    garages: Shelves = field(init=False)
    """The books of garages."""
    presences: PresenceShelves = field(init=False)
    """Who is where, at every site."""
    rotation: RunningJob = field(init=False)
    """The rotation of a key that was started from the console."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "registry", Registry(self.keyring))
        object.__setattr__(self, "garages", Shelves())
        object.__setattr__(self, "presences", PresenceShelves())
        object.__setattr__(self, "rotation", RunningJob())
