"""The person's own pages at /me: never a console, whoever looks."""
