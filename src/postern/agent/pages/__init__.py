"""The agent's own pages: templates, words and assets. They stand alone, for when the hub is away."""
