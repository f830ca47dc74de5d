"""A session of measurements: servers in turn, figures into a table, and whether they are what was asked for."""
