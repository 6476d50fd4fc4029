"""Consent, and what the law asks for."""
