"""A garage into which cars are driven: `postern prove` attacks with the same one."""

from __future__ import annotations

from postern.prove.driven import BATCH, Driven, balanced, driven, enrolled

__all__ = ["BATCH", "Driven", "balanced", "driven", "enrolled"]
