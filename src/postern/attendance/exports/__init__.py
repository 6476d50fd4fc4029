"""Timesheets as files that payroll takes: CSV, XLSX, DATEV and the WH-347. All of it pure."""
