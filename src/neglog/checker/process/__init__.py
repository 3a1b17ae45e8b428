"""Where the function runs, and what is seen of a call."""
