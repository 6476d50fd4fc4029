"""Who may pass where and when, and what came of it."""
