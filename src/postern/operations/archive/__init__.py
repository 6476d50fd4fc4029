"""Records: taken in, written by the hub itself, opened for the wall, for searches and as evidence."""
