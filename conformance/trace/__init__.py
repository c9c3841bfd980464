"""What was said to a target and what it answered, live or recorded: the ground floor, which knows of nothing above
it."""
