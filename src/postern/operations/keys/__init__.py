"""Keys as operators see them: their age, and their rotation."""
