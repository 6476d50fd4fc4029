"""`postern doctor`: looks for what would let the promises of this program fail, and says how to mend it."""
