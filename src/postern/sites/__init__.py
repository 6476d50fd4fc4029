"""Places: sites, areas, doors, access points, readers."""
