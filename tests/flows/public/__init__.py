"""Drivers pay: the counter, the public process and its pages."""
