"""The demo's garage: its lanes, and a week of believable stays in the archive. Every plate is drawn."""
