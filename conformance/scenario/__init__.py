"""What scenarios act with: cases, steps, the look at the target before them."""
