"""Where the notifications of each person stand: their version, their count, their turn."""
