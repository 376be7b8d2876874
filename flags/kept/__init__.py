"""What people keep of the answers from before they signed in."""
