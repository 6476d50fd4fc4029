"""Punch, Shift, Timesheet: hours from passages and corrections, and what they are paid by dated rules."""
