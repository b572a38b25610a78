"""Services of a board: an agent that stays, what it found, and the unit that keeps it. The standard library only."""
