"""Whether the recognition models are there and are the ones that were installed."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, PackagePath, distribution
from pathlib import Path

from postern.doctor.finding import Finding, danger, ok

NAME = "models"
_CURE = "install again: make uninstall setup (it keeps the data)"

WANTED = {
    "face_recognition_models": (
        "dlib_face_recognition_resnet_model_v1.dat",
        "shape_predictor_5_face_landmarks.dat",
    ),
    "rapidocr": (".onnx",),
}
"""Endings of the model files that each package brings and Postern loads."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelFile:
    """A file that a package installed and the SHA-256 that its installation recorded."""

    package: str
    path: Path
    digest: str | None


def installed() -> list[ModelFile]:
    """The model files on this machine, by the packages' own records of installation."""
    found = []
    for package, endings in WANTED.items():
        try:
            files: Iterable[PackagePath] = distribution(package).files or ()
        except PackageNotFoundError:
            continue
        found += [_described(package, file) for file in files if file.name.endswith(endings)]
    return found


def _described(package: str, file: PackagePath) -> ModelFile:
    digest = file.hash.value if file.hash is not None else None
    return ModelFile(package=package, path=Path(str(file.locate())), digest=digest)


def digest_of(path: Path) -> str:
    """SHA-256 as an installation records it: URL-safe base64 without padding."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def judge(files: Iterable[ModelFile]) -> list[Finding]:
    """Missing and changed files."""
    files = list(files)
    findings = []
    for package in WANTED:
        if not any(file.package == package for file in files):
            message = f"the package {package} with its models is not installed"
            findings.append(danger(NAME, message, "run make setup"))
    for file in files:
        if not file.path.exists():
            findings.append(danger(NAME, f"{file.path} is missing", _CURE))
        elif file.digest is not None and digest_of(file.path) != file.digest:
            findings.append(danger(NAME, f"{file.path} is not the file that was installed", _CURE))
    return findings or [ok(NAME, f"{len(files)} model files, all as they were installed")]


def examine() -> list[Finding]:
    """What is installed here."""
    return judge(installed())
