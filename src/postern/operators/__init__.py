"""Operators of the console: who they are, how they sign in, what each role may do."""
