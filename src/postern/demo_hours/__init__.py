"""The demo site's working people: employments, shifts, and the hours of this month and the one before."""
