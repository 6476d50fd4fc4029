"""The journal: browsed, signed, shown to its witnesses."""
