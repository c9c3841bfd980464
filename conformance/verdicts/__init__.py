"""What the rules found, counted and turned into one verdict for each rule."""
