"""Write THIRD_PARTY_LICENCES.md: what running Postern installs, from the packages' own metadata, and notes.

Metadata tells the licence of a package's code and not of everything a wheel carries, so that models, weights
and bundled programs are described by hand in `scripts/licence_notes.md`, which is put below the table.
`--check` writes nothing and fails when the file is out of date.
"""

import re
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "THIRD_PARTY_LICENCES.md"
NOTES = ROOT / "scripts" / "licence_notes.md"
LOCK = ROOT / "requirements" / "runtime.txt"

HEAD = """# Third-party licences

Postern itself is under the Apache License 2.0 (`LICENSE`). It installs, and does not copy, the packages
below; each keeps its own licence. `make licences` writes this file from `requirements/runtime.txt` and the
packages' metadata.

| package | version | licence |
| --- | --- | --- |
"""

SHORT = {
    "Apache Software License": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "MIT License": "MIT",
    "MIT license": "MIT",
    "BSD License": "BSD",
    "BSD-3": "BSD-3-Clause",
    "Boost Software License": "BSL-1.0",
    "Boost Software License 1.0 (BSL-1.0)": "BSL-1.0",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
}

UNSTATED = {"pyrage": "MIT"}
"""Packages whose metadata says nothing, by the licence file that they bring."""


def locked() -> list[str]:
    """The packages that the lock names, each once (a marker may split one into two versions)."""
    names = re.findall(r"^([A-Za-z0-9._-]+)==", LOCK.read_text(), flags=re.MULTILINE)
    return sorted(set(names))


def licence_of(found: Distribution) -> str:
    """The licence expression, else the classifiers, else the first line of the licence field."""
    expression = found.metadata.get("License-Expression")
    if expression:
        return str(expression)
    classifiers = found.metadata.get_all("Classifier") or []
    named = [
        line.rsplit(" :: ", 1)[1] for line in classifiers if line.startswith("License :: OSI Approved :: ")
    ]
    field = str(found.metadata.get("License") or "").strip().splitlines()
    chosen = named or field[:1] or [UNSTATED.get(str(found.metadata["Name"]), "see the package")]
    return ", ".join(SHORT.get(name, name) for name in chosen)


def table() -> str:
    """One row for each package; those that only other systems install are named in a last line."""
    rows, elsewhere = [], []
    for name in locked():
        try:
            found = distribution(name)
        except PackageNotFoundError:
            elsewhere.append(name)
            continue
        rows.append(f"| {found.metadata['Name']} | {found.version} | {licence_of(found)} |")
    text = "\n".join(rows) + "\n"
    if elsewhere:
        text += f"\nLocked for other systems and not installed on Linux: {', '.join(elsewhere)}.\n"
    return text


def main() -> int:
    text = HEAD + table() + "\n" + NOTES.read_text()
    if "--check" in sys.argv[1:]:
        return 0 if TARGET.read_text() == text else 1
    TARGET.write_text(text)
    print(f"  {TARGET.name} written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
