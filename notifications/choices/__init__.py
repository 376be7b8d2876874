"""What people choose: which kinds on which channels, and when."""
