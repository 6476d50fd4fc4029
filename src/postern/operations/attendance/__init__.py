"""Hours: taken from records into books of months, corrected, approved, closed, told to payroll."""
