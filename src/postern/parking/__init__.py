"""Parking: who came, what it costs, who paid, and which money moved."""
