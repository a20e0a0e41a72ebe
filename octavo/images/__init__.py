"""Images: what a file says of itself, sizes and formats, social cards.

Pillow is imported here alone.
"""
