"""What `manage.py loadtest` does: people who use the product over the network."""
