"""Vehicles and their plates."""
