"""What people may ask for, and what becomes of their data: consent, retention, erasure, requests."""
