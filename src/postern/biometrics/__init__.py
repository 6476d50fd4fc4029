"""Faces as numbers: quality of a sample, templates, and their comparison. Pure; the encoder is a device."""
