"""Changes that wait: for their time, for a second person, or for both."""
