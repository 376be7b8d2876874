"""What is written down about flags while they are asked."""
