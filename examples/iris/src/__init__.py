"""A classifier of iris flowers and the application that serves it."""
