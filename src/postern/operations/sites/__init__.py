"""Places and what stands there: sites, doors, agents, kiosks, what is published and commanded to them."""
