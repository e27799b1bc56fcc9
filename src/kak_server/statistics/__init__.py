"""What service-level reports are made of: counts and times a half hour, derived from the routing events alone."""
