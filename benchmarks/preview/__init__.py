"""How long it takes from a save until the text is seen in a browser."""
