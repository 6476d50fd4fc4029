"""The JSON API for operators' programs (`v1`), and the wire that agents speak (`agents`)."""
