"""An app with nothing but jobs, installed by quick_settings for worker processes of tests."""
