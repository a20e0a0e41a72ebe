"""Images: what a file says of itself, its sizes and formats, social cards. Pillow is imported here alone."""
