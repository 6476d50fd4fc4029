"""The root keys in use: one as a rule, the new and the old one while a rotation is under way.

    keys/root.key                 the root key in force (or unattended.key, tpm.key, pkcs11.key, vault.key)
    keys/next/root.key            while it is rotated: the coming one
    keys/next/rotation.json       from what to what; written after the coming one, removed last

So at every moment the files that are there open all that the keystore holds.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from postern.errors import CannotOpen, PosternError, SettingsInvalid
from postern.keystore import providers
from postern.keystore.providers import FILES, Kind, Provider
from postern.keystore.rootfiles import damaged, read, write_new
from postern.keystore.rootkey import RootKey
from postern.settings import Settings

NEXT = "next"
PLAN = "rotation.json"
_FORMAT = "postern-root-key-rotation/1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """A rotation of the root key that is under way."""

    old: Provider
    new: Provider


class Roots:
    """Every root key that may have wrapped something here. It learns of a rotation by looking again."""

    def __init__(
        self, roots: Sequence[RootKey], again: Callable[[], Awaitable[Sequence[RootKey] | None]] | None = None
    ) -> None:
        self._roots = tuple(roots)
        self._again = again

    @property
    def newest(self) -> RootKey:
        return self._roots[0]

    def by_id(self, id: bytes) -> RootKey | None:
        """The root key of that id, if it is held here."""
        return next((root for root in self._roots if root.id == id), None)

    async def unwrap(self, wrapped: bytes, *, label: str) -> bytes:
        """The secret, whichever of them wrapped it. CannotOpen when none did."""
        for _ in range(2):
            for root in self._roots:
                try:
                    return await root.unwrap(wrapped, label=label)
                except CannotOpen as fault:
                    last = fault
            if not await self.look_again():
                break
        raise last

    async def look_again(self) -> bool:
        """Open what a rotation has left since. False when there is nothing new, or it cannot be opened."""
        found = await self._again() if self._again is not None else None
        if found is None:
            return False
        self._roots = tuple(found)
        return True


async def open_roots(settings: Settings, passphrase: str | None, *, fresh: bool) -> Roots:
    """The root keys of the data folder, as `settings` choose. At the very first start one is made.

    `fresh`: no key was ever made in the keystore. Raises SettingsInvalid, CannotOpen or RootKeyUnavailable.
    """
    provider = providers.chosen(settings)
    folder = settings.folder("keys")
    _refuse_others(folder, provider, settings)
    path = folder / provider.file
    if read_plan(folder) is None and not path.exists():
        _refuse_unless(fresh, path)
        await providers.create(provider, path, settings, passphrase)
    seen = _signature(folder)

    async def again() -> Sequence[RootKey] | None:
        nonlocal seen
        if (now := _signature(folder)) == seen:
            return None
        try:
            found = await _open(settings, passphrase)
        except (PosternError, FileNotFoundError):
            return None  # a rotation to another provider or passphrase: this program must be started anew
        seen = now
        return found

    return Roots(await _open(settings, passphrase), again)


async def _open(settings: Settings, passphrase: str | None) -> list[RootKey]:
    folder = settings.folder("keys")
    plan = read_plan(folder)
    if plan is None:
        provider = providers.chosen(settings)
        wanted = [(provider, folder / provider.file)]
    else:
        coming, current = folder / NEXT / plan.new.file, folder / plan.old.file
        newest = coming if coming.exists() else folder / plan.new.file
        wanted = [(plan.new, newest)]
        if current != newest and current.exists():
            wanted.append((plan.old, current))
    return [await providers.open_root(one, path, settings, passphrase) for one, path in wanted]


def read_plan(folder: Path) -> Plan | None:
    """The rotation that is under way in the folder `keys`, if one is."""
    try:
        content = read(folder / NEXT / PLAN, _FORMAT)
        return Plan(old=Provider.parse(str(content["from"])), new=Provider.parse(str(content["to"])))
    except FileNotFoundError:
        return None
    except KeyError as fault:
        raise damaged(folder / NEXT / PLAN) from fault


def write_plan(folder: Path, plan: Plan) -> None:
    """Begin a rotation, whose coming root key lies in its file already."""
    write_new(folder / NEXT / PLAN, {"format": _FORMAT, "from": plan.old.text, "to": plan.new.text})


def _signature(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """What changes when a root key is rotated."""
    files = [*folder.glob("*"), *folder.glob(f"{NEXT}/*")]
    found = []
    for path in files:
        try:
            state = path.stat()
        except FileNotFoundError:
            continue
        if path.is_file():
            found.append((str(path), state.st_ino, state.st_mtime_ns))
    return tuple(sorted(found))


def _refuse_others(folder: Path, provider: Provider, settings: Settings) -> None:
    """Say so when another provider than the chosen one holds this folder's root key."""
    plan = read_plan(folder)
    fine = {provider.kind} | ({plan.old.kind, plan.new.kind} if plan is not None else set())
    for kind, name in FILES.items():
        if kind in fine or not (folder / name).exists():
            continue
        if kind is Kind.UNATTENDED and settings.mode == "production":
            raise SettingsInvalid(
                f"{folder / name} is a root key that nothing guards, which production does not accept. "
                "Use another data folder (POSTERN_DATA) for production, or start with --demo."
            )
        if settings.mode == "demo" and settings.root_key is None:
            raise SettingsInvalid(
                "This data folder is a production one: start without --demo, or set another POSTERN_DATA."
            )
        raise SettingsInvalid(
            f"This data folder's root key is held by {kind} ({folder / name}), but POSTERN_ROOT_KEY says "
            f"{provider.kind}. Set it to {kind}…; to move the root key, use 'postern keys rotate root --to'."
        )


def _refuse_unless(fresh: bool, path: Path) -> None:
    if not fresh:
        raise SettingsInvalid(
            f"The keystore holds keys, but the root key that opens them is missing: restore {path} from its "
            "safe copy. No new one was made, because it would open nothing."
        )
