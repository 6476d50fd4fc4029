"""Garages: sessions settled from records, prices and payments, cases, receipts, the ledger."""
