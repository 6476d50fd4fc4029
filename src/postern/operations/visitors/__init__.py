"""Visits: invited, walked up, watched until they are over, erased when it is time."""
