"""Visits: who is expected where, by whom and for how long; what they signed; when they came and left."""
